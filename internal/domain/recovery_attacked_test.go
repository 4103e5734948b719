package domain_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// TestARecoveryEndsAtOnce: each of these ends a request in its own commit, with an event.
func TestARecoveryEndsAtOnce(t *testing.T) {
	for name, do := range map[string]func(t *testing.T, h, asking *holder) error{
		"a passkey that proves both factors": func(_ *testing.T, h, _ *holder) error { _, err := h.first(h.bySignIn()); return err },
		"a passkey as the second factor":     func(_ *testing.T, h, _ *holder) error { return h.second(h.sign(h.secondOptions())) },
		"a lock": func(t *testing.T, h, _ *holder) error {
			t.Helper()
			_, err := h.Admin.Lock(t.Context(), h.id)
			return err
		},
		"a ban": func(t *testing.T, h, _ *holder) error {
			t.Helper()
			_, err := h.Admin.Ban(t.Context(), h.id)
			return err
		},
		"a reset": func(t *testing.T, h, _ *holder) error {
			t.Helper()
			_, err := h.Admin.RemoveMFA(t.Context(), h.id)
			return err
		},
		"an app that an administrator removes": func(t *testing.T, h, _ *holder) error {
			t.Helper()
			_, err := h.Admin.RemoveTOTP(t.Context(), h.id)
			return err
		},
		"a new password": func(t *testing.T, h, _ *holder) error {
			t.Helper()
			pw := secret.New("another horse battery")
			_, err := h.Admin.UpdateUser(t.Context(), h.id, admin.UserChange{Password: &pw})
			return err
		},
		"the owner's change of the factors, with a proof from before": func(t *testing.T, h, asking *holder) error {
			t.Helper()
			h.signInWithTicket()
			h.Must(h.secondFactor(account.TOTPCode, h.totpCode()))
			h.Must(asking.ask())
			_, err := h.MFA.CreateBackupCodes(t.Context(), h.browser)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			h.withRecovery(3)
			h.Must(h.another().ask())
			h.Must(do(t, h, h.another()))
			if asked, ended := h.happened(eventtype.RecoveryRequested), h.happened(eventtype.RecoveryCancelled); h.record().Recovery != nil || asked != ended {
				t.Errorf("%d requests, %d events of their end, %+v waits", asked, ended, h.record().Recovery)
			}
		})
	}
}

// TestRecoveriesFromBeforeASwitchOffEnd: an administrator who switches recovery off ends the
// requests under way, also if it is on again before the cleanup runs.
func TestRecoveriesFromBeforeASwitchOffEnd(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	p.Must(p.ask())
	p.Advance(time.Hour)
	p.withRecovery(0)
	p.Advance(time.Hour)
	p.withRecovery(3)
	asked := p.Now()
	p.Must(p.ask()) // a new request, with days of its own
	if r := p.record().Recovery; r == nil || r.RequestedAt.Time().Before(asked) {
		t.Errorf("the request is %+v, want one of now", r)
	}
	p.Advance(3*day - time.Hour)
	p.cleanup()
	if !p.record().TwoFactorEnabled() {
		t.Error("the request from before completed")
	}
}

// TestAServiceThatWasDownHastensNoRecovery: while the service was down, the owner could not cancel
// and got no reminder. So the owner is told again and has another day.
func TestAServiceThatWasDownHastensNoRecovery(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	p.Must(p.ask())
	p.Advance(20 * day)
	p.cleanup()
	if !p.record().TwoFactorEnabled() || p.happened(eventtype.RecoveryReminder) != 1 {
		t.Fatalf("after 20 days without a reminder: %d reminders, second factors stay: %v", p.happened(eventtype.RecoveryReminder), p.record().TwoFactorEnabled())
	}
	p.Advance(day - time.Minute)
	p.cleanup()
	if !p.record().TwoFactorEnabled() {
		t.Fatal("the day after the reminder is not over")
	}
	p.Advance(time.Minute)
	p.cleanup()
	if p.record().TwoFactorEnabled() {
		t.Error("the request does not complete a day after the reminder")
	}
}

// completed asks for the recovery, and lets the days pass.
func (p *person) completed() {
	p.Helper()
	p.Must(p.ask())
	for range 3 {
		p.Advance(day)
		p.cleanup()
	}
	if p.record().TwoFactorEnabled() {
		p.Fatal("the recovery did not complete")
	}
}

// TestALostNumberIsNoFirstFactorAfterARecovery: the phone may be in the hands of a finder. Its
// number was a second factor, and is no first factor until the user chose it again.
func TestALostNumberIsNoFirstFactorAfterARecovery(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.FirstFactorPhoneCode, s.EnumerationProtection = true, false })
	p.Must(err)
	p.completed()
	finder := func() error {
		other := p.stranger()
		r, err := other.MFA.CreateSignIn(t.Context(), other.browser, mfa.SignInInput{Identifier: aNumber})
		p.Must(err)
		other.keepToken(r.Snapshot)
		_, err = other.MFA.PrepareFirstFactor(t.Context(), other.browser, r.SignIn.ID, account.PhoneCode, "")
		return err
	}
	if err := finder(); err == nil {
		t.Error("the finder of the phone is sent a code for the first factor")
	}
	owner := p.stranger()
	owner.signInWithTicket()
	_, err = owner.MFA.ChangePhone(t.Context(), owner.browser, p.phone, mfa.PhoneChange{Reserved: new(true)})
	p.Must(err)
	p.Advance(time.Minute)
	_, err = p.Admin.ChangeUserPhone(t.Context(), p.phone, admin.PhoneChange{Reserved: new(false)})
	p.Must(err)
	if err := finder(); err != nil {
		t.Errorf("a number that the user chose again: %v", err)
	}
}

// TestASignInInProgressDoesNotOutliveARecovery: a sign-in that waited for a second factor does not
// complete without it.
func TestASignInInProgressDoesNotOutliveARecovery(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	p.Must(p.ask())
	for range 2 {
		p.Advance(day)
		p.cleanup()
	}
	p.Advance(day - time.Minute)
	waiting := p.stranger()
	waiting.signInWithTicket()
	p.Advance(time.Minute)
	p.cleanup()
	if r, err := waiting.MFA.SignIn(t.Context(), waiting.browser, waiting.signIn); err == nil && r.SignIn.Status() != account.NeedsFirstFactor {
		t.Errorf("the sign-in is %s", r.SignIn.Status())
	}
}

// TestFiftyRequestsAtOnce: one request waits, and the owner is told once. A cancellation at the
// same time leaves either nothing or one request.
func TestFiftyRequestsAtOnce(t *testing.T) {
	p := newWorld(t).member()
	p.withRecovery(3)
	p.signInWithTicket()
	answers := map[apierr.Code]int{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			_, err := p.MFA.RequestRecovery(t.Context(), p.browser, p.signIn)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				answers[apierr.From(err).Code()]++
			}
		})
	}
	group.Wait()
	p.noServerErrors(answers)
	if p.record().Recovery == nil || p.happened(eventtype.RecoveryRequested) != 1 {
		t.Fatalf("%d requests wait; refused: %v", p.happened(eventtype.RecoveryRequested), answers)
	}
	for range 50 {
		group.Go(func() { _, _ = p.MFA.RequestRecovery(t.Context(), p.browser, p.signIn) })
	}
	group.Go(func() {
		if _, err := p.Admin.CancelRecovery(t.Context(), p.id); err != nil && !errors.Is(err, apierr.New(apierr.ResourceNotFound)) {
			t.Errorf("the cancellation: %v", err)
		}
	})
	group.Wait()
	waits := 0
	if p.record().Recovery != nil {
		waits = 1
	}
	if asked, ended := p.happened(eventtype.RecoveryRequested), p.happened(eventtype.RecoveryCancelled); asked != ended+waits {
		t.Errorf("%d requests, %d ended, %d waits", asked, ended, waits)
	}
}

// TestARecoveryIsAlwaysTold: notices of changes may be off, and used up for the day. A recovery is
// told all the same, to each number, when it begins and when it ends, and uses up no other notice.
func TestARecoveryIsAlwaysTold(t *testing.T) {
	o := newWebhookWorld(t)
	numbers := []string{"+12125550111", "+12125550122", "+12125550133"}
	p := o.imported(numbers...)
	o.settle(func(s *account.Settings) { s.RecoveryDays, s.QuietChanges = 3, true })
	o.settled()
	p.Must(p.ask())
	o.run()
	if got := len(o.Sent()); got != 3 {
		t.Errorf("%d numbers are told of the request, want 3", got)
	}
	for range 3 {
		p.Advance(day)
		o.Clear()
		p.cleanup()
		o.run()
		if got := len(o.Sent()); got != 3 {
			t.Errorf("%d numbers are told a day later, want 3", got)
		}
	}
	if p.record().TwoFactorEnabled() {
		t.Error("the recovery did not complete")
	}
}

// TestARecoveryLeavesTheOtherNotices: three messages of a recovery on one day do not keep the owner
// from hearing of a change on that day.
func TestARecoveryLeavesTheOtherNotices(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.imported("+12125550111", "+12125550122", "+12125550133")
	o.settle(func(s *account.Settings) { s.RecoveryDays = 3 })
	o.settled()
	p.Must(p.ask())
	o.run()
	o.Advance(time.Hour)
	o.Clear()
	_, err := p.Admin.RemoveTOTP(t.Context(), p.id)
	p.Must(err)
	o.run()
	if got := len(o.Sent()); got == 0 {
		t.Error("the change is not told")
	}
}

// TestAThiefDoesNotChooseTheLanguage: the messages are in the language in which the owner last
// proved a second factor, not in that of the person who asks.
func TestAThiefDoesNotChooseTheLanguage(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.imported("+12125550111")
	p.key = secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
	o.settle(func(s *account.Settings) { s.RecoveryDays = 3 })
	owner := p.stranger()
	owner.browser.Language = language.German
	owner.signInWithTicket()
	p.Must(owner.secondFactor(account.TOTPCode, owner.totpCode()))
	o.settled()
	thief := p.stranger()
	thief.browser.Language = language.Japanese
	p.Must(thief.ask())
	for range 2 {
		o.run()
		p.Advance(day)
		p.cleanup()
	}
	if len(o.Sent()) != 2 {
		t.Fatalf("%d messages, want the request and a reminder", len(o.Sent()))
	}
	for _, m := range o.Sent() {
		if text := m.Body.Reveal(); !strings.Contains(text, "zweiten Schritt") {
			t.Errorf("%q", text)
		}
	}
}
