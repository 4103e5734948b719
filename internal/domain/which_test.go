package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// TestAUsedCodeCountsOnTheDayOfItsMessage: a code sent at 23:59 and used at 00:01 counts as
// verified on the first day.
func TestAUsedCodeCountsOnTheDayOfItsMessage(t *testing.T) {
	w := newWorld(t)
	sent := time.Date(2026, 3, 4, 23, 59, 0, 0, time.UTC)
	w.Advance(sent.Sub(w.Now()))
	p := w.newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	w.Must(err)
	w.Advance(2 * time.Minute)
	_, err = p.MFA.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: secret.New(p.Code())})
	w.Must(err)
	sums, err := w.QuotaSums(t.Context(), "sms:verified:US:2026-03-04", "sms:verified:US:2026-03-05", "sms:sent:US:2026-03-04", "sms:sent:US:2026-03-05")
	w.Must(err)
	if !slices.Equal(sums, []int64{1, 0, 1, 0}) {
		t.Errorf("verified and sent on both days %v, want [1 0 1 0]", sums)
	}
}

// TestTheBackendsWordOnANumber: a change of a number by the Backend API takes effect at once, and
// earlier state does not come back with it.
func TestTheBackendsWordOnANumber(t *testing.T) {
	yes, no := true, false
	say := func(p *person, id string, c admin.PhoneChange) *account.Phone {
		r, err := p.Admin.ChangeUserPhone(t.Context(), id, c)
		p.Must(err)
		return r.Phone
	}
	t.Run("verified, it voids the code under way", func(t *testing.T) {
		p := newWorld(t).newcomer()
		p.signInWithTicket()
		r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
		p.Must(err)
		_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
		p.Must(err)
		code := secret.New(p.Code())
		say(p, r.Phone.ID, admin.PhoneChange{Verified: &yes})
		say(p, r.Phone.ID, admin.PhoneChange{Verified: &no})
		_, err = p.MFA.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: code})
		p.want(apierr.VerificationMissing, err)
	})
	t.Run("no longer verified, it is no factor, nor is it one again when it is verified again", func(t *testing.T) {
		p := newWorld(t).member()
		say(p, p.phone, admin.PhoneChange{Verified: &no})
		if ph := say(p, p.phone, admin.PhoneChange{Verified: &yes}); ph.Reserved || ph.Default {
			t.Errorf("the number is a factor: %v, the default %v", ph.Reserved, ph.Default)
		}
		if names := p.told(500); !slices.Contains(names, string(eventtype.NumberDoubted)) {
			t.Errorf("the journal is %v", names)
		}
	})
	t.Run("one number is the primary one", func(t *testing.T) {
		w := newWorld(t)
		u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "two", Phones: []string{aNumber, anotherNumber}})
		w.Must(err)
		p := &person{world: w, id: u.WireID()}
		for _, i := range []int{0, 1, 0} {
			say(p, u.Phones[i].ID, admin.PhoneChange{Primary: &yes})
			now, err := w.Admin.User(t.Context(), p.id)
			w.Must(err)
			for j, ph := range now.Phones {
				if ph.Primary != (i == j) {
					t.Errorf("number %d is made the primary one: of number %d it says %v", i+1, j+1, ph.Primary)
				}
			}
		}
	})
}

// TestAReplayIsOfItsPeriod: a replay delivers the events of its period, its first and last moments
// included, and no others.
func TestAReplayIsOfItsPeriod(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	began := o.Now()
	for range 5 {
		o.newcomer()
		o.Advance(time.Minute)
	}
	o.Advance(10 * time.Minute)
	o.newcomer() // at the fifteenth minute, and one in the same second
	o.Advance(300 * time.Millisecond)
	o.newcomer()
	o.Advance(time.Second)
	o.run()
	for name, tc := range map[string]struct {
		from, to time.Duration
		want     int
	}{
		"all": {0, time.Hour, 7}, "until within a second": {15 * time.Minute, 15*time.Minute + 299*time.Millisecond, 1}, "from within a second": {15*time.Minute + time.Millisecond, time.Hour, 1}, "the middle": {time.Minute, 3 * time.Minute, 3}, "between two": {time.Minute + time.Second, 2*time.Minute - time.Second, 0},
		"one moment": {2 * time.Minute, 2 * time.Minute, 1}, "until the first": {-time.Hour, 0, 1}, "backwards": {3 * time.Minute, time.Minute, 0},
	} {
		o.got = nil
		n, _, err := o.Webhooks.ReplayEndpoint(t.Context(), o.endpoint, began.Add(tc.from), began.Add(tc.to))
		o.Must(err)
		if o.run(); n != tc.want || len(o.got) != tc.want {
			t.Errorf("%s: %d promised, %d sent, want %d", name, n, len(o.got), tc.want)
		}
	}
}

// TestAUserHasFewMessagesSent: a user has ten messages sent in an hour, over any number of phone
// numbers and for any purpose.
func TestAUserHasFewMessagesSent(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	for range 9 {
		p.signOut()
		w.Advance(5 * time.Minute)
		p.signInWithTicket()
		p.text()
		w.Must(p.secondFactor(account.PhoneCode, p.Code()))
	}
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: anotherNumber})
	w.Must(err)
	_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	w.want(apierr.VerificationCodeTooManyRequests, err)
	if wait := apierr.From(err).RetryAfter(); wait != 15*time.Minute {
		t.Errorf("again after %v, want when the first is an hour old", wait)
	}
	w.Advance(15 * time.Minute)
	p.signOut()
	p.signInWithTicket()
	p.text()
}
