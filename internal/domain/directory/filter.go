package directory

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Filter narrows users. All parts must match; an empty part takes every user.
type Filter struct {
	// IDs, ExternalIDs, Emails, Usernames and Numbers take the users with one of the values. Emails
	// and Numbers are found once they are verified.
	IDs, ExternalIDs, Emails, Usernames, Numbers []string
	Texts                                        []Text
	Banned                                       *bool
	// Locked takes users by [account.User.LockEnd], and SecondFactor by
	// [account.User.TwoFactorEnabled]. A lock ends without a write, so no list has either.
	Locked, SecondFactor *bool
	// MFADue takes users by [account.User.MFADue], if they have no second factor.
	MFADue *bool
	// marked says that exactly the list of marked users has the users with MFADue. See
	// [Filter.checkDue].
	marked            bool
	Created, SignedIn listing.Period
	// Stranded takes users by [account.User.Stranded].
	Stranded *bool
	// Without takes the users who are not stranded under the settings, and would be under these.
	Without *account.Settings
}

// Text is a search for beginnings of words.
type Text struct {
	// Param is the name of the request's parameter.
	Param, Value string
	// Fields are where each word may be.
	Fields []listing.Field
	// Digits finds a word of four digits or more at the end of phone numbers, too.
	Digits bool
	words  []string
}

// exact reports whether the filter names its users.
func (f *Filter) exact() bool {
	return f.IDs != nil || f.ExternalIDs != nil || f.Emails != nil || f.Usernames != nil || f.Numbers != nil
}

// narrow reports whether the filter finds a limited number of users.
func (f *Filter) narrow() bool { return f.exact() || len(f.Texts) > 0 }

// byRecord reports whether only the records of users tell who matches the filter.
func (f *Filter) byRecord() bool {
	return f.Locked != nil || f.SecondFactor != nil || f.MFADue != nil && (!f.marked || f.Banned != nil || f.byFactors())
}

// byFactors reports whether the filter finds users by their factor signature.
func (f *Filter) byFactors() bool { return f.Stranded != nil || f.Without != nil }

// broadest returns the name of a parameter that has too many users.
func (f *Filter) broadest() string {
	switch {
	case f.Without != nil:
		return "stranded_without"
	case f.Stranded != nil:
		return "stranded"
	case f.Locked != nil:
		return "locked"
	case f.SecondFactor != nil:
		return "second_factor"
	case f.MFADue != nil:
		return "mfa_due"
	case f.Created.After != 0:
		return "created_at_after"
	case f.Created.Before != 0:
		return "created_at_before"
	}
	return "banned"
}

// check refuses a filter that cannot be applied, and splits its texts into words.
func (s *Service) check(ctx context.Context, f *Filter) error {
	words := 0
	for i := range f.Texts {
		if err := f.Texts[i].split(); err != nil {
			return err
		}
		if words += len(f.Texts[i].words); words > mostWords {
			return refuse(f.Texts[i].Param, fmt.Sprintf("A search has at most %d words.", mostWords))
		}
	}
	if err := s.checkDue(ctx, f); err != nil {
		return err
	}
	if !f.narrow() {
		if err := f.checkBroad(); err != nil {
			return err
		}
	}
	if f.exact() && f.ExternalIDs == nil {
		return nil
	}
	return s.ready(ctx)
}

// checkDue finds out whether a list has the users with MFADue. While the settings require a second
// factor of all users, no list has those without one.
func (s *Service) checkDue(ctx context.Context, f *Filter) error {
	if f.MFADue == nil || !*f.MFADue {
		return nil
	}
	set, err := s.Settings(ctx)
	f.marked = !set.MFARequired
	return err
}

// split finds the words of a text.
func (t *Text) split() error {
	t.words = listing.Split(t.Value)
	if len(t.words) == 0 {
		return refuse(t.Param, "Each word of a search needs a letter or a digit.")
	}
	for _, w := range t.words {
		if utf8.RuneCountInString(w) > listing.MaxWordLength {
			return refuse(t.Param, fmt.Sprintf("A word of a search has at most %d characters.", listing.MaxWordLength))
		}
	}
	if len(t.Fields) == 0 && !lastDigits(t.Value) {
		return refuse(t.Param, "Numbers are found whole, in E.164, or by at least their last four digits.")
	}
	return nil
}

// lastDigits reports whether a word can be the end of a phone number.
func lastDigits(word string) bool {
	return len(word) >= listing.LastDigits && strings.Trim(word, "0123456789") == ""
}

// checkBroad refuses parts of a filter that need the records of users, without a part that limits
// their number.
func (f *Filter) checkBroad() error {
	const why = "This filter goes only with one of query, user_id, external_id or the identifiers: else all users would be read."
	switch {
	case f.SignedIn.Before != 0:
		return refuse("last_sign_in_at_before", why)
	case f.SignedIn.After != 0:
		return refuse("last_sign_in_at_after", why)
	case f.Stranded != nil && !*f.Stranded:
		return refuse("stranded", why)
	case f.byFactors() && f.Banned != nil:
		return refuse("banned", why)
	}
	return nil
}

// matches reports whether a user matches all parts of the filter.
func (f *Filter) matches(u *account.User, t *tx.Tx, digest listing.Digest) bool {
	set := &t.State.Settings
	return f.named(u) && f.hasTexts(u, digest) &&
		(f.Banned == nil || *f.Banned == u.Banned) && (f.Locked == nil || *f.Locked == (u.LockEnd(t.Now) != 0)) && (f.SecondFactor == nil || *f.SecondFactor == u.TwoFactorEnabled()) &&
		(f.MFADue == nil || *f.MFADue == (u.MFADue() != 0 && !u.TwoFactorEnabled())) &&
		within(u.CreatedAt, f.Created) && within(u.LastSignInAt, f.SignedIn) &&
		(f.Stranded == nil || *f.Stranded == factors.Stranded(u, set)) && (f.Without == nil || !factors.Stranded(u, set) && factors.Stranded(u, f.Without))
}

// named reports whether a user has one of the wanted values of each kind.
func (f *Filter) named(u *account.User) bool {
	var emails, numbers []string
	for _, e := range u.Emails {
		if !e.Unverified {
			emails = append(emails, e.Address)
		}
	}
	for _, p := range u.Phones {
		if p.Verified != 0 {
			numbers = append(numbers, p.Number)
		}
	}
	return (f.IDs == nil || slices.Contains(f.IDs, u.WireID())) &&
		isOne(identifier.ExternalID, f.ExternalIDs, u.ExternalID) && isOne(identifier.Username, f.Usernames, u.Username) &&
		isOne(identifier.Email, f.Emails, emails...) && isOne(identifier.Phone, f.Numbers, numbers...)
}

// isOne reports whether one of the wanted identifiers is held, in any spelling.
func isOne(kind identifier.Kind, wanted []string, held ...string) bool {
	return wanted == nil || slices.ContainsFunc(wanted, func(w string) bool {
		return slices.ContainsFunc(held, func(h string) bool { return h != "" && identifier.Normal(kind, w) == identifier.Normal(kind, h) })
	})
}

// hasTexts reports whether the words of each text are in the user's profile.
func (f *Filter) hasTexts(u *account.User, digest listing.Digest) bool {
	l := u.Listing()
	if len(f.Texts) == 0 || l == nil {
		return len(f.Texts) == 0
	}
	entries := listing.Entries(u.ID, l, digest)
	for _, t := range f.Texts {
		for _, w := range t.words {
			ends := t.Digits && lastDigits(w) && slices.ContainsFunc(l.Numbers, func(n string) bool { return strings.HasSuffix(n, w) })
			if !ends && !slices.ContainsFunc(t.begins(w), func(r wordRange) bool { return slices.ContainsFunc(entries, r.has) }) {
				return false
			}
		}
	}
	return true
}

// within reports whether a time lies in a period. A time of zero is in no period with a limit.
func within(at account.Instant, p listing.Period) bool {
	if p == (listing.Period{}) {
		return true
	}
	return at != 0 && (p.After == 0 || at > p.After) && (p.Before == 0 || at < p.Before)
}
