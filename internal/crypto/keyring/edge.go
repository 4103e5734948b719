package keyring

import (
	"context"
	"crypto/subtle"
	"errors"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	// edgeKept is how long the secret before the newest one is accepted. A deployment stores the new
	// secret first and gives it to CloudFront some minutes later.
	edgeKept = 24 * time.Hour
	// edgeChecked is how long a process waits before it reads the keyring again for a secret that it
	// does not know. A deployment's new secret is so accepted at once, and guesses cause at most one
	// read in this time.
	edgeChecked = 2 * time.Second
)

// edgeHash is the stored hash of a secret with which a CDN proves itself. The secret is random and
// has 256 bits, so a plain hash is enough, as for keys of the Backend API. A hash under a master
// key would need the right to open that key, which the function of the pages does not have.
type edgeHash struct {
	Name string `json:"n"` // the CDN's: several may stand before one table
	apiHash
}

// newest reports whether this is the current secret of the CDN with this name.
func (e edgeHash) newest(name string) bool { return e.Name == name && e.Until == 0 }

// SetEdge makes value the current secret of the CDN with this name. The secret before it is
// accepted for a day more; older ones and secrets of other CDNs stay as they are.
func (k *Keyring) SetEdge(ctx context.Context, name string, value secret.Value) error {
	if value.IsZero() {
		return errors.New("keyring: the secret of the CDN is empty")
	}
	sum := hashOf(value)
	return k.change(ctx, func(keys *stored) (bool, error) {
		if slices.ContainsFunc(keys.Edges, func(e edgeHash) bool { return e.newest(name) && e.is(sum) }) {
			return false, nil
		}
		now := k.now()
		kept := keys.Edges[:0]
		for _, e := range keys.Edges {
			if e.newest(name) {
				e.Until = now.Add(edgeKept).Unix()
			}
			ended, again := e.Until != 0 && e.Until <= now.Unix(), e.Name == name && e.is(sum)
			if !ended && !again {
				kept = append(kept, e)
			}
		}
		keys.Edges = append(kept, edgeHash{name, apiHash{SHA256: sum}})
		return true, nil
	})
}

// ForgetEdge removes all secrets of the CDN with this name. Other processes accept them for at most
// five minutes more.
func (k *Keyring) ForgetEdge(ctx context.Context, name string) error {
	return k.change(ctx, func(keys *stored) (bool, error) {
		before := len(keys.Edges)
		keys.Edges = slices.DeleteFunc(keys.Edges, func(e edgeHash) bool { return e.Name == name })
		return len(keys.Edges) != before, nil
	})
}

// AcceptsEdge reports, in constant time, whether value is the secret of a CDN. It needs no open
// keyring. It reads the store when its last read is five minutes old, or two seconds if the value
// is unknown. When the store does not answer, the secrets of the last read hold, and the error is
// the store's if there are none.
func (k *Keyring) AcceptsEdge(ctx context.Context, value secret.Value) (bool, error) {
	if value.IsZero() {
		return false, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	since := k.now().Sub(k.edgesRead)
	known := since >= 0 && since < checkedEvery
	if known && (k.isEdge(value) || since < edgeChecked) {
		return k.isEdge(value), nil
	}
	at := k.now()
	keys, _, err := k.read(ctx)
	if err == nil {
		k.edges, k.edgesRead = keys.Edges, at
	}
	if err != nil && k.edgesRead.IsZero() {
		return false, err
	}
	return k.isEdge(value), nil
}

// isEdge compares a secret with all that this process knows. The caller holds the lock.
func (k *Keyring) isEdge(value secret.Value) bool {
	sum, now, ok := hashOf(value), k.now().Unix(), 0
	for _, e := range k.edges {
		match := subtle.ConstantTimeCompare(e.SHA256, sum)
		if e.Until == 0 || e.Until > now {
			ok |= match
		}
	}
	return ok == 1
}
