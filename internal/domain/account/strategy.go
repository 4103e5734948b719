package account

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Strategy is a way to prove a factor, by its name on the wire.
type Strategy string

// The strategies.
const (
	Password   Strategy = "password"
	TicketCode Strategy = "ticket"
	PhoneCode  Strategy = "phone_code"
	TOTPCode   Strategy = "totp"
	BackupCode Strategy = "backup_code"
)

// Factor is a factor that is offered to a user.
type Factor struct {
	Strategy Strategy
	Phone    *Phone // for phone_code
}

// FirstFactors returns the first factors that a sign-in offers. Under enumeration protection an
// account that does not exist offers what an ordinary account does.
func FirstFactors(u *User, set *Settings) []Factor {
	if u == nil || set.EnumerationProtection && !set.FirstFactorPhoneCode {
		return []Factor{{Strategy: Password}}
	}
	return ProvableFirst(u, set)
}

// ProvableFirst returns the first factors that the user has.
func ProvableFirst(u *User, set *Settings) []Factor {
	var found []Factor
	if u.Password != "" {
		found = append(found, Factor{Strategy: Password})
	}
	for i := range u.Phones {
		if p := &u.Phones[i]; p.IsFirstFactor() && set.FirstFactorPhoneCode && set.SMSCode && set.CanReceiveSMS(p) {
			found = append(found, Factor{PhoneCode, p})
		}
	}
	return found
}

// SecondFactors returns the second factors that the user can prove under the settings:
// authenticator app, numbers with the default first, backup codes. Numbers that no SMS reaches are
// left out.
func SecondFactors(u *User, set *Settings) []Factor {
	var found []Factor
	if u.TOTP.Usable() && set.AuthenticatorApp {
		found = append(found, Factor{Strategy: TOTPCode})
	}
	for _, p := range secondPhones(u, set) {
		found = append(found, Factor{PhoneCode, p})
	}
	if u.Backup.Usable() && set.BackupCodes && u.TwoFactorEnabled() {
		found = append(found, Factor{Strategy: BackupCode})
	}
	return found
}

// secondPhones returns the numbers that second-factor codes can go to, the default first.
func secondPhones(u *User, set *Settings) []*Phone {
	var found []*Phone
	for i := range u.Phones {
		p := &u.Phones[i]
		switch {
		case !set.SMSCode || !set.CanReceiveSMS(p) || !p.IsSecondFactor() || p.Failures >= FailuresPerFactor:
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
func SecondPhone(u *User, set *Settings, id string) (*Phone, error) {
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
// codes do not count: they run out.
func (u *User) Stranded(set *Settings) bool {
	return u.TwoFactorEnabled() && !slices.ContainsFunc(SecondFactors(u, set), func(f Factor) bool { return f.Strategy != BackupCode })
}
