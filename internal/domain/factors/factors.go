// Package factors says which factors a user is offered, and can prove.
package factors

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Factor is a factor that is offered to a user.
type Factor struct {
	Strategy account.Strategy
	Phone    *account.Phone // for phone_code
}

// First returns the first factors that a sign-in offers. Under enumeration protection an
// account that does not exist offers what an ordinary account does, and no account tells that it
// has a passkey.
func First(u *account.User, set *account.Settings) []Factor {
	if u == nil || set.EnumerationProtection && !set.FirstFactorPhoneCode {
		return []Factor{{Strategy: account.Password}}
	}
	found := ProvableFirst(u, set)
	if !set.EnumerationProtection {
		return found
	}
	return slices.DeleteFunc(found, func(f Factor) bool { return f.Strategy == account.PasskeyProof })
}

// ProvableFirst returns the first factors that the user has.
func ProvableFirst(u *account.User, set *account.Settings) []Factor {
	var found []Factor
	if u.Password != "" {
		found = append(found, Factor{Strategy: account.Password})
	}
	for i := range u.Phones {
		if p := &u.Phones[i]; p.IsFirstFactor() && set.FirstFactorPhoneCode && set.SMSCode && set.CanReceiveSMS(p) {
			found = append(found, Factor{account.PhoneCode, p})
		}
	}
	if len(u.UsablePasskeys()) > 0 {
		found = append(found, Factor{Strategy: account.PasskeyProof})
	}
	return found
}

// Second returns the second factors that the user can prove under the settings:
// authenticator app, numbers with the default first, backup codes. Numbers that no SMS reaches are
// left out.
func Second(u *account.User, set *account.Settings) []Factor {
	var found []Factor
	if u.TOTP.Usable() && set.AuthenticatorApp {
		found = append(found, Factor{Strategy: account.TOTPCode})
	}
	for _, p := range secondPhones(u, set) {
		found = append(found, Factor{account.PhoneCode, p})
	}
	if u.Backup.Usable() && set.BackupCodes && u.TwoFactorEnabled() {
		found = append(found, Factor{Strategy: account.BackupCode})
	}
	return found
}

// SecondAfter returns the second factors that the user can prove after a first factor:
// [Second], and last a passkey. Clerk's components before 1.41 cannot draw a passkey, and
// show nothing at all when it comes first.
func SecondAfter(first account.Strategy, u *account.User, set *account.Settings) []Factor {
	found := Second(u, set)
	if len(u.SecondPasskeys(set, first)) > 0 {
		found = append(found, Factor{Strategy: account.PasskeyProof})
	}
	return found
}

// secondPhones returns the numbers that second-factor codes can go to, the default first.
func secondPhones(u *account.User, set *account.Settings) []*account.Phone {
	var found []*account.Phone
	for i := range u.Phones {
		p := &u.Phones[i]
		switch {
		case !set.SMSCode || !set.CanReceiveSMS(p) || !p.IsSecondFactor() || p.Failures >= account.FailuresPerFactor:
		case p.Default:
			found = slices.Insert(found, 0, p)
		default:
			found = append(found, p)
		}
	}
	return found
}

// SecondPhone returns the number that a second-factor code goes to: the one with the id, or the
// first one offered if id is "".
func SecondPhone(u *account.User, set *account.Settings, id string) (*account.Phone, error) {
	if id != "" && u.Phone(id) == nil {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	for _, p := range secondPhones(u, set) {
		if id == "" || p.ID == id {
			return p, nil
		}
	}
	return nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
}

// Stranded reports whether a user has second factors and can prove none under the settings. Backup
// codes do not count: they run out. Nor do passkeys: older clients of Clerk's do not offer them.
func Stranded(u *account.User, set *account.Settings) bool {
	return u.TwoFactorEnabled() && !slices.ContainsFunc(Second(u, set), func(f Factor) bool { return f.Strategy != account.BackupCode })
}
