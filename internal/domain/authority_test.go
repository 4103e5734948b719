package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// elsewhere returns the same user on another browser, signed in with a ticket.
func (p *person) elsewhere() *person {
	p.Helper()
	other := p.stranger()
	other.signInWithTicket()
	return other
}

// begin begins to enrol an app in a session and returns its secret.
func (p *person) begin() secret.Value {
	p.Helper()
	r, err := p.MFA.CreateTOTP(p.Context(), p.browser)
	p.Must(err)
	return r.Secret
}

func (p *person) confirm(key secret.Value) error {
	code, err := totp.Code(key, p.Now())
	p.Must(err)
	_, err = p.MFA.ConfirmTOTP(p.Context(), p.browser, secret.New(code))
	return err
}

// ages returns the claim fva of the session's token.
func (p *person) ages() [2]int {
	p.Helper()
	r, err := p.Sessions.Session(p.Context(), p.browser, p.browser.Session)
	p.Must(err)
	return r.Snapshot.Ages(r.Session)
}

func (p *person) alive() bool {
	_, err := p.MFA.Me(p.Context(), p.browser)
	return err == nil
}

// add adds a number, as a second factor or not, and returns the code that was sent.
func (p *person) add(number string, reserve bool) (id, code string) {
	p.Helper()
	r, err := p.MFA.AddPhone(p.Context(), p.browser, mfa.PhoneInput{Number: number, Reserved: reserve})
	p.Must(err)
	_, err = p.MFA.PreparePhone(p.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	p.Must(err)
	return r.Phone.ID, p.Code()
}

// TestASecretIsShownToTheSessionThatBegan (finding 1): a thief with the password begins an
// enrolment, and the owner does not confirm the thief's secret.
func TestASecretIsShownToTheSessionThatBegan(t *testing.T) {
	owner := newWorld(t).newcomer()
	owner.signInWithTicket()
	thief := owner.elsewhere()
	planted := thief.begin()
	if again := thief.begin(); !again.Equal(planted) {
		t.Error("the same session got another secret: React runs effects twice")
	}
	shown := owner.begin()
	if shown.Equal(planted) {
		t.Fatal("the owner was shown the thief's secret")
	}
	owner.want(apierr.ResourceNotFound, thief.confirm(planted))
	owner.Must(owner.confirm(shown))
}

// TestAnEnrolmentTakesFiveWrongCodes (finding 2): a session cannot guess the code of an enrolment
// that another session left behind.
func TestAnEnrolmentTakesFiveWrongCodes(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	p := w.newcomer()
	p.signInWithTicket()
	p.key = p.begin()
	for range 5 {
		p.Advance(11 * time.Second) // the limit of the address
		p.want(apierr.FormCodeIncorrect, p.confirm(secret.New("GEZDGNBVGY3TQOJQ")))
	}
	p.Advance(11 * time.Second)
	p.want(apierr.ResourceNotFound, p.confirm(p.key))
	u, err := p.Admin.User(t.Context(), p.id)
	p.Must(err)
	if u.AttemptsLeft(account.At(p.Now())) != account.DefaultPolicy().LockFailures {
		t.Error("a phone with a wrong clock counts against its owner")
	}
	p.key = p.begin()
	p.Advance(11 * time.Second)
	p.Must(p.confirm(p.key))
}

// TestAnEnrolmentIsLimitedByAddress (finding 2): the limits per address also hold for an enrolment.
func TestAnEnrolmentIsLimitedByAddress(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	p := w.newcomer()
	p.browser.Address = aNetwork
	p.signInWithTicket()
	p.key = p.begin()
	refused := 0
	for range 5 {
		if apierr.From(p.confirm(secret.New("GEZDGNBVGY3TQOJQ"))).Code() == apierr.TooManyRequests {
			refused++
		}
	}
	if refused != 2 {
		t.Errorf("%d of five codes in one second were refused, want the fourth and the fifth", refused)
	}
}

// TestAnEnrolmentAsksAgainAtItsEnd (finding 3): the rules are applied when an enrolment ends, with
// the factors that the user has then.
func TestAnEnrolmentAsksAgainAtItsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		waits time.Duration
		want  apierr.Code
	}{
		"at once":                                {0, ""},
		"after the proof is too old":             {11 * time.Minute, apierr.SessionReverificationRequired},
		"after the enrolment is too old as well": {16 * time.Minute, apierr.SessionReverificationRequired},
	} {
		t.Run("an app, "+name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			key := p.begin()
			p.Advance(tc.waits)
			p.want(tc.want, p.confirm(key))
		})
		t.Run("a number, "+name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			id, code := p.add(aNumber, true)
			if tc.waits > 10*time.Minute {
				p.Advance(tc.waits - 5*time.Minute)
				_, err := p.MFA.PreparePhone(t.Context(), p.browser, id, account.PhoneCode)
				p.Must(err)
				code = p.Code()
				p.Advance(5 * time.Minute)
			}
			_, err := p.MFA.AttemptPhone(t.Context(), p.browser, id, mfa.Proof{Code: secret.New(code)})
			if tc.waits >= 15*time.Minute { // it is a number like any other by now
				p.want("", err)
				if u, err := p.Admin.User(t.Context(), p.id); err != nil || u.TwoFactorEnabled() {
					t.Errorf("a number that was meant as a second factor %v ago became one (error %v)", tc.waits, err)
				}
				return
			}
			p.want(tc.want, err)
		})
	}
}

// TestAPasswordResetDropsPendingFactors (finding 3): a pending enrolment of a session does not
// survive a password reset.
func TestAPasswordResetDropsPendingFactors(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	key := p.begin()
	id, code := p.add(aNumber, true)
	pw := secret.New("battery staple")
	_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Password: &pw})
	p.Must(err)
	p.prove()
	p.want(apierr.ResourceNotFound, p.confirm(key))
	_, err = p.MFA.AttemptPhone(t.Context(), p.browser, id, mfa.Proof{Code: secret.New(code)})
	p.want(apierr.VerificationMissing, err)
}

// TestTheFirstFactorEndsOtherSessions (rule 4): the first second factor ends the user's other
// sessions and waiting sign-ins.
func TestTheFirstFactorEndsOtherSessions(t *testing.T) {
	for name, enrol := range map[string]func(*person){
		"an app":                (*person).enrolApp,
		"a number":              func(p *person) { p.enrolPhone(aNumber) },
		"a number, in one step": func(p *person) { id, code := p.add(aNumber, true); p.verify(id, code) },
		"by the team's server": func(p *person) {
			key := secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{TOTPSecret: &key})
			p.Must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			other := p.elsewhere()
			enrol(p)
			if other.alive() {
				t.Error("the other session lives on")
			}
			if p.alive() != (name != "by the team's server") {
				t.Errorf("the session itself lives: %t", p.alive())
			}
		})
	}
}

func (p *person) verify(id, code string) {
	p.Helper()
	_, err := p.MFA.AttemptPhone(p.Context(), p.browser, id, mfa.Proof{Code: secret.New(code)})
	p.Must(err)
}

// TestKeptSessionsProveNothing (rule 4): with keep_other_sessions the other sessions go on and
// prove no second factor.
func TestKeptSessionsProveNothing(t *testing.T) {
	w := newWorld(t)
	keep := func(required bool) {
		_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.KeepOtherSessions, s.MFARequired = true, required })
		w.Must(err)
	}
	keep(false)
	p := w.newcomer()
	p.signInWithTicket()
	other := p.elsewhere()
	p.enrolApp()
	if got := other.ages(); got != [2]int{0, authority.NotProved} {
		t.Errorf("the kept session says %v", got)
	}
	_, err := other.MFA.CreateBackupCodes(t.Context(), other.browser)
	w.want(apierr.SessionReverificationRequired, err)
	keep(true)
	if other.alive() {
		t.Error("the kept session lives on where a second factor is required")
	}
	if !p.alive() {
		t.Error("the session that enrolled is dead")
	}
}

// TestTheTaskIsFulfilledWhereItWasDone (finding 4): the setup task is fulfilled in the session that
// enrolled, and in no other.
func TestTheTaskIsFulfilledWhereItWasDone(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	p := w.newcomer()
	p.signInWithTicket()
	thief := p.elsewhere()
	for what, try := range map[string]func() error{
		"list sessions":  func() error { _, err := thief.Sessions.OwnSessions(t.Context(), thief.browser); return err },
		"read the trail": func() error { _, _, err := thief.Sessions.OwnAuditTrail(t.Context(), thief.browser); return err },
		"end another session": func() error {
			_, err := thief.Sessions.RevokeOwn(t.Context(), thief.browser, p.browser.Session)
			return err
		},
	} {
		if code := apierr.From(try()).Code(); code != apierr.AuthorizationInvalid {
			t.Errorf("a pending session may %s: %s", what, code)
		}
	}
	p.enrolApp()
	_, err = p.Sessions.Touch(t.Context(), p.browser, p.browser.Session)
	w.Must(err)
	_, err = thief.Sessions.Touch(t.Context(), thief.browser, thief.browser.Session)
	w.want(apierr.AuthenticationInvalid, err)
	r, err := p.Sessions.Session(t.Context(), p.browser, p.browser.Session)
	w.Must(err)
	if got := r.Snapshot.Status(r.Session); got != account.SessionActive {
		t.Errorf("the session that enrolled is %s", got)
	}
}

// TestAReservedNumberFulfilsTheTask: a task that a number verified earlier fulfils keeps the
// session, and proves no factor.
func TestAReservedNumberFulfilsTheTask(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	p := w.newcomer()
	yes := true
	added, err := w.Admin.AddUserPhone(t.Context(), p.id, aNumber, admin.PhoneChange{Verified: &yes})
	w.Must(err)
	p.signInWithTicket()
	_, err = p.MFA.ChangePhone(t.Context(), p.browser, added.Phone.ID, mfa.PhoneChange{Reserved: new(true)})
	w.Must(err)
	r, err := p.Sessions.Touch(t.Context(), p.browser, p.browser.Session)
	w.Must(err)
	if got := r.Snapshot.Status(r.Session); got != account.SessionActive {
		t.Errorf("the session is %s", got)
	}
	if got := p.ages(); got != [2]int{0, authority.NotProved} {
		t.Errorf("it says %v, and nobody gave a code", got)
	}
}

// TestAFirstFactorCodeEndsWithItsNumber (finding 6): a first-factor code ends when its number stops
// being a first factor.
func TestAFirstFactorCodeEndsWithItsNumber(t *testing.T) {
	yes, no := true, false
	for name, end := range map[string]func(p *person, id string) error{
		"the number was removed": func(p *person, id string) error { _, err := p.Admin.DeleteUserPhone(p.Context(), id); return err },
		"it lost its verification": func(p *person, id string) error {
			_, err := p.Admin.ChangeUserPhone(p.Context(), id, admin.PhoneChange{Verified: &no})
			return err
		},
		"it became a second factor": func(p *person, id string) error {
			_, err := p.Admin.ChangeUserPhone(p.Context(), id, admin.PhoneChange{Reserved: &yes})
			return err
		},
		"texts as first factor are off": func(p *person, _ string) error {
			_, err := p.Settings.Change(p.Context(), func(s *account.Settings) { s.FirstFactorPhoneCode = false })
			return err
		},
		"text messages are off": func(p *person, _ string) error {
			_, err := p.Settings.Change(p.Context(), func(s *account.Settings) { s.SMSCode = false })
			return err
		},
		"it was removed, and added again": (*person).replaceNumber,
		"nothing happened":                nil,
	} {
		t.Run("sign-in, "+name, func(t *testing.T) {
			p, id := newWorld(t).texted()
			r, err := p.MFA.CreateSignIn(t.Context(), p.browser, mfa.SignInInput{Identifier: aNumber})
			p.Must(err)
			p.keepToken(r.Snapshot)
			_, err = p.MFA.PrepareFirstFactor(t.Context(), p.browser, r.SignIn.ID, account.PhoneCode, id)
			p.Must(err)
			code := p.Code()
			if end != nil {
				p.Must(end(p, id))
			}
			_, err = p.MFA.AttemptFirstFactor(t.Context(), p.browser, r.SignIn.ID, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(code)})
			if (err == nil) != (end == nil) {
				t.Errorf("the code from before: %v", err)
			}
		})
		t.Run("step-up, "+name, func(t *testing.T) {
			p, id := newWorld(t).texted()
			p.signInWithTicket()
			_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
			p.Must(err)
			_, err = p.MFA.PrepareReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, account.PhoneCode, id)
			p.Must(err)
			code := p.Code()
			if end != nil {
				p.Must(end(p, id))
			}
			_, err = p.MFA.AttemptReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(code)})
			if (err == nil) != (end == nil) {
				t.Errorf("the code from before: %v", err)
			}
		})
	}
}

// texted returns a person whose first factor is an SMS code.
func (w *world) texted() (*person, string) {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) { s.FirstFactorPhoneCode = true })
	w.Must(err)
	p, yes := w.newcomer(), true
	r, err := w.Admin.AddUserPhone(w.Context(), p.id, aNumber, admin.PhoneChange{Verified: &yes})
	w.Must(err)
	return p, r.Phone.ID
}

func (p *person) replaceNumber(id string) error {
	yes := true
	if _, err := p.Admin.DeleteUserPhone(p.Context(), id); err != nil {
		return err
	}
	_, err := p.Admin.AddUserPhone(p.Context(), p.id, aNumber, admin.PhoneChange{Verified: &yes})
	return err
}

// TestEndingDoesNotDependOnClocks (finding 7): the user's record decides whether a session has
// ended, not a comparison of the times of two clocks.
func TestEndingDoesNotDependOnClocks(t *testing.T) {
	for name, end := range map[string]func(*person) error{
		"a ban": func(p *person) error { _, err := p.Admin.Ban(p.Context(), p.id); return err },
		"a new password": func(p *person) error {
			pw := secret.New("battery staple")
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Password: &pw, SignOutOthers: true})
			return err
		},
		"a ban that is lifted": func(p *person) error {
			if _, err := p.Admin.Ban(p.Context(), p.id); err != nil {
				return err
			}
			_, err := p.Admin.Unban(p.Context(), p.id)
			return err
		},
	} {
		for _, behind := range []time.Duration{0, time.Hour, 24 * time.Hour} {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			p.Advance(-behind) // the function that ends has this clock
			p.Must(end(p))
			p.Advance(behind)
			if p.alive() {
				t.Errorf("%s by a clock %v behind: the session lives on", name, behind)
			}
		}
	}
}

// TestTheHundredAndFirstSessionEndsTheOldest (finding 8): the session over the limit has ended, and
// is not only unlisted.
func TestTheHundredAndFirstSessionEndsTheOldest(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	for range 100 {
		p.elsewhere()
	}
	if p.alive() {
		t.Error("the oldest of 101 sessions lives on")
	}
	listed, err := p.Admin.UserSessions(t.Context(), p.id)
	p.Must(err)
	if len(listed) != 100 {
		t.Errorf("%d sessions are listed, want 100", len(listed))
	}
}

// TestAWaitingSignInEndsWithItsProof (finding 9): a sign-in past its first factor ends when that
// proof does.
func TestAWaitingSignInEndsWithItsProof(t *testing.T) {
	pw := secret.New("battery staple")
	for name, end := range map[string]func(*person) error{
		"a new password": func(p *person) error {
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Password: &pw})
			return err
		},
		"a ban that is lifted": func(p *person) error {
			if _, err := p.Admin.Ban(p.Context(), p.id); err != nil {
				return err
			}
			_, err := p.Admin.Unban(p.Context(), p.id)
			return err
		},
		"a factor was removed": func(p *person) error { _, err := p.Admin.DeleteUserPhone(p.Context(), p.phone); return err },
		"a number was replaced": func(p *person) error {
			_, err := p.Admin.ReplaceUserPhones(p.Context(), p.id, anotherNumber, phoneState(true))
			return err
		},
		"a number is no factor any more": func(p *person) error {
			_, err := p.Admin.ReplaceUserPhones(p.Context(), p.id, aNumber, phoneState(true))
			return err
		},
		"a factor was added": func(p *person) error {
			yes := true
			_, err := p.Admin.AddUserPhone(p.Context(), p.id, anotherNumber, admin.PhoneChange{Verified: &yes, Reserved: &yes})
			return err
		},
	} {
		p := newWorld(t).member()
		p.signInWithTicket()
		p.Must(end(p))
		if code := apierr.From(p.secondFactor(account.TOTPCode, p.totpCode())).Code(); code != apierr.ResourceNotFound {
			t.Errorf("%s: the waiting sign-in answers %s", name, code)
		}
		p.signInWithTicket()
		p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	}
}

// TestAStepUpEndsWithTheFactors: a change of the factors ends a step-up, like a sign-in.
func TestAStepUpEndsWithTheFactors(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(totp.Period)
	_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.SecondFactor)
	p.Must(err)
	_, err = p.Admin.DeleteUserPhone(t.Context(), p.phone)
	p.Must(err)
	_, err = p.MFA.AttemptReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.want(apierr.SessionReverificationMissing, err)
}

// TestWrongCodesOfANumberCount (finding 12): wrong codes for a number count in the failure log,
// also for another person's number.
func TestWrongCodesOfANumberCount(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	id, code := p.add(aNumber, false)
	wrong := "000000"
	if code == wrong {
		wrong = "000001"
	}
	_, err := p.MFA.AttemptPhone(t.Context(), p.browser, id, mfa.Proof{Code: secret.New(wrong)})
	p.want(apierr.FormCodeIncorrect, err)
	_, err = p.Admin.Unlock(t.Context(), p.id)
	p.Must(err)
	u, err := p.Admin.User(t.Context(), p.id)
	p.Must(err)
	before := u.AttemptsLeft(account.At(p.Now()))
	_, err = p.MFA.AttemptPhone(t.Context(), p.browser, id, mfa.Proof{Code: secret.New(wrong)})
	p.want(apierr.FormCodeIncorrect, err)
	u, err = p.Admin.User(t.Context(), p.id)
	p.Must(err)
	if before-u.AttemptsLeft(account.At(p.Now())) != 1 || len(u.FailureLog) != 1 {
		t.Errorf("a wrong code for a number: %d failures are logged, want 1", len(u.FailureLog))
	}
}

// TestTheDefaultIsAChange (finding 18): making another number the default is a change of factors
// and needs a recent proof.
func TestTheDefaultIsAChange(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	first := p.phone
	p.Advance(31 * time.Second)
	p.enrolPhone(anotherNumber)
	_, err := p.MFA.ChangePhone(t.Context(), p.browser, p.phone, mfa.PhoneChange{Default: new(true)})
	p.Must(err)
	p.Advance(11 * time.Minute)
	_, err = p.MFA.ChangePhone(t.Context(), p.browser, first, mfa.PhoneChange{Default: new(true)})
	p.want(apierr.SessionReverificationRequired, err)
}

// TestAClockThatWentBackProvesNothing (finding 21): a proof in the future proves nothing. The
// session stays.
func TestAClockThatWentBackProvesNothing(t *testing.T) {
	for _, back := range []time.Duration{time.Hour, 24 * time.Hour} {
		p := newWorld(t).newcomer()
		p.signInWithTicket()
		key := p.begin()
		p.Advance(-back)
		if !p.alive() {
			t.Errorf("%v back: the session is gone", back)
		}
		if got := p.ages(); got != [2]int{authority.NotProved, authority.NoFactor} {
			t.Errorf("%v back: the session says %v", back, got)
		}
		p.want(apierr.SessionReverificationRequired, p.confirm(key))
		p.prove()
		p.want(apierr.ResourceNotFound, p.confirm(key)) // the pending secret is of the future too
		p.Must(p.confirm(p.begin()))
	}
}

// TestASessionOfTheFutureIsNoLonger (rule 7): a session that began under a clock ahead lives no
// longer than others.
func TestASessionOfTheFutureIsNoLonger(t *testing.T) {
	p := newWorld(t).newcomer()
	p.Advance(48 * time.Hour)
	p.signInWithTicket()
	p.Advance(-48 * time.Hour)
	_, err := p.Sessions.Touch(t.Context(), p.browser, p.browser.Session)
	p.Must(err)
	p.Advance(7*24*time.Hour + time.Minute)
	if p.alive() {
		t.Error("the session outlived its seven days")
	}
}

// TestAResetForgetsKnownBrowsers (finding 24): a reset of the factors makes every known browser
// unknown.
func TestAResetForgetsKnownBrowsers(t *testing.T) {
	p := newWorld(t).member()
	known := p.browser
	for range account.DefaultPolicy().LockFailures {
		p.Advance(time.Hour)
		s := p.stranger()
		s.signInWithTicket()
		p.want(apierr.FormCodeIncorrect, s.secondFactor(account.TOTPCode, p.wrong()))
	}
	p.browser = known
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode())) // the owner's browser is not locked out
	p.signOut()
	_, err := p.Admin.RemoveMFA(t.Context(), p.id)
	p.Must(err)
	key := secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	_, err = p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{TOTPSecret: &key})
	p.Must(err)
	p.key = key
	for range account.DefaultPolicy().LockFailures {
		p.Advance(time.Hour)
		s := p.stranger()
		s.signInWithTicket()
		if err := s.secondFactor(account.TOTPCode, p.wrong()); apierr.From(err).Code() == apierr.UserLocked {
			break
		}
	}
	p.signInWithTicket()
	p.want(apierr.UserLocked, p.secondFactor(account.TOTPCode, p.totpCode()))
}

// TestTheSourceDocumentsPage: within ten minutes of a proof a person reserves, releases, reserves
// again, makes default and removes a number without a step-up. Later, or after another session
// changed the factors, each needs one.
func TestTheSourceDocumentsPage(t *testing.T) {
	yes := true
	for name, tc := range map[string]struct {
		between func(p *person)
		want    apierr.Code
	}{
		"within ten minutes": {func(p *person) { p.Advance(time.Minute) }, ""},
		"after ten minutes":  {func(p *person) { p.Advance(10 * time.Minute) }, apierr.SessionReverificationRequired},
		"another session added a factor": {func(p *person) {
			_, err := p.Admin.AddUserPhone(p.Context(), p.id, anotherNumber, admin.PhoneChange{Verified: &yes, Reserved: &yes})
			p.Must(err)
		}, apierr.SessionReverificationRequired},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			added, err := p.Admin.AddUserPhone(t.Context(), p.id, aNumber, admin.PhoneChange{Verified: &yes})
			p.Must(err)
			p.signInWithTicket()
			reserve := func() error {
				_, err := p.MFA.ChangePhone(t.Context(), p.browser, added.Phone.ID, mfa.PhoneChange{Reserved: new(true)})
				return err
			}
			p.Must(reserve())
			tc.between(p)
			_, err = p.MFA.ChangePhone(t.Context(), p.browser, added.Phone.ID, mfa.PhoneChange{Reserved: new(false)})
			p.want(tc.want, err)
			if tc.want != "" {
				return
			}
			p.Must(reserve())
			_, err = p.MFA.ChangePhone(t.Context(), p.browser, added.Phone.ID, mfa.PhoneChange{Default: new(true)})
			p.Must(err)
			_, err = p.MFA.DeletePhone(t.Context(), p.browser, added.Phone.ID)
			p.Must(err)
		})
	}
}

// TestTicketsRenewAProof: a person without a password proves a first factor with a fresh ticket.
func TestTicketsRenewAProof(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"nopassword@example.com"}})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	other := w.newcomer()
	ticket := func(of string, life time.Duration) secret.Value {
		made, err := w.MFA.CreateTicket(t.Context(), of, life)
		w.Must(err)
		return made.Token
	}
	stepUp := func(token secret.Value) error {
		_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
		w.Must(err)
		_, err = p.MFA.AttemptReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TicketCode, Ticket: token})
		return err
	}
	signIn := func(token secret.Value) error {
		r, err := p.MFA.CreateSignIn(t.Context(), p.browser, mfa.SignInInput{Strategy: account.TicketCode, Ticket: token})
		if err == nil {
			p.keepToken(r.Snapshot)
			if r.SignIn.Created != p.browser.Session || r.SignIn.Status() != account.SignInComplete {
				t.Errorf("the sign-in is %s and names %q", r.SignIn.Status(), r.SignIn.Created)
			}
		}
		return err
	}
	p.signInWithTicket()
	for name, renew := range map[string]func(secret.Value) error{"in a step-up": stepUp, "as a sign-in": signIn} {
		p.Advance(11 * time.Minute)
		old := ticket(p.id, time.Hour)
		p.Advance(10 * time.Minute)
		fresh := ticket(p.id, 0)
		used := ticket(p.id, 0)
		w.Must(stepUp(used))
		p.Advance(9*time.Minute + 59*time.Second)
		for what, tc := range map[string]struct {
			token secret.Value
			want  []apierr.Code
		}{
			"no ticket":            {secret.Value{}, []apierr.Code{apierr.FormParamNil, apierr.FormParamMissing}},
			"nonsense":             {secret.New("nonsense"), []apierr.Code{apierr.TicketInvalidCode}},
			"of another user":      {ticket(other.id, 0), []apierr.Code{apierr.TicketInvalidCode, apierr.SessionExists}},
			"used":                 {used, []apierr.Code{apierr.SignInTokenAlreadyUsedCode}},
			"old, though it lives": {old, []apierr.Code{apierr.TicketExpiredCode}},
		} {
			err := renew(tc.token)
			if err == nil || apierr.From(err).Code() != tc.want[0] && apierr.From(err).Code() != tc.want[len(tc.want)-1] {
				t.Errorf("%s, %s: %v, want %v", name, what, err, tc.want)
			}
		}
		if got := p.ages()[0]; got != 9 {
			t.Errorf("%s: a refused ticket changed the age to %d", name, got)
		}
		w.Must(renew(fresh))
		if got := p.ages(); got != [2]int{0, authority.NoFactor} {
			t.Errorf("%s: the ages are %v", name, got)
		}
	}
	p.Must(p.confirm(p.begin()))
}

// TestASignInWhoseAnswerIsLostLeavesNoSession (finding 24): a sign-in whose answer is lost leaves
// no session without a browser.
func TestASignInWhoseAnswerIsLostLeavesNoSession(t *testing.T) {
	for name, tc := range map[string]struct {
		waits time.Duration
		alive int
	}{
		"and begins again":            {time.Minute, 1},
		"and begins again much later": {11 * time.Minute, 2},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			p.signInWithTicket()
			before := p.browser
			p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
			got := p.browser
			p.browser = before // the answer never came
			p.want(apierr.ResourceNotFound, p.secondFactor(account.TOTPCode, p.totpCode()))
			p.browser = got
			if !p.alive() {
				t.Fatal("a repetition of the attempt, as by a double click, ended the session")
			}
			p.Advance(tc.waits)
			p.browser = before
			p.signInWithTicket()
			p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
			listed, err := p.Admin.UserSessions(t.Context(), p.id)
			p.Must(err)
			if len(listed) != tc.alive {
				t.Errorf("%d sessions live, want %d", len(listed), tc.alive)
			}
		})
	}
}

// TestNewBackupCodesEndWhatOldOnesProved: new backup codes end the sessions that an old code
// proved, and no session that proved another factor.
func TestNewBackupCodesEndWhatOldOnesProved(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(totp.Period)
	byApp, byCode := p.elsewhere(), p.elsewhere()
	w.Must(byApp.secondFactor(account.TOTPCode, p.totpCode()))
	w.Must(byCode.secondFactor(account.BackupCode, p.backup[0]))
	_, err = p.MFA.CreateBackupCodes(t.Context(), p.browser)
	w.Must(err)
	if !p.alive() || !byApp.alive() || byCode.alive() {
		t.Errorf("alive: the session itself %t, one by the app %t, one by an old code %t", p.alive(), byApp.alive(), byCode.alive())
	}
}

// TestAPendingSessionDropsWhatItMistyped: a pending session may remove a number that it mistyped,
// and no other.
func TestAPendingSessionDropsWhatItMistyped(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	p, yes := w.newcomer(), true
	owned, err := w.Admin.AddUserPhone(t.Context(), p.id, aNumber, admin.PhoneChange{Verified: &yes})
	w.Must(err)
	p.signInWithTicket()
	id, _ := p.add(anotherNumber, true)
	_, err = p.MFA.DeletePhone(t.Context(), p.browser, id)
	w.Must(err)
	_, err = p.MFA.DeletePhone(t.Context(), p.browser, owned.Phone.ID)
	w.want(apierr.AuthorizationInvalid, err)
}
