package admin

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// wrongKeyLimit bounds wrong keys of the Backend API from one address. Its period is short: a server that is given its new key after the old one
// was revoked waits a minute at most.
var wrongKeyLimit = tx.AddressLimit{Name: "key", Limit: 30, Period: time.Minute}

// blockedMost bounds the memory of a process. Beyond it an address is not remembered, and each of its wrong keys is counted as before.
const blockedMost = 4096

// blockedAddresses are the addresses whose keys this process does not look at, and until when. The zero value is empty.
type blockedAddresses struct {
	mu   sync.Mutex
	ends map[netip.Prefix]time.Time
}

func (g *blockedAddresses) until(from netip.Prefix) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.ends[from]
}

func (g *blockedAddresses) block(from netip.Prefix, now, until time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for other, end := range g.ends {
		if !now.Before(end) {
			delete(g.ends, other)
		}
	}
	if g.ends == nil {
		g.ends = map[netip.Prefix]time.Time{}
	}
	if len(g.ends) < blockedMost {
		g.ends[from] = until
	}
}

// CheckAddressBlocked refuses an address that this process has seen exhaust its wrong keys of the Backend API. It asks no store, so that a right key
// costs nothing: each process looks at one key more than the limit at most. The error is too_many_requests.
func (s *Service) CheckAddressBlocked(from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := tx.AddressNetworks(from)
	if wait := s.blocked.until(single).Sub(s.Clock()); wait > 0 && wait <= wrongKeyLimit.Period {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// CountWrongKey counts a wrong key of the Backend API for its address. The error is too_many_requests when there were too many, or the
// store's.
func (s *Service) CountWrongKey(ctx context.Context, from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := tx.AddressNetworks(from)
	now := s.Clock()
	period := now.UnixMilli() / wrongKeyLimit.Period.Milliseconds()
	end := time.UnixMilli((period + 1) * wrongKeyLimit.Period.Milliseconds())
	err := s.Store.Commit(ctx, nil, store.Increment{
		Counter: fmt.Sprintf("%s:%s:%s:%d", wrongKeyLimit.Name, wrongKeyLimit.Period, s.Digest("address", single.String()), period),
		By:      1, Max: wrongKeyLimit.Limit, Expires: end,
	})
	if errors.As(err, new(*store.LimitReachedError)) {
		s.blocked.block(single, now, end)
		return apierr.New(apierr.TooManyRequests).Retry(end.Sub(now))
	}
	if err != nil {
		return fmt.Errorf("count a wrong key: %w", err)
	}
	return nil
}
