package keyring

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	// secretKept is how long the previous key of the Backend API is accepted after a new one was made.
	secretKept = 24 * time.Hour
	// secretChecked is how long a process uses the API keys that it read last, and so the longest time
	// that a revoked key is still accepted (ASVS 13.3.4).
	secretChecked = time.Minute
	// secretTrusted is how long a process uses them when the store does not answer. Five minutes
	// outlast a throttled table. After that a revocation may have been missed.
	secretTrusted = 5 * time.Minute
)

// ErrRevoked is the error of [Keyring.SetSecret], [Keyring.RevokeSecrets] and [Keyring.OnlySecret]
// for a revoked key.
var ErrRevoked = errors.New("keyring: this key of the Backend API was revoked")

// apiHash is the stored hash of a Backend API key. The key is random and long, so a plain hash is
// enough (SP 800-63B-4 section 3.1.2.2).
type apiHash struct {
	SHA256 []byte `json:"h"`
	Until  int64  `json:"u,omitempty"` // Unix seconds; 0 for the newest
}

func (s apiHash) is(sum []byte) bool { return subtle.ConstantTimeCompare(s.SHA256, sum) == 1 }

func hashOf(key secret.Value) []byte {
	sum := sha256.Sum256([]byte(key.Reveal()))
	return sum[:]
}

func (s *stored) revoked(sum []byte) bool {
	return slices.ContainsFunc(s.Revoked, func(r []byte) bool { return apiHash{SHA256: r}.is(sum) })
}

// SetSecret makes key the current key of the Backend API. Older keys are accepted for 24 hours
// more. A revoked key is [ErrRevoked]: a process that read the key before the revocation must not
// bring it back.
func (k *Keyring) SetSecret(ctx context.Context, key secret.Value) error {
	return k.changeSecrets(ctx, key, func(keys *stored, sum []byte) bool {
		now := k.now()
		if n := len(keys.Secrets); n > 0 && keys.Secrets[n-1].is(sum) {
			return false
		}
		kept := keys.Secrets[:0]
		for _, s := range keys.Secrets {
			if s.Until == 0 {
				s.Until = now.Add(secretKept).Unix()
			}
			if s.Until > now.Unix() && !s.is(sum) {
				kept = append(kept, s)
			}
		}
		keys.Secrets = append(kept, apiHash{SHA256: sum})
		return true
	})
}

// RevokeSecrets makes key the only key of the Backend API. All other keys are refused at once and
// can never be set again. Other processes learn of the change within a minute.
func (k *Keyring) RevokeSecrets(ctx context.Context, key secret.Value) error {
	return k.changeSecrets(ctx, key, func(keys *stored, sum []byte) bool {
		for _, s := range keys.Secrets {
			if !s.is(sum) {
				keys.Revoked = append(keys.Revoked, s.SHA256)
			}
		}
		keys.Secrets = []apiHash{{SHA256: sum}}
		return true
	})
}

// OnlySecret makes key the only key of the Backend API; the others may be set again. A server calls
// it when it starts with another key. For a leaked key use [Keyring.RevokeSecrets].
func (k *Keyring) OnlySecret(ctx context.Context, key secret.Value) error {
	return k.changeSecrets(ctx, key, func(keys *stored, sum []byte) bool {
		if len(keys.Secrets) == 1 && keys.Secrets[0].is(sum) && keys.Secrets[0].Until == 0 {
			return false
		}
		keys.Secrets = []apiHash{{SHA256: sum}}
		return true
	})
}

func (k *Keyring) changeSecrets(ctx context.Context, key secret.Value, to func(keys *stored, sum []byte) bool) error {
	if key.IsZero() {
		return errors.New("keyring: the key of the Backend API is empty")
	}
	sum := hashOf(key)
	return k.change(ctx, func(keys *stored) (bool, error) {
		if keys.revoked(sum) {
			return false, ErrRevoked
		}
		return to(keys, sum), nil
	})
}

// Accepts reports whether a bearer token is a key of the Backend API. It reads the store when its
// last read is a minute old. When the store does not answer, the keys of the last read hold until
// they are five minutes old; after that Accepts returns the store's error.
func (k *Keyring) Accepts(ctx context.Context, bearer secret.Value) (bool, error) {
	err := k.refresh(ctx, secretChecked)
	k.mu.Lock()
	secrets, now, trusted := k.secrets, k.now().Unix(), k.younger(secretTrusted)
	k.mu.Unlock()
	if err != nil && !trusted {
		return false, fmt.Errorf("keys of the Backend API are too old to be trusted: %w", err)
	}
	sum, ok := hashOf(bearer), 0
	for _, s := range secrets {
		match := subtle.ConstantTimeCompare(s.SHA256, sum)
		if s.Until == 0 || s.Until > now {
			ok |= match
		}
	}
	return ok == 1 && !bearer.IsZero(), nil
}
