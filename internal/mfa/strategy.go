package mfa

import "github.com/countersign-mfa/countersign/internal/apierr"

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

// Factor is a way that is open to a user.
type Factor struct {
	Strategy Strategy
	Phone    *Phone // for phone_code
}

// FirstFactors are the first factors offered to a sign-in. For an account that does not exist under enumeration
// protection they are what an ordinary account would get.
func FirstFactors(u *User, set *Settings) []Factor {
	if u == nil || set.EnumerationProtection && !set.FirstFactorPhoneCode {
		return []Factor{{Strategy: Password}}
	}
	return provableFirst(u, set)
}

// provableFirst are the first factors that the user really has.
func provableFirst(u *User, set *Settings) []Factor {
	var found []Factor
	if u.Password != "" {
		found = append(found, Factor{Strategy: Password})
	}
	for i := range u.Phones {
		if u.Phones[i].isFirstFactor() && set.FirstFactorPhoneCode && set.SMSCode {
			found = append(found, Factor{PhoneCode, &u.Phones[i]})
		}
	}
	return found
}

// SecondFactors are the second factors the user can use: the authenticator app, numbers with the default first, backup codes last.
func SecondFactors(u *User, set *Settings) []Factor {
	var found []Factor
	if u.TOTP.usable() && set.AuthenticatorApp {
		found = append(found, Factor{Strategy: TOTPCode})
	}
	if set.SMSCode {
		if p := u.defaultPhone(); p != nil && p.Failures < failuresPerFactor {
			found = append(found, Factor{PhoneCode, p})
		}
		for i := range u.Phones {
			if p := &u.Phones[i]; p.isSecondFactor() && !p.Default && p.Failures < failuresPerFactor {
				found = append(found, Factor{PhoneCode, p})
			}
		}
	}
	if u.Backup.usable() && set.BackupCodes && u.TwoFactorEnabled() {
		found = append(found, Factor{Strategy: BackupCode})
	}
	return found
}

// secondPhone is the number that a second-factor code goes to: the one asked for, else the default.
func secondPhone(u *User, id string) (*Phone, error) {
	p := u.defaultPhone()
	if id != "" {
		p = u.phone(id)
		if p == nil {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
	}
	if p == nil || !p.isSecondFactor() || p.Failures >= failuresPerFactor {
		return nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	return p, nil
}
