// Package dashauth stores the dashboard's signed-out sessions and counts guesses of the secret key.
// Both are counters of the store, which expire there. So the pages need no key that opens records,
// and no cleanup.
package dashauth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
)

// State is the dashboard's state in a store. It is safe for concurrent use.
type State struct {
	store store.Store
	now   func() time.Time
}

// New returns the dashboard state of a store.
func New(store store.Store, now func() time.Time) *State { return &State{store, now} }

// limits are the most guesses of one address in a period. Correct guesses count too.
var limits = []struct {
	guesses int64
	period  time.Duration
}{{10, time.Minute}, {60, time.Hour}}

// CountGuess counts one guess of the secret key from an address, and returns the time to wait when
// there were too many, else 0. The key hides the address in the store. An invalid address has no
// limit.
func (s *State) CountGuess(ctx context.Context, key secret.Value, from netip.Addr) (wait time.Duration, err error) {
	if !from.IsValid() {
		return 0, nil
	}
	now := s.now()
	var increments []store.Increment
	var longest time.Time
	for _, l := range limits {
		period := now.UnixMilli() / l.period.Milliseconds()
		end := time.UnixMilli((period + 1) * l.period.Milliseconds())
		increments = append(increments, store.Increment{Counter: fmt.Sprintf("dashboard:%s:%s:%d", l.period, addressCounter(key, from), period), By: 1, Max: l.guesses, Expires: end})
		longest = end
	}
	err = s.store.Commit(ctx, nil, increments...)
	var exhausted *store.LimitReachedError
	if !errors.As(err, &exhausted) {
		return 0, err
	}
	for _, i := range increments {
		if i.Counter == exhausted.Counter {
			return i.Expires.Sub(now), nil
		}
	}
	return longest.Sub(now), nil
}

// addressCounter is the name of an address in the store. For IPv6 it is that of the /64 network,
// because one subscriber holds all of its addresses.
func addressCounter(key secret.Value, from netip.Addr) string {
	from = from.Unmap().WithZone("")
	bits := 32
	if from.Is6() {
		bits = 64
	}
	network, _ := from.Prefix(bits)
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write([]byte("countersign dashboard address\x00" + network.String()))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func endedCounter(session []byte) string {
	sum := sha256.Sum256(session)
	return "dashboard-ended:" + base64.RawURLEncoding.EncodeToString(sum[:])
}

// EndSession ends a session that would expire at until. Ending a session twice is not an error.
func (s *State) EndSession(ctx context.Context, session []byte, until time.Time) error {
	err := s.store.Commit(ctx, nil, store.Increment{Counter: endedCounter(session), By: 1, Max: 1, Expires: until})
	if errors.As(err, new(*store.LimitReachedError)) {
		return nil
	}
	return err
}

// SessionEnded says whether EndSession was called for a session.
func (s *State) SessionEnded(ctx context.Context, session []byte) (bool, error) {
	sums, err := s.store.Sums(ctx, endedCounter(session))
	return err != nil || sums[0] > 0, err
}
