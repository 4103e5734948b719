package keyring_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

// memorySecret is a secret store that also records calls for signing keys.
type memorySecret struct {
	key    secret.Value
	closed error
	signed []string
}

func (d *memorySecret) Get(context.Context) (secret.Value, error) { return d.key, d.closed }

func (d *memorySecret) Put(_ context.Context, key secret.Value) error {
	if d.closed == nil {
		d.key = key
	}
	return d.closed
}

func (d *memorySecret) RotateSigningKey(_ context.Context, age time.Duration) error {
	d.signed = append(d.signed, fmt.Sprint("older than ", age))
	return nil
}

func (d *memorySecret) RevokeSigningKeys(context.Context) error {
	d.signed = append(d.signed, "revoked")
	return nil
}

func rotator(w *world, key secret.Value) (*keyring.Rotator, *memorySecret) {
	d := &memorySecret{key: key}
	return &keyring.Rotator{Keys: w.ready(key), Signing: d, SecretStore: d, Prefix: "sk_test_"}, d
}

func TestRotator(t *testing.T) {
	life := fmt.Sprint("older than ", sessiontoken.KeyLife)
	for request, want := range map[string]struct {
		signed   []string
		fresh    bool // there is a new key of the Backend API
		accepted bool // the old one is still good
	}{
		`{"rotate":"due"}`:                                              {[]string{life}, false, true},
		`{"rotate":"due","new_secret":true}`:                            {[]string{life}, true, true},
		`{"rotate":"now"}`:                                              {[]string{"older than 0s"}, false, true},
		`{"rotate":"now","new_secret":true}`:                            {[]string{"older than 0s"}, true, true},
		`{"rotate":"now","only":"secret_key"}`:                          {nil, true, true},
		`{"rotate":"now","only":"master_key"}`:                          {nil, false, true},
		`{"rotate":"revoke"}`:                                           {[]string{"revoked"}, true, false},
		`{"rotate":"revoke","new_secret":true}`:                         {[]string{"revoked"}, true, false},
		`{"rotate":"revoke","only":"secret_key"}`:                       {nil, true, false},
		`{"rotate":"revoke","only":"signing_key"}`:                      {[]string{"revoked"}, false, true},
		`{"rotate":"due","only":"secret_key","new_secret":true}` + "\n": {nil, true, true},
	} {
		w := newWorld(t)
		r, d := rotator(w, first)
		in, err := keyring.ParseRequest([]byte(request))
		w.do(err)
		w.do(r.Rotate(t.Context(), in))
		if !slices.Equal(d.signed, want.signed) {
			t.Errorf("%s: signing keys %q, want %q", request, d.signed, want.signed)
		}
		if fresh := !d.key.Equal(first); fresh != want.fresh || fresh && !strings.HasPrefix(d.key.Reveal(), "sk_test_") {
			t.Errorf("%s: there is a new key of the Backend API: %v, want %v", request, fresh, want.fresh)
		}
		w.accepts(request+": the old key", r.Keys, first, want.accepted)
		w.accepts(request+": the stored key", r.Keys, d.key, true)
	}
}

func TestRequestsThatMeanNothing(t *testing.T) {
	for _, text := range []string{
		``, `null`, `{}`, `[]`, `{"rotate":""}`, `{"rotate":"REVOKE"}`, `{"rotate":"revoke","only":"secret"}`, `{"rotate":"revoke","sole":"secret_key"}`,
		`{"rotate":"revoke","only":"signing_key","new_secret":true}`, `{"rotate":"revoke"}{"rotate":"due"}`, `{"rotate":"revoke"}]`,
	} {
		if in, err := keyring.ParseRequest([]byte(text)); !errors.Is(err, keyring.ErrRequest) {
			t.Errorf("%s means %+v (%v)", text, in, err)
		}
	}
}

// TestRevokingWithoutTheSecretStore: a leaked key stays revoked when the secret store does not
// answer, and when a concurrent run read the key before.
func TestRevokingWithoutTheSecretStore(t *testing.T) {
	w := newWorld(t)
	r, d := rotator(w, first)
	revoke := keyring.Request{Rotate: keyring.Revoke}
	d.closed = errors.New("no answer")
	if err := r.Rotate(t.Context(), revoke); !errors.Is(err, d.closed) {
		t.Errorf("%v, want the secret store's error", err)
	}
	w.accepts("the leaked key", r.Keys, first, false)
	if !slices.Equal(d.signed, []string{"revoked"}) {
		t.Errorf("signing keys %q: what can be done was not done", d.signed)
	}
	d.closed = nil
	if err := r.Rotate(t.Context(), keyring.Request{Rotate: keyring.Due}); !errors.Is(err, keyring.ErrRevoked) {
		t.Errorf("the schedule adopts the leaked key, which the secret store still holds: %v", err)
	}
	w.accepts("the leaked key after the schedule's run", r.Keys, first, false)
	w.do(r.Rotate(t.Context(), revoke))
	w.accepts("the stored key", r.Keys, d.key, true)
}

func TestTheFirstAPIKeyIsMade(t *testing.T) {
	w := newWorld(t)
	r, d := rotator(w, first)
	d.key = secret.Value{}
	w.do(r.AdoptSecret(t.Context()))
	w.accepts("the made key", r.Keys, d.key, true)
	d.key = third // an operator's own
	w.do(r.AdoptSecret(t.Context()))
	w.accepts("the key that was put there", r.Keys, third, true)
}
