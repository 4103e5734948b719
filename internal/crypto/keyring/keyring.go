// Package keyring keeps keys in the store: master keys, wrapped by a key service, and hashes of the
// Backend API's keys and of the secrets with which a CDN proves itself.
//
// A process opens the keyring once, in its init phase. It reads it again every five minutes for
// master keys, and every minute while it checks keys of the Backend API.
package keyring

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Wrapper is a key service: it makes keys and encrypts them for storage. It authenticates the
// context: a wrapped key opens only with the context that it was made with. AWS KMS calls this the
// encryption context.
type Wrapper interface {
	// NewKey makes a random 256-bit key and returns only its wrapped form.
	NewKey(ctx context.Context, bound map[string]string) ([]byte, error)
	// Unwrap opens a wrapped key.
	Unwrap(ctx context.Context, wrapped []byte, bound map[string]string) (seal.Key, error)
}

// ErrEmpty is the error of [Keyring.Open] when there are no keys: [Keyring.Prepare] makes the
// first.
var ErrEmpty = errors.New("keyring: no keys yet")

const (
	// checkedEvery is how long a process uses the master keys that it read last.
	checkedEvery = 5 * time.Minute
	// publishedAhead is the time from storing a master key to its first use. Every process has read it
	// by then.
	publishedAhead = time.Hour
	// rotatedEvery is the age at which [Keyring.RotateIfDue] replaces the current master key.
	rotatedEvery = 365 * 24 * time.Hour
)

var recordKey = store.Key{Kind: store.KindKeyring, ID: "instance"}

// stored is the keyring's record.
type stored struct {
	Masters []master   `json:"m"` // oldest first; none is ever dropped, for each has sealed something
	Secrets []apiHash  `json:"s,omitempty"`
	Revoked [][]byte   `json:"r,omitempty"` // SHA-256 of API keys that are never accepted again
	Edges   []edgeHash `json:"e,omitempty"`
}

type master struct {
	Version uint32 `json:"v"`
	Wrapped []byte `json:"w"`
	From    int64  `json:"f"` // Unix seconds from which on it seals
}

// Keyring is the open ring of one process. It is safe for concurrent use.
type Keyring struct {
	store   store.Store
	wrapper Wrapper
	now     func() time.Time

	mu      sync.Mutex
	opened  map[uint32]seal.Key
	ring    *seal.Ring
	secrets []apiHash
	checked time.Time
	// edges has a time of its own, because AcceptsEdge reads the record without opening the keys.
	edges     []edgeHash
	edgesRead time.Time
}

// New returns a keyring that the caller must open.
func New(store store.Store, wrapper Wrapper, now func() time.Time) *Keyring {
	return &Keyring{store: store, wrapper: wrapper, now: now, opened: map[uint32]seal.Key{}}
}

// bound returns the context of a master key.
func bound(version uint32) map[string]string {
	return map[string]string{"countersign:purpose": "master-key", "countersign:version": strconv.FormatUint(uint64(version), 10)}
}

// Open reads the keys and unwraps those that this process has not unwrapped yet. It returns
// [ErrEmpty], the store's or the wrapper's error.
func (k *Keyring) Open(ctx context.Context) (*seal.Ring, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.open(ctx)
}

// open is [Keyring.Open] for callers that hold the lock.
func (k *Keyring) open(ctx context.Context) (*seal.Ring, error) {
	now := k.now() // before the read, so that another process's change during it is read next time
	keys, _, err := k.read(ctx)
	if err != nil {
		return nil, err
	}
	if len(keys.Masters) == 0 {
		return nil, ErrEmpty
	}
	current := keys.Masters[0].Version
	for _, m := range keys.Masters {
		if m.From <= now.Unix() {
			current = m.Version
		}
		if _, known := k.opened[m.Version]; known {
			continue
		}
		if k.opened[m.Version], err = k.wrapper.Unwrap(ctx, m.Wrapped, bound(m.Version)); err != nil {
			delete(k.opened, m.Version)
			return nil, fmt.Errorf("unwrap master key %d: %w", m.Version, err)
		}
	}
	if k.ring == nil {
		k.ring, err = seal.NewRing(current, k.opened, rand.Reader)
	} else {
		err = k.ring.Replace(current, k.opened)
	}
	if err != nil {
		return nil, err
	}
	k.secrets, k.checked = keys.Secrets, now
	k.edges, k.edgesRead = keys.Edges, now
	return k.ring, nil
}

// Refresh reads the keys again when the last read is five minutes old. With an error the keys stay
// as they are.
func (k *Keyring) Refresh(ctx context.Context) error { return k.refresh(ctx, checkedEvery) }

func (k *Keyring) refresh(ctx context.Context, every time.Duration) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.younger(every) {
		return nil
	}
	_, err := k.open(ctx)
	return err
}

// younger reports whether the last read is younger than age. A read in the future, from before the
// clock was set back, is not.
func (k *Keyring) younger(age time.Duration) bool {
	since := k.now().Sub(k.checked)
	return since >= 0 && since < age
}

func (k *Keyring) read(ctx context.Context) (stored, uint64, error) {
	var keys stored
	found, err := k.store.Get(ctx, recordKey)
	if err != nil {
		return keys, 0, fmt.Errorf("read keyring: %w", err)
	}
	if found[0].Version == 0 {
		return keys, 0, nil
	}
	if err := json.Unmarshal(found[0].Data, &keys); err != nil {
		return keys, 0, errors.New("keyring: record cannot be read")
	}
	return keys, found[0].Version, nil
}

// change reads, changes and writes the record. It tries again when another process was faster.
func (k *Keyring) change(ctx context.Context, to func(*stored) (bool, error)) error {
	const tries = 5
	for range tries {
		keys, version, err := k.read(ctx)
		if err != nil {
			return err
		}
		if changed, err := to(&keys); err != nil || !changed {
			return err
		}
		data, err := json.Marshal(keys)
		if err != nil {
			return fmt.Errorf("encode keyring: %w", err)
		}
		err = k.store.Commit(ctx, []store.Write{{Record: store.Record{Key: recordKey, Version: version, Data: data}}})
		if err == nil {
			k.forget()
			return nil
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("write keyring: %w", err)
		}
	}
	return fmt.Errorf("write keyring: %w", store.ErrConflict)
}

// forget makes the next use read the store, because this process changed the record.
func (k *Keyring) forget() {
	k.mu.Lock()
	k.checked, k.edgesRead = time.Time{}, time.Time{}
	k.mu.Unlock()
}

// Prepare makes the first master key when there is none. Callers may repeat it.
func (k *Keyring) Prepare(ctx context.Context) error {
	return k.change(ctx, func(keys *stored) (bool, error) {
		if len(keys.Masters) > 0 {
			return false, nil
		}
		return true, k.add(ctx, keys, k.now())
	})
}

// Rotate adds a master key, which seals from an hour later on; older keys still open. It changes
// nothing while an added key waits for its first use.
func (k *Keyring) Rotate(ctx context.Context) error { return k.rotate(ctx, 0) }

// RotateIfDue rotates when the newest master key is a year old.
func (k *Keyring) RotateIfDue(ctx context.Context) error { return k.rotate(ctx, rotatedEvery) }

func (k *Keyring) rotate(ctx context.Context, age time.Duration) error {
	return k.change(ctx, func(keys *stored) (bool, error) {
		if len(keys.Masters) == 0 {
			return true, k.add(ctx, keys, k.now())
		}
		if newest := time.Unix(keys.Masters[len(keys.Masters)-1].From, 0); k.now().Before(newest.Add(age)) {
			return false, nil
		}
		return true, k.add(ctx, keys, k.now().Add(publishedAhead))
	})
}

func (k *Keyring) add(ctx context.Context, keys *stored, from time.Time) error {
	version := uint32(1)
	if n := len(keys.Masters); n > 0 {
		version = keys.Masters[n-1].Version + 1
	}
	wrapped, err := k.wrapper.NewKey(ctx, bound(version))
	if err != nil {
		return fmt.Errorf("make master key %d: %w", version, err)
	}
	keys.Masters = append(keys.Masters, master{version, wrapped, from.Unix()})
	return nil
}

// Age returns how long the current master key has been sealing.
func (k *Keyring) Age(ctx context.Context) (time.Duration, error) {
	keys, _, err := k.read(ctx)
	if err != nil {
		return 0, err
	}
	var from int64
	for _, m := range keys.Masters {
		if m.From <= k.now().Unix() {
			from = m.From
		}
	}
	return k.now().Sub(time.Unix(from, 0)), nil
}
