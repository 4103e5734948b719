package domain_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestANumberMakesRoomOnceADay: one SIM that verifies again and again does not make room for
// messages that are never verified. It counts again the next day. A resend is the same message.
func TestANumberMakesRoomOnceADay(t *testing.T) {
	w := newWorld(t)
	flood := &pumpers{world: w}
	next := 1000
	ask := func() error {
		next++
		return flood.ask(fmt.Sprintf("+1212201%04d", next), netip.Addr{})
	}
	// room is how many more messages the breaker lets pass.
	room := func() (n int) {
		for ask() == nil {
			n++
		}
		return n
	}
	hour := func(wait time.Duration) {
		w.Advance(wait)
		w.Advance(w.Now().Truncate(time.Hour).Add(time.Hour).Sub(w.Now()))
		flood = &pumpers{world: w} // with recent sign-ins
	}
	const limit, worth = 20, 5
	sim := w.newcomer()
	hour(time.Hour)
	for range limit - 1 {
		w.Must(ask())
	}
	sim.signInWithTicket()
	sim.enrolPhone("+12122019999")
	again := func(resends int) {
		sim.browser = tx.Caller{}
		sim.signInWithTicket()
		for range resends + 1 {
			w.Advance(31 * time.Second)
			sim.text()
		}
		w.Must(sim.secondFactor(account.PhoneCode, sim.Code()))
	}
	for range 3 {
		again(0)
	}
	if got := room(); got != worth {
		t.Errorf("after four codes of one number there is room for %d messages, want %d", got, worth)
	}
	hour(25 * time.Hour)
	for range limit - 2 {
		w.Must(ask())
	}
	again(1)
	if got := room(); got != worth {
		t.Errorf("a day later, after a resend, there is room for %d messages, want %d", got, worth)
	}
	hour(time.Hour)
	for range limit - 1 {
		w.Must(ask())
	}
	again(0)
	if got := room(); got != 1 {
		t.Errorf("on the same day there is room for %d messages, want 1", got)
	}
	w.want(apierr.TooManyRequests, ask())
}
