package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// guess tries a wrong code for a number.
func (p *person) guess(id, right string) error {
	wrong := "000000"
	if right == wrong {
		wrong = "000001"
	}
	_, err := p.MFA.AttemptPhone(p.Context(), p.browser, id, mfa.Proof{Code: secret.New(wrong)})
	return err
}

// TestManyAccountsGuessAtOneNumberTwentyTimes: an attacker with many accounts has no more guesses
// at a number than with one account.
func TestManyAccountsGuessAtOneNumberTwentyTimes(t *testing.T) {
	w := newWorld(t)
	for range 4 {
		p := w.newcomer()
		p.signInWithTicket()
		id, code := p.add(aNumber, false)
		for range 5 {
			p.want(apierr.FormCodeIncorrect, p.guess(id, code))
		}
		w.Advance(time.Hour)
	}
	late := w.newcomer()
	late.signInWithTicket()
	r, err := late.MFA.AddPhone(t.Context(), late.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	_, err = late.MFA.PreparePhone(t.Context(), late.browser, r.Phone.ID, account.PhoneCode)
	w.want(apierr.TooManyRequests, err)
	id, _ := late.add(anotherNumber, false)
	w.Advance(30 * 24 * time.Hour)
	late.signInWithTicket()
	_, err = late.MFA.PreparePhone(t.Context(), late.browser, r.Phone.ID, account.PhoneCode)
	w.Must(err)
	late.verify(r.Phone.ID, w.Code())
	_, err = late.MFA.PreparePhone(t.Context(), late.browser, id, account.PhoneCode)
	w.Must(err)
}

// TestACodeUnderWayIsNotJudgedWhenTheNumberIsSpent: codes that were sent before the number's limit
// was reached are not compared any more.
func TestACodeUnderWayIsNotJudgedWhenTheNumberIsSpent(t *testing.T) {
	w := newWorld(t)
	var all []*person
	var ids, codes []string
	for range 5 {
		p := w.newcomer()
		p.signInWithTicket()
		id, code := p.add(aNumber, false)
		all, ids, codes = append(all, p), append(ids, id), append(codes, code)
		w.Advance(31 * time.Second)
	}
	for i, p := range all[:4] {
		for range 5 {
			p.want(apierr.FormCodeIncorrect, p.guess(ids[i], codes[i]))
		}
	}
	_, err := all[4].MFA.AttemptPhone(t.Context(), all[4].browser, ids[4], mfa.Proof{Code: secret.New(codes[4])})
	w.want(apierr.TooManyRequests, err)
}

// TestGuessingAtANumberEndsTheSession: guesses at a number lock the user and end the session, like
// those of a step-up. Otherwise a stolen session could fill the failure log and lock out the
// owner's browsers.
func TestGuessingAtANumberEndsTheSession(t *testing.T) {
	p := newWorld(t).member()
	p.inside()
	id, code := p.add(anotherNumber, false)
	judged := 0
	for range 30 {
		switch err := p.guess(id, code); codeOf(err) {
		case apierr.FormCodeIncorrect:
			judged++
		case apierr.VerificationFailed, apierr.VerificationExpired:
			_, err = p.MFA.PreparePhone(t.Context(), p.browser, id, account.PhoneCode)
			if err == nil {
				code = p.Code()
			}
		}
		p.Advance(5 * time.Minute)
	}
	if judged > account.DefaultPolicy().LockFailures || p.alive() {
		t.Errorf("%d wrong codes for a number were judged, and the session lives: %t", judged, p.alive())
	}
}

// TestAnIntendedNumberTakesFiveWrongCodes: a number that a session added as a second factor takes
// five wrong codes, over all codes that are sent.
func TestAnIntendedNumberTakesFiveWrongCodes(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	id, code := p.add(aNumber, true)
	for range 4 {
		p.want(apierr.FormCodeIncorrect, p.guess(id, code))
	}
	p.Advance(5 * time.Minute)
	p.prove()
	p.Advance(5*time.Minute + time.Second)
	_, err := p.MFA.PreparePhone(t.Context(), p.browser, id, account.PhoneCode)
	p.Must(err)
	p.want(apierr.FormCodeIncorrect, p.guess(id, p.Code()))
	p.Advance(time.Minute)
	p.verify(id, p.Code())
	if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.TwoFactorEnabled() {
		t.Errorf("a number became a second factor after five wrong codes (error %v)", err)
	}
}

// TestANumberIsNoFactorOnceTextsAreOff: the settings are read again when a number becomes a second
// factor.
func TestANumberIsNoFactorOnceTextsAreOff(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*account.Settings)
		want   apierr.Code
	}{
		"text messages": {func(s *account.Settings) { s.SMSCode = false }, apierr.FeatureNotEnabled},
		"the country":   {func(s *account.Settings) { s.SMSCountries = []string{"FR"} }, apierr.UnsupportedCountryCode},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			id, code := p.add(aNumber, true)
			_, err := p.Settings.Change(t.Context(), tc.change)
			p.Must(err)
			_, err = p.MFA.AttemptPhone(t.Context(), p.browser, id, mfa.Proof{Code: secret.New(code)})
			p.want(tc.want, err)
			if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.TwoFactorEnabled() {
				t.Errorf("the user has a second factor that cannot be proved (error %v)", err)
			}
		})
	}
}

// TestGuessingAtThePasswordEndsTheSession: guesses at the password end the session at the lock.
// Otherwise a thief with a stolen session could keep the password locked, in the owner's browsers
// too, with one wrong password an hour.
func TestGuessingAtThePasswordEndsTheSession(t *testing.T) {
	p := newWorld(t).member()
	p.inside()
	_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
	p.Must(err)
	for range account.DefaultPolicy().LockFailures {
		g := mfa.Proof{Strategy: account.Password, Password: secret.New("a wrong password")}
		_, err := p.MFA.AttemptReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, g)
		p.want(apierr.FormPasswordIncorrect, err)
		p.Advance(18 * time.Minute)
		if !p.alive() {
			continue
		}
		_, err = p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
		p.Must(err)
	}
	if p.alive() {
		t.Error("the session lives")
	}
}
