package mfa

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// keyLimit bounds wrong keys of the Backend API from one address. Its period is short: a server that is given its new key after the old one
// was revoked waits a minute at most.
var keyLimit = addressLimit{"key", 30, time.Minute}

// mostBlocked bounds the memory of a process. Beyond it an address is not remembered, and each of its wrong keys is counted as before.
const mostBlocked = 4096

// keyGuesses are the addresses whose keys this process does not look at, and until when. The zero value is empty.
type keyGuesses struct {
	mu      sync.Mutex
	blocked map[netip.Prefix]time.Time
}

func (g *keyGuesses) until(from netip.Prefix) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.blocked[from]
}

func (g *keyGuesses) block(from netip.Prefix, now, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other, end := range g.blocked {
		if !now.Before(end) {
			delete(g.blocked, other)
		}
	}
	if g.blocked == nil {
		g.blocked = map[netip.Prefix]time.Time{}
	}
	if len(g.blocked) < mostBlocked {
		g.blocked[from] = until
	}
}

// MayGuessKey refuses an address that this process has seen exhaust its wrong keys of the Backend API. It asks no store, so that a right key
// costs nothing: each process looks at one key more than the limit at most. The error is too_many_requests.
func (s *Service) MayGuessKey(from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := networks(from)
	if wait := s.guesses.until(single).Sub(s.now()); wait > 0 && wait <= keyLimit.period {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// CountKeyGuess counts a wrong key of the Backend API for its address. The error is too_many_requests when there were too many, or the
// store's.
func (s *Service) CountKeyGuess(ctx context.Context, from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := networks(from)
	now := s.now()
	period := now.UnixMilli() / keyLimit.period.Milliseconds()
	end := time.UnixMilli((period + 1) * keyLimit.period.Milliseconds())
	err := s.store.Commit(ctx, nil, Take{
		Budget: fmt.Sprintf("%s:%s:%s:%d", keyLimit.name, keyLimit.period, s.digest("address", single.String()), period),
		Cost:   1, Limit: keyLimit.limit, Expires: end,
	})
	if errors.As(err, new(*ExhaustedError)) {
		s.guesses.block(single, now, end)
		return apierr.New(apierr.TooManyRequests).Retry(end.Sub(now))
	}
	if err != nil {
		return fmt.Errorf("count a wrong key: %w", err)
	}
	return nil
}
