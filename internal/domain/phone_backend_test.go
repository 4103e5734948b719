package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// given is a number that the Backend API added to the person.
func (p *person) given(number string, verified bool) string {
	p.Helper()
	r, err := p.Admin.AddUserPhone(p.Context(), p.id, number, admin.PhoneChange{Verified: &verified})
	p.Must(err)
	return r.Phone.ID
}

// sentByBackend sends a code to a number and returns the id of its verification, and the code.
func (p *person) sentByBackend(id string) (verification, code string) {
	p.Helper()
	c, err := p.Admin.PrepareUserPhone(p.Context(), tx.Caller{}, id)
	p.Must(err)
	if got := c.Status(account.At(p.Now())); got != "unverified" || c.Attempts != 0 {
		p.Fatalf("a new verification is %s after %d attempts", got, c.Attempts)
	}
	return c.WireID(), p.Code()
}

// statusOf gives a code to the Backend API and returns the status that it answers.
func (p *person) statusOf(id, verification, code string) (status string, attempts int) {
	p.Helper()
	c, err := p.Admin.AttemptUserPhone(p.Context(), id, verification, secret.New(code))
	p.Must(err)
	return c.Status(account.At(p.Now())), c.Attempts
}

// refusedBackend fails unless the Backend API refuses a code with an error.
func (p *person) refusedBackend(want apierr.Code, id, verification, code string) {
	p.Helper()
	_, err := p.Admin.AttemptUserPhone(p.Context(), id, verification, secret.New(code))
	p.want(want, err)
}

// not returns a code of six digits that is another one.
func not(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// TestBackendVerifiesANumber: a right code verifies the number as the user's own, and works once.
func TestBackendVerifiesANumber(t *testing.T) {
	p := newWorld(t).newcomer()
	id := p.given(aNumber, false)
	v, code := p.sentByBackend(id)
	for i, wrong := range []string{not(code), not(code)} {
		if status, n := p.statusOf(id, v, wrong); status != "unverified" || n != i+1 {
			t.Errorf("a wrong code: %s after %d attempts", status, n)
		}
	}
	for _, malformed := range []string{"12345", "1234567", "①２３４５６", "abcdef"} {
		if status, n := p.statusOf(id, v, malformed); status != "unverified" || n != 2 {
			t.Errorf("%q: %s after %d attempts, want it free", malformed, status, n)
		}
	}
	if status, _ := p.statusOf(id, v, code); status != "verified" {
		t.Errorf("the right code: %s", status)
	}
	n := p.record().Phone(id)
	if n.Verified == 0 || n.Reserved || n.By != account.ByBackendCode || p.happened(eventtype.NumberVerified) != 1 {
		t.Errorf("the number is %+v, %d events", n, p.happened(eventtype.NumberVerified))
	}
	p.refusedBackend(apierr.VerificationAlreadyVerified, id, v, code)
	p.refusedBackend(apierr.VerificationAlreadyVerified, id, v, not(code))
	p.Advance(time.Minute)
	again, next := p.sentByBackend(id) // for a sign-in that the team's server drives
	if again == v {
		t.Error("a second verification has the id of the first")
	}
	if status, _ := p.statusOf(id, again, next); status != "verified" || p.record().Phone(id).Verified != n.Verified {
		t.Errorf("a verified number: %s, verified at %d and %d", status, n.Verified, p.record().Phone(id).Verified)
	}
	if p.happened(eventtype.NumberVerified) != 1 {
		t.Error("a verified number was verified again")
	}
}

// TestBackendVerificationsEnd: the status tells of an expired code, of too many tries and of
// changed factors. Other ids are unknown.
func TestBackendVerificationsEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		between func(p *person, id, v, code string)
		want    string
	}{
		"an expired code": {func(p *person, _, _, _ string) { p.Advance(account.CodeLife) }, "expired"},
		"five wrong codes": {func(p *person, id, v, code string) {
			for i := range 5 {
				if status, n := p.statusOf(id, v, not(code)); (status == "failed") != (i == 4) || n != i+1 {
					p.Errorf("wrong code %d: %s after %d attempts", i+1, status, n)
				}
			}
		}, "failed"},
		"a new password": {func(p *person, _, _, _ string) {
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Password: new(secret.New("another horse"))})
			p.Must(err)
		}, "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			id := p.given(aNumber, false)
			v, code := p.sentByBackend(id)
			tc.between(p, id, v, code)
			if status, _ := p.statusOf(id, v, code); status != tc.want {
				t.Errorf("%s, want %s", status, tc.want)
			}
			if p.record().Phone(id).Verified != 0 {
				t.Error("the number is verified")
			}
		})
	}
}

// TestBackendRefusals: the errors of both calls; a refusal verifies nothing.
func TestBackendRefusals(t *testing.T) {
	set := func(p *person, change func(*account.Settings)) {
		_, err := p.Settings.Change(p.Context(), change)
		p.Must(err)
	}
	for name, tc := range map[string]struct {
		before           func(p *person, id string)
		prepare, attempt apierr.Code
	}{
		"banned": {func(p *person, _ string) { _, err := p.Admin.Ban(p.Context(), p.id); p.Must(err) }, apierr.UserBanned, apierr.UserBanned},
		"locked": {func(p *person, _ string) { _, err := p.Admin.Lock(p.Context(), p.id); p.Must(err) }, apierr.UserLocked, apierr.UserLocked},
		"codes switched off": {func(p *person, _ string) { set(p, func(s *account.Settings) { s.SMSCode = false }) },
			apierr.FeatureNotEnabled, apierr.FeatureNotEnabled},
		"another country":     {func(p *person, _ string) { set(p, func(s *account.Settings) { s.SMSCountries = []string{"DE"} }) }, apierr.UnsupportedCountryCode, ""},
		"deleted":             {func(p *person, _ string) { p.Must(p.Admin.DeleteUser(p.Context(), p.id)) }, apierr.ResourceNotFound, apierr.ResourceNotFound},
		"another user has it": {func(p *person, _ string) { p.newcomer().given(aNumber, true) }, "", apierr.FormIdentifierExists},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			id := p.given(aNumber, false)
			v, code := p.sentByBackend(id)
			p.Advance(time.Minute)
			tc.before(p, id)
			texts := len(p.Sent())
			_, err := p.Admin.AttemptUserPhone(t.Context(), id, v, secret.New(code))
			p.want(tc.attempt, err)
			_, err = p.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, id)
			p.want(tc.prepare, err)
			if tc.prepare != "" && len(p.Sent()) != texts {
				t.Error("a message left")
			}
		})
	}
}

// TestBackendCodesBelongToOneVerification: ids of other numbers, of other users and unknown ids
// are not found.
func TestBackendCodesBelongToOneVerification(t *testing.T) {
	w := newWorld(t)
	p, other := w.newcomer(), w.newcomer()
	id, second, foreign := p.given(aNumber, false), p.given(anotherNumber, false), other.given(aNumber, false)
	v, code := p.sentByBackend(id)
	w.Advance(time.Minute)
	theirs, theirCode := other.sentByBackend(foreign)
	for _, tc := range [][3]string{
		{second, v, code}, {foreign, v, code}, {id, theirs, theirCode}, {id, "", code}, {id, "ver_", code},
		{id, v[len("ver_"):], code}, {id + "a", v, code}, {"idn_none", v, code},
	} {
		p.refusedBackend(apierr.ResourceNotFound, tc[0], tc[1], tc[2])
	}
	if status, _ := p.statusOf(id, v, code); status != "verified" {
		t.Errorf("the right code after that: %s", status)
	}
}

// TestBackendCodesOpenNothingElse: a code that the team's server sent enrols nothing, begins no
// session and proves no factor. No other code works at the Backend API.
func TestBackendCodesOpenNothingElse(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	v, code := p.sentByBackend(p.phone)
	p.want(apierr.VerificationMissing, p.secondFactor(account.PhoneCode, code))
	p.Advance(time.Minute)
	p.text()
	if signIn := p.Code(); signIn != code {
		if status, _ := p.statusOf(p.phone, v, signIn); status != "unverified" {
			t.Errorf("the code of a sign-in at the Backend API: %s", status)
		}
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.PhoneCode, code))
		p.Must(p.secondFactor(account.PhoneCode, signIn))
	}

	owner := p.newcomer()
	owner.signInWithTicket()
	id, enrol := owner.add(anotherNumber, true)
	owner.Advance(time.Minute)
	v, code = owner.sentByBackend(id)
	if enrol != code {
		_, err := owner.MFA.AttemptPhone(t.Context(), owner.browser, id, mfa.Proof{Code: secret.New(code)})
		owner.want(apierr.FormCodeIncorrect, err)
		if status, _ := owner.statusOf(id, v, enrol); status != "unverified" {
			t.Errorf("the code of an enrolment at the Backend API: %s", status)
		}
	}
	if status, _ := owner.statusOf(id, v, code); status != "verified" {
		t.Errorf("the right code: %s", status)
	}
	if u := owner.record(); u.TwoFactorEnabled() || u.Phone(id).Reserved || u.Phone(id).Pending != nil {
		t.Errorf("the code completed the enrolment of a session: %+v", u.Phone(id))
	}
}

// TestBackendGuessesAreCounted: wrong codes lock the user and use up the tries of the number, as
// those of an enrolment do.
func TestBackendGuessesAreCounted(t *testing.T) {
	p := newWorld(t).member()
	v, code := p.sentByBackend(p.phone)
	for range 5 {
		p.statusOf(p.phone, v, not(code))
	}
	if got := len(p.record().FailureLog); got != 5 {
		t.Errorf("%d failures are counted, want 5", got)
	}
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.want(apierr.TooManyRequests, err)
	p.Advance(5 * time.Minute)
	_, err = p.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, p.phone)
	p.want(apierr.VerificationFailed, err)

	w := newWorld(t)
	for range 4 { // accounts that share a number
		q := w.newcomer()
		id := q.given(aNumber, false)
		v, code := q.sentByBackend(id)
		for range 5 {
			q.statusOf(id, v, not(code))
		}
		w.Advance(time.Hour)
	}
	last := w.newcomer()
	_, err = last.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, last.given(aNumber, false))
	w.want(apierr.TooManyRequests, err)
}

// TestBackendTextsPassTheGuard: the limits of a number hold, and the log names the purpose.
func TestBackendTextsPassTheGuard(t *testing.T) {
	p := newWorld(t).newcomer()
	id := p.given(aNumber, true)
	v, first := p.sentByBackend(id)
	repeated, err := p.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, id)
	p.Must(err)
	if repeated.WireID() != v || len(p.Sent()) != 1 {
		t.Errorf("a repeated request: verification %s after %s, %d messages", repeated.WireID(), v, len(p.Sent()))
	}
	p.Advance(account.ResendAfter)
	again, code := p.sentByBackend(id)
	if again != v || first != code || len(p.Sent()) != 2 {
		t.Errorf("a resend is verification %s after %s, with code %s after %s, in %d messages", again, v, code, first, len(p.Sent()))
	}
	if status, _ := p.statusOf(id, v, code); status != "verified" {
		t.Errorf("the code of the resend: %s", status)
	}
	log, err := p.SMS.Log(t.Context(), sms.LogQuery{Limit: 10})
	p.Must(err)
	for _, entry := range log {
		if entry.Purpose != account.VerifyByBackend || entry.Known {
			t.Errorf("the log has %+v", entry.SMSRecord)
		}
	}
}

// TestBackendTestNumber: a test number has the code of test numbers, and no message leaves.
func TestBackendTestNumber(t *testing.T) {
	p := newWorld(t).newcomer()
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.TestMode = true })
	p.Must(err)
	id := p.given("+12015550123", false)
	c, err := p.Admin.PrepareUserPhone(t.Context(), tx.Caller{}, id)
	p.Must(err)
	if status, _ := p.statusOf(id, c.WireID(), "424242"); status != "verified" {
		t.Errorf("the code of a test number: %s", status)
	}
}

// TestOneBackendCodeOneSuccess: two servers give the right code at once.
func TestOneBackendCodeOneSuccess(t *testing.T) {
	for _, n := range append(racers(), 2) {
		p := newWorld(t).newcomer()
		id := p.given(aNumber, false)
		v, code := p.sentByBackend(id)
		answers := race(n, func(int) error {
			_, err := p.Admin.AttemptUserPhone(t.Context(), id, v, secret.New(code))
			return err
		})
		if answers[""] != 1 || n == 2 && answers[apierr.VerificationAlreadyVerified] != 1 {
			t.Errorf("%d at once: %v, want one success", n, answers)
		}
		p.noServerErrors(answers)
		p.unlocked()
	}
}
