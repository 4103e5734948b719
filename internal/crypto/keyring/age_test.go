package keyring_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestAge: the age is that of the key that seals now, not that of a key published for later.
func TestAge(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	want := func(when string, want time.Duration) {
		t.Helper()
		got, err := k.Age(t.Context())
		w.do(err)
		if got != want {
			t.Errorf("%s: %v, want %v", when, got, want)
		}
	}
	w.do(k.Prepare(t.Context()))
	want("just made", 0)
	w.now = w.now.Add(90 * 24 * time.Hour)
	want("ninety days later", 90*24*time.Hour)
	w.do(k.Rotate(t.Context()))
	want("while the next is published", 90*24*time.Hour)
	w.now = w.now.Add(time.Hour - time.Second)
	want("just before it seals", 90*24*time.Hour+time.Hour-time.Second)
	w.now = w.now.Add(time.Second)
	want("when it begins to seal", 0)
	w.now = w.now.Add(time.Minute)
	want("a minute later", time.Minute)
}

// TestAgeOfAStoreThatFails: an unreadable age is an error and not zero, which would mean a new key.
func TestAgeOfAStoreThatFails(t *testing.T) {
	w := newWorld(t)
	faulty := store.NewFaulty(w.store)
	k := keyring.New(faulty, w.wraps, func() time.Time { return w.now })
	w.do(k.Prepare(t.Context()))
	faulty.Throttle()
	if age, err := k.Age(t.Context()); err == nil {
		t.Errorf("the age of a key that cannot be read is %v", age)
	}
}

// TestAMasterKeyIsDueAfterAYear: the yearly rotation replaces a key that has sealed for 365 days,
// not a second earlier.
func TestAMasterKeyIsDueAfterAYear(t *testing.T) {
	const year = 365 * 24 * time.Hour
	w := newWorld(t)
	k := w.process()
	w.do(k.Prepare(t.Context()))
	record := func() []byte {
		found, err := w.store.Get(t.Context(), store.Key{Kind: store.KindKeyring, ID: "instance"})
		w.do(err)
		return found[0].Data
	}
	rotates := func() bool {
		before := record()
		w.do(k.RotateIfDue(t.Context()))
		return !bytes.Equal(before, record())
	}
	for i := range 2 {
		w.now = w.now.Add(year - time.Second)
		if rotates() {
			t.Fatalf("key %d is replaced a second before its year is over", i+1)
		}
		w.now = w.now.Add(time.Second)
		if !rotates() {
			t.Fatalf("key %d is not replaced after a year", i+1)
		}
		if rotates() {
			t.Fatalf("key %d is replaced twice", i+1)
		}
		w.now = w.now.Add(time.Hour) // the year of the next one begins when it seals
	}
}

// TestAPIKeysEndWhenTheySay: a day after a change the old key is refused, also by a process that
// has not read since. A third key does not end that day earlier.
func TestAPIKeysEndWhenTheySay(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.do(k.Prepare(t.Context()))
	first, second, third := secret.New("sk_live_first"), secret.New("sk_live_second"), secret.New("sk_live_third")
	w.do(k.SetSecret(t.Context(), first))
	w.do(k.SetSecret(t.Context(), second))
	w.now = w.now.Add(23 * time.Hour)
	w.do(k.SetSecret(t.Context(), third))
	w.open(k)
	for _, tc := range []struct {
		after                time.Duration
		first, second, third bool
	}{{0, true, true, true}, {time.Hour - time.Second, true, true, true}, {time.Second, false, true, true}, {23*time.Hour - time.Second, false, true, true}, {time.Second, false, false, true}} {
		w.now = w.now.Add(tc.after)
		accepts := func(key secret.Value) bool {
			ok, err := k.Accepts(t.Context(), key)
			w.do(err)
			return ok
		}
		if a, b, c := accepts(first), accepts(second), accepts(third); a != tc.first || b != tc.second || c != tc.third {
			t.Errorf("%v: accepted %v %v %v, want %v %v %v", w.now.UTC(), a, b, c, tc.first, tc.second, tc.third)
		}
	}
}

// TestAFailedRefreshLeavesTheKeys: while the store does not answer, a process keeps its keys and
// returns the error.
func TestAFailedRefreshLeavesTheKeys(t *testing.T) {
	w := newWorld(t)
	faulty := store.NewFaulty(w.store)
	k := keyring.New(faulty, w.wraps, func() time.Time { return w.now })
	w.do(k.Prepare(t.Context()))
	ring := w.open(k)
	sealed, err := ring.Seal("ada", secret.New("text"))
	w.do(err)
	faulty.Throttle()
	w.now = w.now.Add(time.Hour)
	if err := k.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Error("a refresh that failed says nothing")
	}
	if got, err := ring.Open("ada", sealed); err != nil || got.Reveal() != "text" {
		t.Errorf("after it the keys are gone: %v", err)
	}
	faulty.Recover()
	w.do(k.Refresh(t.Context()))
}
