package keyring_test

import (
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

func (w *world) edge(when string, k *keyring.Keyring, value secret.Value, want bool) {
	w.t.Helper()
	if got, err := k.AcceptsEdge(w.t.Context(), value); err != nil || got != want {
		w.t.Errorf("%s: accepted %v (%v), want %v", when, got, err, want)
	}
}

// TestSecretsOfACDN: two secrets are good for a day, and then the newest one. A deployment that is
// rolled back gives CloudFront the one before: it becomes the newest again.
func TestSecretsOfACDN(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.edge("before there is one", k, first, false)
	w.do(k.SetEdge(t.Context(), "a", first))
	w.edge("the first", k, first, true)
	w.edge("none", k, secret.Value{}, false)
	w.edge("another", k, second, false)
	w.do(k.SetEdge(t.Context(), "a", second))
	w.edge("the second", k, second, true)
	w.edge("the first, for a day", k, first, true)
	w.now = w.now.Add(23 * time.Hour)
	w.do(k.SetEdge(t.Context(), "a", second)) // each deployment sets it again
	w.now = w.now.Add(time.Hour)
	w.edge("the first, a day later", k, first, false)
	w.edge("the second still", k, second, true)

	w.do(k.SetEdge(t.Context(), "a", third))
	w.do(k.SetEdge(t.Context(), "a", second)) // rolled back
	w.now = w.now.Add(24 * time.Hour)
	w.edge("the newest before the rollback", k, third, false)
	w.edge("the second after a rollback", k, second, true)
	if err := k.SetEdge(t.Context(), "a", secret.Value{}); err == nil {
		t.Error("the empty secret was set: requests without the header would be believed")
	}
}

// TestSecretsOfTwoCDNs: two stacks of functions on one table, each with its own CloudFront
// distribution, do not disturb each other.
func TestSecretsOfTwoCDNs(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.do(k.SetEdge(t.Context(), "a", first))
	w.do(k.SetEdge(t.Context(), "b", second))
	w.now = w.now.Add(48 * time.Hour)
	w.do(k.SetEdge(t.Context(), "b", third))
	w.edge("the other stack's", k, first, true)
	w.do(k.ForgetEdge(t.Context(), "b"))
	w.do(k.ForgetEdge(t.Context(), "b")) // CloudFormation repeats requests
	w.edge("the secret of a stack that is gone", k, third, false)
	w.edge("the one before it", k, second, false)
	w.edge("the other stack's", k, first, true)
}

// TestAWarmProcessLearnsOfANewSecret: a deployment gives CloudFront the new secret minutes after
// the keyring has it. A process that read the keyring before accepts the secret at once. Guesses
// cause at most one read in two seconds, right secrets one in five minutes.
func TestAWarmProcessLearnsOfANewSecret(t *testing.T) {
	w := newWorld(t)
	k, other := w.ready(first), w.process()
	w.do(other.SetEdge(t.Context(), "a", second))
	w.open(k)
	w.store.Reset()
	reads := func(when string, want int) {
		t.Helper()
		if n := w.store.Counts().Gets; n != want {
			t.Errorf("%s: %d reads, want %d", when, n, want)
		}
		w.store.Reset()
	}
	for range 5 {
		w.edge("right", k, second, true)
		w.edge("a guess", k, third, false)
	}
	reads("within two seconds of opening", 0)
	w.do(other.SetEdge(t.Context(), "a", third))
	w.store.Reset()
	w.now = w.now.Add(2 * time.Second)
	w.edge("the new one", k, third, true)
	reads("two seconds later", 1)
	w.now = w.now.Add(4 * time.Minute)
	w.edge("the new one", k, third, true)
	reads("for a known secret", 0)
	w.now = w.now.Add(time.Minute)
	w.edge("the new one", k, third, true)
	reads("after five minutes", 1)
}

// TestSecretsOfACDNInASilentStore: a store that does not answer does not close the API that reads
// it anyway, and a process that knows no secret yet believes none.
func TestSecretsOfACDNInASilentStore(t *testing.T) {
	w := newWorld(t)
	k := w.process()
	w.do(k.SetEdge(t.Context(), "a", first))
	w.edge("before", k, first, true)
	w.fault.Throttle()
	w.now = w.now.Add(time.Hour)
	w.edge("known", k, first, true)
	w.edge("unknown", k, second, false)
	if ok, err := w.process().AcceptsEdge(t.Context(), first); ok || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a new process: accepted %v (%v), want the store's error", ok, err)
	}
}
