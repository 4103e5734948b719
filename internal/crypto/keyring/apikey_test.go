package keyring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

var first, second, third = secret.New("sk_live_first"), secret.New("sk_live_second"), secret.New("sk_live_third")

// ready returns an open keyring that accepts the key.
func (w *world) ready(key secret.Value) *keyring.Keyring {
	w.t.Helper()
	k := w.process()
	w.do(k.Prepare(w.t.Context()))
	w.do(k.SetSecret(w.t.Context(), key))
	w.open(k)
	return k
}

func (w *world) accepts(when string, k *keyring.Keyring, key secret.Value, want bool) {
	w.t.Helper()
	if got, err := k.Accepts(w.t.Context(), key); err != nil || got != want {
		w.t.Errorf("%s: accepted %v (%v), want %v", when, got, err, want)
	}
}

func TestAPIKeys(t *testing.T) {
	w := newWorld(t)
	k := w.ready(first)
	w.do(k.SetSecret(t.Context(), first))
	w.accepts("the first key", k, first, true)
	w.accepts("a key never set", k, second, false)
	w.accepts("no key", k, secret.Value{}, false)
	if err := k.SetSecret(t.Context(), secret.Value{}); err == nil {
		t.Error("the empty key was set")
	}
	w.do(k.SetSecret(t.Context(), second))
	w.accepts("the second key", k, second, true)
	w.accepts("the first key for a day", k, first, true)
	w.now = w.now.Add(24 * time.Hour)
	w.accepts("the first key a day later", k, first, false)
	w.accepts("the second key still", k, second, true)
}

// TestRevokedAPIKeys: a running process refuses all other keys a minute after the revocation, after
// any rotation.
func TestRevokedAPIKeys(t *testing.T) {
	w := newWorld(t)
	operator := w.ready(first)
	w.do(operator.SetSecret(t.Context(), second))
	warm := w.process()
	w.open(warm)
	w.accepts("before, the first key", warm, first, true)
	w.accepts("before, the second key", warm, second, true)

	w.now = w.now.Add(time.Second)
	w.do(operator.RevokeSecrets(t.Context(), third))
	for name, key := range map[string]secret.Value{"first": first, "second": second} {
		w.accepts("at once, where it was revoked: the "+name, operator, key, false)
		w.accepts("at once, in a new process: the "+name, w.process(), key, false)
	}
	w.now = w.now.Add(59 * time.Second) // a minute after the look of the warm process
	for name, key := range map[string]secret.Value{"first": first, "second": second} {
		w.accepts("a minute later: the "+name, warm, key, false)
		for what, set := range map[string]error{
			"set": warm.SetSecret(t.Context(), key), "revoked in favour of": warm.RevokeSecrets(t.Context(), key), "the only one": warm.OnlySecret(t.Context(), key),
		} {
			if !errors.Is(set, keyring.ErrRevoked) {
				t.Errorf("the %s key, %s again: %v, want ErrRevoked", name, what, set)
			}
		}
	}
	w.accepts("a minute later: the third", warm, third, true)
	w.do(operator.SetSecret(t.Context(), third)) // what the schedule does every day
	w.accepts("after the next run: the first", operator, first, false)
}

// TestAPIKeysOfASilentStore: while the store does not answer, the last keys hold for five minutes.
func TestAPIKeysOfASilentStore(t *testing.T) {
	w := newWorld(t)
	k := w.ready(first)
	w.accepts("before", k, first, true)
	w.fault.Throttle()
	w.now = w.now.Add(5*time.Minute - time.Second)
	w.accepts("just before the end", k, first, true)
	w.now = w.now.Add(time.Second)
	for range 2 {
		if ok, err := k.Accepts(t.Context(), first); ok || !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("after five minutes: accepted %v (%v), want the store's error", ok, err)
		}
	}
	w.now = w.now.Add(-time.Hour) // a look in the future is none
	if ok, err := k.Accepts(t.Context(), first); ok || err == nil {
		t.Errorf("after the clock went back: accepted %v (%v)", ok, err)
	}
	w.fault.Recover()
	w.accepts("when the store answers again", k, first, true)
}

// TestAcceptingCostsNothing: a process reads the store once a minute, for right and wrong keys.
func TestAcceptingCostsNothing(t *testing.T) {
	w := newWorld(t)
	k := w.ready(first)
	w.store.Reset()
	for range 10 {
		w.accepts("right", k, first, true)
		w.accepts("wrong", k, second, false)
	}
	if n := w.store.Counts().Gets; n != 0 {
		t.Errorf("%d reads within a minute, want none", n)
	}
	w.now = w.now.Add(time.Minute)
	w.accepts("right", k, first, true)
	w.accepts("wrong", k, second, false)
	if n := w.store.Counts().Gets; n != 1 {
		t.Errorf("%d reads after a minute, want 1", n)
	}
}

// TestTheOnlyAPIKey: a server that starts with another key refuses the old one at once, and may go
// back to it.
func TestTheOnlyAPIKey(t *testing.T) {
	w := newWorld(t)
	k := w.ready(first)
	w.do(k.OnlySecret(t.Context(), second))
	w.accepts("the key before", k, first, false)
	w.accepts("the key", k, second, true)
	w.do(k.OnlySecret(t.Context(), first))
	w.accepts("back again", k, first, true)
}
