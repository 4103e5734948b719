package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

// keys returns the published keys.
func (w *world) keys() []*sessiontoken.Key {
	w.Helper()
	keys, err := w.Tokens.PublishedKeys(w.Context())
	w.Must(err)
	return keys
}

// kid returns the header of a token, which holds the key's id.
func kid(token string) string { return strings.Split(token, ".")[0] }

// TestSecretsMoveToTheNewestKey: after a rotation of the master key, a secret is sealed again when
// its record is written anyway.
func TestSecretsMoveToTheNewestKey(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	sealed := func() []byte {
		u, err := w.Admin.User(t.Context(), p.id)
		w.Must(err)
		return u.TOTP.Sealed
	}
	w.Must(w.Config.Ring.Replace(2, map[uint32]seal.Key{1: {1, 2, 3}, 2: {4, 5, 6}}))
	if w.Config.Ring.Current(sealed()) {
		t.Fatal("the secret is under the new key before anything was written")
	}
	for i := range 2 {
		if _, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode())); err != nil {
			t.Fatalf("check %d after the rotation: %v", i+1, err)
		}
		w.Advance(30 * time.Second)
	}
	if !w.Config.Ring.Current(sealed()) {
		t.Error("the secret is still under the old key")
	}
}
