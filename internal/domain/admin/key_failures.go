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

// wrongKeyLimit limits wrong keys of the Backend API from one address. The period is short: a
// server that gets its new key only after the old one was revoked waits a minute at most.
var wrongKeyLimit = tx.AddressLimit{Name: "key", Limit: 30, Period: time.Minute}

// blockedMost is how many addresses a process remembers. The wrong keys of further addresses are
// counted in the store.
const blockedMost = 4096

// blockedAddresses are the addresses whose keys this process does not check, with the end of the
// block. The zero value is empty.
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

// CheckAddressBlocked refuses an address that used up its wrong keys of the Backend API in this
// process. It reads no store, so a right key costs nothing. Each process checks at most one key
// more than the limit. The error is too_many_requests.
func (s *Service) CheckAddressBlocked(from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := tx.AddressNetworks(from)
	if wait := s.blocked.until(single).Sub(s.Now()); wait > 0 && wait <= wrongKeyLimit.Period {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// CountWrongKey counts a wrong key of the Backend API for its address. The error is
// too_many_requests beyond the limit, or the store's.
func (s *Service) CountWrongKey(ctx context.Context, from netip.Addr) error {
	if !from.IsValid() {
		return nil
	}
	single, _ := tx.AddressNetworks(from)
	now := s.Now()
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
