package account

import (
	"slices"
	"strings"
)

// ListingForm is the form of the entries that this version makes of users. See package listing.
const ListingForm = 1

// Listing is what the sorted lists of users are made of: a change of anything else of a user
// changes no list.
type Listing struct {
	CreatedAt                     Instant
	Banned                        bool
	Username, FirstName, LastName string
	// Emails are addresses, Numbers are in E.164; both verified or not.
	Emails, Numbers []string
	// Marked is [User.Marked].
	Marked bool
	// Factors names what the user can prove as a second factor: see [User.factorSignature].
	Factors string
}

// Listing returns what the lists have of the user; nil for a user who is in no list, because the
// record is from before the lists or its deletion has begun.
func (u *User) Listing() *Listing {
	if u.Listed == 0 || u.Erasing != nil {
		return nil
	}
	l := &Listing{CreatedAt: u.CreatedAt, Banned: u.Banned, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, Factors: u.factorSignature(), Marked: u.Marked()}
	for i := range u.Emails {
		l.Emails = append(l.Emails, u.Emails[i].Address)
	}
	for i := range u.Phones {
		l.Numbers = append(l.Numbers, u.Phones[i].Number)
	}
	return l
}

// Equal reports whether two listings make the same entries.
func (l *Listing) Equal(other *Listing) bool {
	if l == nil || other == nil {
		return l == other
	}
	return l.CreatedAt == other.CreatedAt && l.Banned == other.Banned && l.Marked == other.Marked && l.Username == other.Username && l.FirstName == other.FirstName && l.LastName == other.LastName &&
		l.Factors == other.Factors && slices.Equal(l.Emails, other.Emails) && slices.Equal(l.Numbers, other.Numbers)
}

// The parts of a factor signature beside countries.
const (
	signatureApp  = "app"
	signatureNone = "none"
)

// factorSignature returns what a user can prove as a second factor, whatever the settings: "app"
// and the countries of the numbers, in order and joined by "+". Factors that wrong codes disabled,
// and lines that receive no SMS, are left out. The signature is "none" if nothing is
// left, and "" for a user without a second factor.
func (u *User) factorSignature() string {
	if !u.TwoFactorEnabled() {
		return ""
	}
	var parts []string
	if u.TOTP.Usable() {
		parts = append(parts, signatureApp)
	}
	for i := range u.Phones {
		if p := &u.Phones[i]; p.IsSecondFactor() && p.Failures < FailuresPerFactor && p.Line.TextAllowed() {
			parts = append(parts, p.Country)
		}
	}
	if len(parts) == 0 {
		return signatureNone
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "+")
}

// StrandedWith reports whether users with a factor signature are stranded under the settings, as
// factors.Stranded does for one user.
func StrandedWith(signature string, set *Settings) bool {
	if signature == "" {
		return false
	}
	return !slices.ContainsFunc(strings.Split(signature, "+"), func(part string) bool {
		if part == signatureApp {
			return set.AuthenticatorApp
		}
		return set.SMSCode && set.SendsSMSTo(part)
	})
}
