package pages

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	// keyChecked is how long the function uses a Backend API key before it reads the key again. An
	// old dashboard session lasts at most that long after the key was replaced.
	keyChecked = time.Minute
	// keyTrusted is how long the function uses the key when Secrets Manager does not answer. After
	// that the dashboard is closed.
	keyTrusted = 5 * time.Minute
)

var errNoKey = errors.New("pages: there is no Backend API key")

// keyCache holds the Backend API key, and reads it again after keyChecked. It is safe for
// concurrent use.
type keyCache struct {
	read func(context.Context) (secret.Value, error)
	now  func() time.Time

	mu   sync.Mutex
	held secret.Value
	at   time.Time // when held was read
}

func newKeyCache(read func(context.Context) (secret.Value, error), now func() time.Time) *keyCache {
	return &keyCache{read: read, now: now}
}

// get returns the current key. It returns an error when there is none, or when none could be read
// for keyTrusted.
func (k *keyCache) get(ctx context.Context) (secret.Value, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if k.younger(now, keyChecked) {
		return k.held, nil
	}
	key, err := k.read(ctx)
	if err == nil && key.IsZero() {
		k.held, err = secret.Value{}, errNoKey
	}
	switch {
	case err == nil:
		k.held, k.at = key, now
	case !k.younger(now, keyTrusted):
		return secret.Value{}, err
	}
	return k.held, nil
}

func (k *keyCache) younger(now time.Time, age time.Duration) bool {
	since := now.Sub(k.at)
	return !k.held.IsZero() && since >= 0 && since < age
}
