package domain_test

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

func TestConsecutiveFailures(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	guess := func() apierr.Code { return codeOf(p.secondFactor(account.TOTPCode, p.wrong())) }
	for n := range 5 {
		if got := guess(); got != apierr.FormCodeIncorrect {
			t.Fatalf("failure %d: %s", n+1, got)
		}
	}
	// The sign-in has ended, also for a correct code.
	p.want(apierr.VerificationFailed, p.secondFactor(account.TOTPCode, p.totpCode()))
	for n, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute} {
		p.Advance(wait - time.Second)
		p.signInWithTicket()
		err := p.secondFactor(account.TOTPCode, p.totpCode())
		if codeOf(err) != apierr.TooManyRequests || apierr.From(err).RetryAfter() != time.Second {
			t.Fatalf("wait %d: a second before its end: %v, retry %v", n, err, apierr.From(err).RetryAfter())
		}
		p.Advance(time.Second)
		if got := guess(); got != apierr.FormCodeIncorrect {
			t.Fatalf("wait %d: after its end: %s", n, got)
		}
	}
	for range 2 { // the tenth failure locks for an hour, and so does every later one
		p.want(apierr.UserLocked, p.secondFactor(account.TOTPCode, p.totpCode()))
		p.Advance(time.Hour - time.Second)
		p.signInWithTicket()
		p.want(apierr.UserLocked, p.secondFactor(account.BackupCode, p.backup[0]))
		p.Advance(time.Second)
		p.signInWithTicket()
		if got := guess(); got != apierr.FormCodeIncorrect {
			t.Fatalf("after the lock: %s", got)
		}
	}
	_, err := p.Admin.Unlock(t.Context(), p.id)
	p.Must(err)
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

func codeOf(err error) apierr.Code {
	if err == nil {
		return ""
	}
	return apierr.From(err).Code()
}

func TestSuccessClearsConsecutiveFailures(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	for range 4 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.signOut()
	p.signInWithTicket()
	for range 5 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
}

func TestFailureLogStopsUnknownDevicesOnly(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode())) // this browser is known now
	failures := 0
	for day := 0; failures < 20; day++ {
		thief := p.stranger()
		thief.signInWithTicket()
		for range 4 {
			if codeOf(thief.secondFactor(account.TOTPCode, thief.wrong())) == apierr.FormCodeIncorrect {
				failures++
			}
		}
		p.Advance(24 * time.Hour / 4)
		p.signOut()
		p.signInWithTicket()
		// the owner's success clears the consecutive count, not the failure log
		p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	}
	thief := p.stranger()
	thief.signInWithTicket()
	p.want(apierr.UserLocked, thief.secondFactor(account.TOTPCode, thief.totpCode()))
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.want(apierr.UserLocked, err)
	p.signOut()
	p.Advance(time.Minute)
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(31 * 24 * time.Hour)
	thief.signInWithTicket()
	p.Must(thief.secondFactor(account.TOTPCode, thief.totpCode()))
}

func TestPasswordAndSecondFactorDoNotLockEachOther(t *testing.T) {
	p := newWorld(t).member()
	for range 5 {
		p.want(apierr.FormPasswordIncorrect, p.Admin.VerifyPassword(t.Context(), p.id, secret.New("wrong password")))
	}
	p.want(apierr.TooManyRequests, p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
	p.signInWithTicket()
	for range 5 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
	p.signInWithTicket()
	p.want(apierr.TooManyRequests, p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(30 * time.Second)
	p.Must(p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
	p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	p.Advance(time.Minute)
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

func TestMalformedAndReplayedCodesAreFree(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	used := p.totpCode()
	p.Must(p.secondFactor(account.TOTPCode, used))
	p.signOut()
	p.signInWithTicket()
	for range 30 {
		for _, code := range []string{used, "12345", "1234567", "12345a", " 23456", "١٢٣٤٥", "１２３４５６７", "①②③④⑤⑥"} {
			p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, code))
		}
		p.want(apierr.FormParamNil, p.secondFactor(account.TOTPCode, ""))
	}
	p.Advance(time.Minute)
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

func TestTriesOfOneVerification(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	p.Must(err)
	send := func() error {
		_, err := p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
		return err
	}
	try := func(code string) error {
		_, err := p.MFA.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: secret.New(code)})
		return err
	}
	p.want(apierr.VerificationMissing, try("123456"))
	p.Must(send())
	first := p.Code()
	p.Must(send()) // nothing leaves: a code is on its way
	wrong := "000000"
	if first == wrong {
		wrong = "000001"
	}
	for range 3 {
		p.want(apierr.FormCodeIncorrect, try(wrong))
	}
	p.Advance(30 * time.Second)
	p.Must(send()) // keeps the three failures
	second := p.Code()
	if first != second || len(p.Sent()) != 2 {
		t.Fatalf("%d messages, with %s and %s: a resend repeats the code", len(p.Sent()), first, second)
	}
	p.want(apierr.FormCodeIncorrect, try(wrong))
	p.want(apierr.FormCodeIncorrect, try(wrong))
	p.Advance(time.Minute)
	p.want(apierr.VerificationFailed, try(second))
	p.want(apierr.VerificationFailed, send())
	p.Advance(10 * time.Minute)
	p.Must(send())
	third := p.Code()
	p.Advance(10 * time.Minute)
	p.want(apierr.VerificationExpired, try(third))
	p.Must(send())
	p.Must(try(p.Code()))
	p.want(apierr.VerificationAlreadyVerified, try(p.Code()))
}

func TestCodesWorkForNothingElse(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	p.signInWithTicket()
	p.text()
	forSignIn := p.Code()
	other := p.stranger()
	other.signInWithTicket()
	p.Advance(time.Minute)
	other.text()
	forOther := other.Code()
	if forSignIn != forOther {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, forOther))
	}
	p.Must(p.secondFactor(account.PhoneCode, forSignIn))
	p.Advance(time.Minute)
	_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, "second_factor")
	p.Must(err)
	_, err = p.MFA.AttemptReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(forOther)})
	p.want(apierr.VerificationMissing, err)
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: anotherNumber})
	p.Must(err)
	_, err = p.MFA.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: secret.New(forOther)})
	p.want(apierr.VerificationMissing, err)
	p.Must(other.secondFactor(account.PhoneCode, forOther))
}

func TestTextsPerNumberAndUser(t *testing.T) {
	w := newWorld(t)
	sent := 0
	for hour := range 24 {
		for range 12 { // every five minutes a user signs in and requests a message
			p := w.newcomer()
			p.signInWithTicket()
			r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
			w.Must(err)
			if _, err := p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode); err == nil {
				sent++
			} else if codeOf(err) != apierr.VerificationCodeTooManyRequests {
				t.Fatalf("hour %d: %v", hour, err)
			}
			w.Advance(5 * time.Minute)
		}
		if hour == 0 && sent != 10 {
			t.Errorf("%d texts to one number in an hour, want 10", sent)
		}
	}
	if sent != 20 || len(w.Sent()) != 20 {
		t.Errorf("%d texts to one number in a day (%d at the network), want 20", sent, len(w.Sent()))
	}
}

func TestRefusedNumbers(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	for number, want := range map[string]apierr.Code{
		"+4915123456789": apierr.UnsupportedCountryCode,
		"+18005551234":   apierr.FormParamFormatInvalid,
		"12125550123":    apierr.FormParamFormatInvalid,
		"+1212555":       apierr.FormParamFormatInvalid,
		"":               apierr.FormParamNil,
	} {
		if _, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: number}); codeOf(err) != want {
			t.Errorf("%q: %v, want %s", number, err, want)
		}
	}
	if len(p.Sent()) != 0 {
		t.Error("a message went out")
	}
}

func TestAFailedSendCostsNoCooldown(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.Fail(errors.New("network down"))
	_, err := p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
	p.want(apierr.SMSSendError, err)
	p.Fail(nil)
	p.text()
	p.Must(p.secondFactor(account.PhoneCode, p.Code()))
}

func TestAHundredFailuresDisableTheAuthenticator(t *testing.T) {
	p := newWorld(t).member()
	for n := range 100 {
		if _, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.wrong())); codeOf(err) != apierr.FormCodeIncorrect {
			t.Fatalf("failure %d: %v", n+1, err)
		}
		_, err := p.Admin.Unlock(t.Context(), p.id)
		p.Must(err)
	}
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.want(apierr.StrategyForUserInvalid, err)
	p.signInWithTicket()
	p.want(apierr.StrategyForUserInvalid, p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Must(p.secondFactor(account.BackupCode, p.backup[0]))
	_, err = p.MFA.DeleteTOTP(t.Context(), p.browser)
	p.Must(err)
	p.enrolApp()
	_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.Must(err)
}

func TestLimitsPerAddress(t *testing.T) {
	p := newWorld(t).member()
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	p.Must(err)
	p.browser.Address = netip.MustParseAddr("198.51.100.7")
	p.Advance(time.Hour)
	p.signInWithTicket()
	for range 3 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
	err = p.secondFactor(account.TOTPCode, p.totpCode())
	if wait := apierr.From(err).RetryAfter(); codeOf(err) != apierr.TooManyRequests || wait <= 0 || wait > 10*time.Second {
		t.Fatalf("the fourth attempt within ten seconds: %v, retry after %v", err, wait)
	}
	elsewhere := p.browser
	elsewhere.Address = netip.MustParseAddr("203.0.113.9")
	_, err = p.MFA.AttemptSecondFactor(t.Context(), elsewhere, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.wrong())})
	p.want(apierr.FormCodeIncorrect, err)
	p.Advance(10 * time.Second)
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
}

func TestGuessesAtUnknownAccountsAreLimitedToo(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	from := tx.Caller{Address: netip.MustParseAddr("2001:db8::1")}
	try := func() apierr.Code {
		_, err := w.MFA.CreateSignIn(t.Context(), from, mfa.SignInInput{Identifier: "nobody@example.com", Password: secret.New("some password")})
		return codeOf(err)
	}
	for range 5 {
		if got := try(); got != apierr.FormPasswordOrIdentifierIncorrect {
			t.Fatal(got)
		}
	}
	from.Address = netip.MustParseAddr("2001:db8::2") // the same subscriber's /64
	if got := try(); got != apierr.TooManyRequests {
		t.Errorf("the sixth: %s", got)
	}
}

func TestTextAsFirstFactor(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "texter", Phones: []string{aNumber}})
	w.Must(err)
	begin := func() *mfa.SignInResult {
		r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "texter"})
		w.Must(err)
		return r
	}
	r := begin()
	p := &person{world: w, id: u.WireID()}
	p.keepToken(r.Snapshot)
	_, err = w.MFA.PrepareFirstFactor(t.Context(), p.browser, r.SignIn.ID, account.PhoneCode, "")
	w.want(apierr.StrategyForUserInvalid, err)
	if len(w.Sent()) != 0 {
		t.Fatal("a stranger caused a message")
	}
	_, err = w.Settings.Change(t.Context(), func(s *account.Settings) { s.FirstFactorPhoneCode = true })
	w.Must(err)
	_, err = w.MFA.PrepareFirstFactor(t.Context(), p.browser, r.SignIn.ID, account.PhoneCode, "")
	w.Must(err)
	guess := func(code string) (*mfa.SignInResult, error) {
		return w.MFA.AttemptFirstFactor(t.Context(), p.browser, r.SignIn.ID, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(code)})
	}
	wrong := "000000"
	if w.Code() == wrong {
		wrong = "111111"
	}
	_, err = guess(wrong)
	w.want(apierr.FormCodeIncorrect, err)
	done, err := guess(w.Code())
	w.Must(err)
	if done.SignIn.Status() != account.SignInComplete {
		t.Errorf("after the right code: %s", done.SignIn.Status())
	}
	again, err := w.Admin.User(t.Context(), u.WireID())
	w.Must(err)
	if again.AttemptsLeft(account.At(w.Now())) != 10 {
		t.Error("a first-factor code moved the second factor's counter")
	}
}
