package domain_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// inTheHour moves the clock to a time after the beginning of the next clock hour.
func (w *world) inTheHour(after time.Duration) {
	w.Helper()
	w.Advance(w.Now().Truncate(time.Hour).Add(time.Hour + after).Sub(w.Now()))
}

// enrolling is a newcomer who asks for the code of a number.
func (w *world) enrolling(n int) (p *person, err error) {
	w.Helper()
	p = w.newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(w.Context(), p.browser, mfa.PhoneInput{Number: fmt.Sprintf("+1212%03d%04d", 200+n%700, 1000+n)})
	w.Must(err)
	p.phone = r.Phone.ID
	_, err = p.MFA.PreparePhone(w.Context(), p.browser, p.phone, account.PhoneCode)
	return p, err
}

// TestLimitsGrowWithWhatVerified: a limit of unverified messages is larger by one for each four
// numbers that verified in the hour before, in all processes, unless the settings keep it fixed. An
// attacker who reads no code is stopped at that.
func TestLimitsGrowWithWhatVerified(t *testing.T) {
	const verify, limit = 24, 12
	for fixed, want := range map[bool]int{false: limit + verify/4, true: limit} {
		w := newWorld(t)
		w.settle(func(s *account.Settings) { s.SMSUnverified, s.SMSFixedLimits = limit, fixed })
		w.inTheHour(time.Minute)
		for n := range verify {
			p, err := w.enrolling(n)
			w.Must(err)
			_, err = p.MFA.AttemptPhone(t.Context(), p.browser, p.phone, mfa.Proof{Code: secret.New(p.Code())})
			w.Must(err)
		}
		for hour, most := range []int{want, limit} { // no number verifies in the second hour
			w.inTheHour(time.Minute)
			w.Restart()
			flood := &pumpers{world: w}
			sent := 0
			for flood.ask(fmt.Sprintf("+1310%03d%04d", 200+sent, 1000+hour), netip.Addr{}) == nil {
				if sent++; sent%5 == 0 {
					w.Restart()
				}
			}
			if sent != most {
				t.Errorf("fixed %v, hour %d: %d messages left, want %d", fixed, hour+1, sent, most)
			}
			usage, err := w.SMS.Usage(t.Context())
			w.Must(err)
			if usage.UnverifiedLimit != int64(most) || usage.Unverified != int64(most) {
				t.Errorf("fixed %v, hour %d: the usage is %d of %d, want %d", fixed, hour+1, usage.Unverified, usage.UnverifiedLimit, most)
			}
		}
	}
}

// TestALaunchIsNoAttack: a hundred users a minute enrol a number, and with the next clock hour,
// whose counters begin at 0, 250 a minute. Four of five enter the code after 10 to 40 seconds.
// Every message is sent.
func TestALaunchIsNoAttack(t *testing.T) {
	if testing.Short() {
		t.Skip("it enrols hundreds of users")
	}
	const users, ofFirstHour = 650, 400
	w := newWorld(t)
	w.inTheHour(0)
	w.Advance(56 * time.Minute)
	began := w.Now()
	type act struct {
		at time.Duration
		do func()
	}
	var acts []act
	refused := 0
	for n := range users {
		at := time.Duration(n) * 600 * time.Millisecond
		if n > ofFirstHour {
			at = 4*time.Minute + time.Duration(n-ofFirstHour)*240*time.Millisecond
		}
		var p *person
		var code string
		acts = append(acts, act{at, func() {
			var err error
			if p, err = w.enrolling(n); err != nil {
				w.want(apierr.TooManyRequests, err)
				refused++
			}
			code = p.Code()
		}})
		if n%5 > 0 {
			delay := 10*time.Second + time.Duration(n*7919%31)*time.Second
			acts = append(acts, act{at + delay, func() {
				_, err := p.MFA.AttemptPhone(t.Context(), p.browser, p.phone, mfa.Proof{Code: secret.New(code)})
				w.Must(err)
			}})
		}
	}
	slices.SortStableFunc(acts, func(a, b act) int { return cmp.Compare(a.at, b.at) })
	for _, a := range acts {
		w.Advance(began.Add(a.at).Sub(w.Now()))
		a.do()
	}
	if refused > 0 {
		t.Errorf("%d of %d users got no message", refused, users)
	}
}
