package mfa

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/phone"
)

// A second factor that is offered can be proved. The settings and the numbering plan say which numbers get text messages, so the same rule
// is asked when a number becomes a second factor, when factors are offered, and when a message is sent.

// canReceiveSMS says whether a text may be sent to the number: its country is one of the settings', and its line receives texts.
func (s *Settings) canReceiveSMS(p *Phone) bool {
	return s.sendsSMSTo(p.Country) && p.Line.TextAllowed()
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

// checkReceivesSMS refuses a number as a second factor that no code can reach, with the codes that adding such a number answers.
func (t *txn) checkReceivesSMS(p *Phone) error {
	n, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	_, err = t.checkDestination(n)
	return err
}

// strandedAgain is how long a user whose second factors cannot be proved is told of once.
const strandedAgain = 24 * time.Hour

// reportStranded tells the administrators of a user whose second factors cannot be proved, when a sign-in comes to need one.
func (t *txn) reportStranded(u *User) {
	if !u.Stranded(&t.state.settings) || u.StrandedAt != 0 && t.now.Sub(u.StrandedAt) < strandedAgain {
		return
	}
	u.StrandedAt = t.now
	t.record(u, EventStranded, subject{})
}
