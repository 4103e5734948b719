// Package dashauth remembers what the dashboard must not forget: sessions that were signed out, and guesses of the secret key. Both are counters
// of the store, which forgets them by itself, so the pages need no key that opens records and no cleanup.
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

// State is safe for concurrent use.
type State struct {
	store store.Store
	now   func() time.Time
}

// New returns the dashboard state that a store holds.
func New(store store.Store, now func() time.Time) *State { return &State{store, now} }

// limits are how many guesses one address has, right or wrong ones.
var limits = []struct {
	guesses int64
	period  time.Duration
}{{10, time.Minute}, {60, time.Hour}}

// CountGuess counts one guess of the secret key from an address. It returns how long to wait when there were too many. The key only hides the
// address in the store. An address that is not known has no limit.
func (d *State) CountGuess(ctx context.Context, key secret.Value, from netip.Addr) (wait time.Duration, err error) {
	if !from.IsValid() {
		return 0, nil
	}
	now := d.now()
	var increments []store.Increment
	var longest time.Time
	for _, l := range limits {
		period := now.UnixMilli() / l.period.Milliseconds()
		end := time.UnixMilli((period + 1) * l.period.Milliseconds())
		increments = append(increments, store.Increment{Counter: fmt.Sprintf("dashboard:%s:%s:%d", l.period, addressCounter(key, from), period), By: 1, Max: l.guesses, Expires: end})
		longest = end
	}
	err = d.store.Commit(ctx, nil, increments...)
	var exhausted *store.LimitReachedError
	if !errors.As(err, &exhausted) {
		return 0, err
	}
	for _, t := range increments {
		if t.Counter == exhausted.Counter {
			return t.Expires.Sub(now), nil
		}
	}
	return longest.Sub(now), nil
}

// addressCounter is an address as the store sees it; a /64 for IPv6, which one subscriber holds.
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

// End makes a session end before its time. Ending it again is no error.
func (d *State) EndSession(ctx context.Context, session []byte, until time.Time) error {
	err := d.store.Commit(ctx, nil, store.Increment{Counter: endedCounter(session), By: 1, Max: 1, Expires: until})
	if errors.As(err, new(*store.LimitReachedError)) {
		return nil
	}
	return err
}

// SessionEnded says whether a session was ended before its time.
func (d *State) SessionEnded(ctx context.Context, session []byte) (bool, error) {
	sums, err := d.store.Sums(ctx, endedCounter(session))
	return err != nil || sums[0] > 0, err
}
