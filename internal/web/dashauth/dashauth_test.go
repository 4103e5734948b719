package dashauth_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web/dashauth"
)

func TestGuesses(t *testing.T) {
	now := time.Unix(1_800_000_000, 0).Truncate(time.Hour)
	d := dashauth.New(store.NewMemory(), func() time.Time { return now })
	guess := func(from string) time.Duration {
		t.Helper()
		wait, err := d.CountGuess(t.Context(), secret.New("sk"), netip.MustParseAddr(from))
		if err != nil {
			t.Fatal(err)
		}
		return wait
	}
	for minute := range 6 {
		for n := range 10 {
			if wait := guess("192.0.2.1"); wait != 0 {
				t.Fatalf("minute %d, guess %d: wait %v", minute, n, wait)
			}
		}
		for _, same := range []string{"192.0.2.1", "::ffff:192.0.2.1"} {
			if wait := guess(same); wait != time.Minute && minute < 5 {
				t.Errorf("minute %d, %s, one guess more: wait %v, want a minute", minute, same, wait)
			}
		}
		now = now.Add(time.Minute)
	}
	if wait := guess("192.0.2.1"); wait != 54*time.Minute {
		t.Errorf("the 61st guess of an hour: wait %v, want the rest of the hour", wait)
	}
	if wait := guess("192.0.2.2"); wait != 0 {
		t.Errorf("another address waits %v", wait)
	}
	for n := range 10 {
		if wait := guess("2001:db8::" + string(rune('1'+n%9))); wait != 0 {
			t.Errorf("guess %d of a /64: wait %v", n, wait)
		}
	}
	if guess("2001:db8::ffff") == 0 || guess("2001:db8:0:1::1") != 0 {
		t.Error("the limit of IPv6 is not that of a /64")
	}
	if wait, err := d.CountGuess(t.Context(), secret.New("sk"), netip.Addr{}); err != nil || wait != 0 {
		t.Errorf("an address that is not known: %v, %v", wait, err)
	}
}

func TestEndedSessions(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	faulty := store.NewFaulty(store.NewMemory())
	d := dashauth.New(faulty, func() time.Time { return now })
	one, two := []byte("one"), []byte("two")
	for range 2 {
		if err := d.EndSession(t.Context(), one, now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if ended, err := d.SessionEnded(t.Context(), one); err != nil || !ended {
		t.Errorf("the ended one: %v, %v", ended, err)
	}
	if ended, err := d.SessionEnded(t.Context(), two); err != nil || ended {
		t.Errorf("another one: %v, %v", ended, err)
	}
	faulty.Throttle()
	if ended, err := d.SessionEnded(t.Context(), two); err == nil || !ended {
		t.Errorf("a silent store: %v, %v", ended, err)
	}
	if d.EndSession(t.Context(), two, now) == nil {
		t.Error("a silent store ended a session")
	}
}
