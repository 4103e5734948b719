package domain_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// withRecovery switches recovery on.
func (w *world) withRecovery(days int) {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) { s.RecoveryDays = days })
	w.Must(err)
}

// ask signs in with the first factor alone and asks for the recovery.
func (p *person) ask() error {
	p.Helper()
	p.signInWithTicket()
	_, err := p.MFA.RequestRecovery(p.Context(), p.browser, p.signIn)
	return err
}

// cleanup runs the cleanup once, as the schedule does. The store keeps whole seconds, so it comes a
// second late.
func (p *person) cleanup() {
	p.Helper()
	p.Advance(time.Second)
	_, err := p.Admin.Cleanup(p.Context(), 1000)
	p.Must(err)
}

// TestARecoveryRemovesTheSecondFactors: a person without a second factor asks, is told each day,
// and after the days gets in with the first factor alone. Other browsers are signed out.
func TestARecoveryRemovesTheSecondFactors(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	known := p.stranger()
	known.signInWithTicket()
	p.Must(known.secondFactor(account.TOTPCode, p.totpCode()))
	p.Must(p.ask())
	p.Must(p.ask()) // a second request changes nothing
	for range 2 {
		p.Advance(day)
		p.cleanup()
		p.cleanup() // within the day it says nothing again
	}
	if !p.record().TwoFactorEnabled() || p.happened(eventtype.RecoveryReminder) != 2 || p.happened(eventtype.RecoveryRequested) != 1 {
		t.Fatalf("after two days: %+v, %d reminders, %d requests", p.record().Recovery, p.happened(eventtype.RecoveryReminder), p.happened(eventtype.RecoveryRequested))
	}
	p.Advance(day - time.Minute)
	p.cleanup()
	if !p.record().TwoFactorEnabled() {
		t.Fatal("the second factors are gone a minute early")
	}
	p.Advance(time.Minute)
	p.cleanup()
	u := p.record()
	if u.TwoFactorEnabled() || u.Backup != nil || u.Recovery != nil || p.happened(eventtype.RecoveryCompleted) != 1 {
		t.Fatalf("after three days: %+v", u)
	}
	if len(u.Phones) != 1 || u.Phones[0].Verified == 0 {
		t.Error("the number is gone")
	}
	if _, err := known.Sessions.Me(t.Context(), known.browser); apierr.From(err).Code() != apierr.AuthenticationInvalid {
		t.Errorf("the other browser's session: %v, want that it ended", err)
	}
	again := p.stranger()
	if r := again.signInWithTicket(); r.SignIn.Created == "" {
		t.Errorf("a sign-in is %s, want it complete", r.SignIn.Status())
	}
	r, err := again.Sessions.Me(t.Context(), again.browser)
	again.Must(err)
	if status := r.Snapshot.Status(r.Session); status != account.SessionPending {
		t.Errorf("the session is %s, want it pending until a factor is enrolled", status)
	}
}

// TestARecoveryIsCancelled: each of these ends the request, and the second factors stay.
func TestARecoveryIsCancelled(t *testing.T) {
	for name, tc := range map[string]struct {
		do    func(t *testing.T, p *person)
		event bool
	}{
		"a sign-in with a second factor": {func(t *testing.T, p *person) {
			t.Helper()
			owner := p.stranger()
			owner.signInWithTicket()
			p.Must(owner.secondFactor(account.TOTPCode, p.totpCode()))
		}, true},
		"a code that the team's server verified": {func(t *testing.T, p *person) {
			t.Helper()
			_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
			p.Must(err)
		}, true},
		"an administrator": {func(t *testing.T, p *person) {
			t.Helper()
			_, err := p.Admin.CancelRecovery(t.Context(), p.id)
			p.Must(err)
		}, true},
		"a ban": {func(t *testing.T, p *person) {
			t.Helper()
			_, err := p.Admin.Ban(t.Context(), p.id)
			p.Must(err)
		}, true},
		"the switch of the settings": {func(t *testing.T, p *person) {
			t.Helper()
			p.withRecovery(0)
			p.Advance(day)
			p.cleanup()
			p.withRecovery(3)
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			p.withRecovery(3)
			p.Must(p.ask())
			tc.do(t, p)
			for range 5 {
				p.Advance(day)
				p.cleanup()
			}
			if u := p.record(); !u.TwoFactorEnabled() || u.Recovery != nil {
				t.Errorf("the user has %+v, two-factor %v", u.Recovery, u.TwoFactorEnabled())
			}
			if got := p.happened(eventtype.RecoveryCancelled); tc.event != (got == 1) {
				t.Errorf("%d events of a cancellation", got)
			}
		})
	}
}

// TestAPasskeyCancelsARecovery: a passkey that proves the second factor of a sign-in cancels. One
// that proves the first factor alone does not.
func TestAPasskeyCancelsARecovery(t *testing.T) {
	for name, tc := range map[string]struct {
		prove   func(h *holder) error
		cancels bool
	}{
		"both factors of a sign-in": {func(h *holder) error { _, err := h.first(h.bySignIn()); return err }, true},
		"the first factor alone": {func(h *holder) error {
			h.oneFactor()
			_, err := h.first(h.bySignIn())
			return err
		}, false},
		"the second factor of a sign-in": {func(h *holder) error { return h.second(h.sign(h.secondOptions())) }, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			h.withRecovery(3)
			h.Must(h.stranger().ask())
			h.Must(tc.prove(h))
			if cancelled := h.record().Recovery == nil; cancelled != tc.cancels {
				t.Errorf("cancelled %v, want %v", cancelled, tc.cancels)
			}
		})
	}
}

// TestOnlyASecondFactorCancels: a session that proved the first factor alone cannot cancel a
// recovery, and one that once proved a second factor can.
func TestOnlyASecondFactorCancels(t *testing.T) {
	w := newWorld(t)
	w.withRecovery(3)
	p := w.newcomer()
	p.signInWithTicket()
	before := p.stranger() // signed in before there was a second factor
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.KeepOtherSessions = true })
	p.Must(err)
	before.signInWithTicket()
	p.enrolApp()
	asking := p.stranger()
	asking.key = p.key
	p.Must(asking.ask())
	_, err = p.MFA.CancelRecovery(t.Context(), before.browser)
	p.want(apierr.SessionReverificationRequired, err)
	if p.record().Recovery == nil {
		t.Fatal("the refused cancellation cancelled")
	}
	p.Advance(2 * day) // the proof may be old
	_, err = p.MFA.CancelRecovery(t.Context(), p.browser)
	p.Must(err)
	_, err = p.MFA.CancelRecovery(t.Context(), p.browser)
	p.want(apierr.ResourceNotFound, err)
	_, err = p.Admin.CancelRecovery(t.Context(), p.id)
	p.want(apierr.ResourceNotFound, err)
}

// TestRefusedRecoveries: a request that is refused changes nothing.
func TestRefusedRecoveries(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(t *testing.T, p *person) error
		want apierr.Code
	}{
		"recovery is off": {func(t *testing.T, p *person) error { t.Helper(); p.withRecovery(0); return p.ask() }, apierr.FeatureNotEnabled},
		"the first factor is not proved": {func(t *testing.T, p *person) error {
			t.Helper()
			u := p.record()
			r, err := p.MFA.CreateSignIn(t.Context(), p.browser, mfa.SignInInput{Identifier: u.Emails[0].Address})
			p.Must(err)
			p.keepToken(r.Snapshot)
			_, err = p.MFA.RequestRecovery(t.Context(), p.browser, r.SignIn.ID)
			return err
		}, apierr.VerificationStrategyInvalid},
		"another browser's sign-in": {func(t *testing.T, p *person) error {
			t.Helper()
			p.signInWithTicket()
			_, err := p.MFA.RequestRecovery(t.Context(), tx.Caller{}, p.signIn)
			return err
		}, apierr.ResourceNotFound},
		"a locked user": {func(t *testing.T, p *person) error {
			t.Helper()
			p.signInWithTicket()
			_, err := p.Admin.Lock(t.Context(), p.id)
			p.Must(err)
			_, err = p.MFA.RequestRecovery(t.Context(), p.browser, p.signIn)
			return err
		}, apierr.UserLocked},
		"a fourth request in 30 days": {func(t *testing.T, p *person) error {
			t.Helper()
			for range 3 {
				p.Must(p.ask())
				_, err := p.Admin.CancelRecovery(t.Context(), p.id)
				p.Must(err)
				p.Advance(day)
			}
			return p.ask()
		}, apierr.TooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			p.withRecovery(3)
			p.want(tc.want, tc.do(t, p))
			if p.record().Recovery != nil {
				t.Error("the refused request waits")
			}
		})
	}
}

// TestLongerDaysHoldForARecoveryUnderWay: an administrator who raises the days delays a request,
// and lowering them hastens none.
func TestLongerDaysHoldForARecoveryUnderWay(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(5)
	p.Must(p.ask())
	asked := p.Now()
	for _, step := range []struct {
		settings, after int // days
		removed         bool
	}{{3, 4, false}, {10, 6, false}, {3, 9, false}, {3, 10, true}} {
		p.withRecovery(step.settings)
		for until := asked.Add(time.Duration(step.after) * day); p.Now().Before(until); {
			p.Advance(min(day, until.Sub(p.Now())))
			p.cleanup()
		}
		if removed := !p.record().TwoFactorEnabled(); removed != step.removed {
			t.Fatalf("with %d days the second factors are removed after %d: %v", step.settings, step.after, removed)
		}
	}
}

// TestARestoreEndsRecoveries: a request from before a restore from a backup does not complete.
func TestARestoreEndsRecoveries(t *testing.T) {
	u := account.User{Recovery: &account.Recovery{RequestedAt: 1000}}
	tx.InvalidateBefore(&u, 999)
	if u.Recovery == nil {
		t.Error("a request from after the restore ended")
	}
	if tx.InvalidateBefore(&u, 1001); u.Recovery != nil {
		t.Error("a request from before the restore goes on")
	}
}

// TestARecoveryIsToldToEveryNumber: the messages of the first day go to all numbers, up to three,
// and say what to do.
func TestARecoveryIsToldToEveryNumber(t *testing.T) {
	o := newWebhookWorld(t)
	numbers := []string{"+12125550111", "+12125550122", "+12125550133", "+12125550144"}
	p := o.imported(numbers...)
	o.settle(func(s *account.Settings) { s.RecoveryDays = 3 })
	o.settled()
	p.Must(p.ask())
	told := map[string]int{}
	for range 2 {
		o.run()
		for _, m := range o.Sent() {
			told[m.To.E164()]++
			if text := m.Body.Reveal(); !strings.Contains(text, "cancel") || len(text) > 160 {
				t.Errorf("%q", text)
			}
		}
		p.Advance(day)
		p.cleanup()
	}
	o.run()
	for i, number := range numbers {
		if got := told[number] > 0; got != (i < 3) {
			t.Errorf("number %d is told: %v", i, got)
		}
	}
}

// TestACancellationRacesTheCompletion: whichever comes first holds, and both never do.
func TestACancellationRacesTheCompletion(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	p.Must(p.ask())
	for range 2 {
		p.Advance(day)
		p.cleanup()
	}
	p.Advance(day)
	var group sync.WaitGroup
	var cancelled error
	group.Go(func() { _, cancelled = p.Admin.CancelRecovery(t.Context(), p.id) })
	group.Go(func() { _, _ = p.Admin.Cleanup(t.Context(), 1000) })
	group.Wait()
	if kept := p.record().TwoFactorEnabled(); kept != (cancelled == nil) {
		t.Errorf("cancelled: %v, the second factors stay: %v", cancelled, kept)
	}
}
