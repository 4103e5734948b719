package account

import (
	"slices"
)

// A second factor that is offered can be proved. The settings and the numbering plan say which numbers get text messages, so the same rule
// is asked when a number becomes a second factor, when factors are offered, and when a message is sent.

// CanReceiveSMS says whether a text may be sent to the number: its country is one of the settings', and its line receives texts.
func (s *Settings) CanReceiveSMS(p *Phone) bool {
	return s.SendsSMSTo(p.Country) && p.Line.TextAllowed()
}

// Without is a copy of the settings with methods, by their strategy, and countries switched off.
func (s Settings) Without(methods []Strategy, countries []string) Settings {
	for _, m := range methods {
		switch m {
		case PhoneCode:
			s.SMSCode = false
		case TOTPCode:
			s.AuthenticatorApp = false
		}
	}
	s.SMSCountries = slices.DeleteFunc(slices.Clone(s.SMSCountries), func(c string) bool { return slices.Contains(countries, c) })
	return s
}

// Stranded says whether a user has second factors and can prove none of them under the settings. Backup codes do not count: they stand in
// for a factor, and run out.
func (u *User) Stranded(set *Settings) bool {
	return u.TwoFactorEnabled() && !slices.ContainsFunc(SecondFactors(u, set), func(f Factor) bool { return f.Strategy != BackupCode })
}
