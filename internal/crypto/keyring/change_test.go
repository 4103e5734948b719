package keyring_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

// contested is a store in which another process is faster for a number of commits.
type contested struct {
	store.Store
	times int
}

func (c *contested) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if c.times > 0 {
		c.times--
		return store.ErrConflict
	}
	return c.Store.Commit(ctx, writes, increments...)
}

// TestAChangeThatMeetsAnotherIsMadeAgain: a conflicting change is tried five times and then returns
// the conflict.
func TestAChangeThatMeetsAnotherIsMadeAgain(t *testing.T) {
	for times, want := range map[int]error{0: nil, 1: nil, 4: nil, 5: store.ErrConflict} {
		w := newWorld(t)
		k := keyring.New(&contested{w.store, times}, w.wraps, func() time.Time { return w.now })
		if err := k.Prepare(t.Context()); !errors.Is(err, want) {
			t.Errorf("after %d conflicts: %v, want %v", times, err, want)
		}
	}
}

// deaf is a key service that does not answer.
type deaf struct{ keyring.Wrapper }

var errDeaf = errors.New("no key service")

func (deaf) NewKey(context.Context, map[string]string) ([]byte, error) { return nil, errDeaf }

// TestWithoutTheKeyServiceNothingIsWritten: an error of the key service leaves the keys unchanged.
func TestWithoutTheKeyServiceNothingIsWritten(t *testing.T) {
	w := newWorld(t)
	k := keyring.New(w.store, deaf{w.wraps}, func() time.Time { return w.now })
	if err := k.Prepare(t.Context()); !errors.Is(err, errDeaf) {
		t.Errorf("the first key: %v", err)
	}
	if err := k.Rotate(t.Context()); !errors.Is(err, errDeaf) {
		t.Errorf("a rotation without a key: %v", err)
	}
	w.do(w.process().Prepare(t.Context()))
	w.store.Reset()
	if err := k.Rotate(t.Context()); !errors.Is(err, errDeaf) {
		t.Errorf("a rotation: %v", err)
	}
	if n := w.store.Counts().Commits; n != 0 {
		t.Errorf("%d commits, want none", n)
	}
}

// TestWhatChangesNothingWritesNothing: preparing an existing ring, a rotation that is not due, and
// setting the current API key write nothing.
func TestWhatChangesNothingWritesNothing(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.do(k.Rotate(t.Context())) // of nothing: it makes the first key, which seals at once
	w.open(k)
	key := secret.New("sk_live_one")
	w.do(k.SetSecret(t.Context(), key))
	w.store.Reset()
	w.do(k.Prepare(t.Context()))
	w.do(k.RotateIfDue(t.Context()))
	w.do(k.SetSecret(t.Context(), key))
	if n := w.store.Counts().Commits; n != 0 {
		t.Errorf("%d commits, want none", n)
	}
	w.do(k.Rotate(t.Context()))
	w.store.Reset()
	w.do(k.Rotate(t.Context()))
	if n := w.store.Counts().Commits; n != 0 {
		t.Errorf("%d commits while a rotation is under way, want none", n)
	}
}
