package mfa

import (
	"context"
	"fmt"
	"time"
)

// cleanupKept is how long what has run out stays, beyond every window in which it could matter (I-11).
const cleanupKept = 24 * time.Hour

// expiring are the kinds that the cleanup tidies.
var expiring = []Kind{KindClient, KindTicket, KindNonce, KindNumber, KindClaim, KindUser, KindSigningKey, KindText, KindEvent}

// CleanupResult says what a run of the cleanup did.
type CleanupResult struct {
	Found   int
	Changed int
	Deleted int
	// More is true when the limit was reached and another run would find more.
	More bool
}

// Cleanup removes what ran out at least a day ago, up to limit records. It never decides whether
// something is valid: every operation does that itself, so a late cleanup harms nobody.
func (s *Service) Cleanup(ctx context.Context, limit int) (CleanupResult, error) {
	var r CleanupResult
	before := s.now().Add(-cleanupKept)
	var keys []Key
	for _, kind := range expiring {
		more, err := s.store.Expired(ctx, kind, before, limit-len(keys))
		if err != nil {
			return r, fmt.Errorf("find expired records: %w", err)
		}
		keys = append(keys, more...)
	}
	r.Found, r.More = len(keys), len(keys) == limit
	for _, k := range keys {
		deleted := false
		err := s.update(ctx, []Key{k}, func(t *txn) error {
			var err error
			deleted, err = t.tidy(k, At(before))
			return err
		})
		if err != nil {
			return r, fmt.Errorf("tidy %s record: %w", k.Kind, err)
		}
		if deleted {
			r.Deleted++
		} else {
			r.Changed++
		}
	}
	return r, nil
}

// tidy removes a record, or what has run out in it, as of before.
func (t *txn) tidy(k Key, before Instant) (deleted bool, err error) {
	e, err := load[entity](t, k)
	if err != nil || e == nil {
		return false, err
	}
	if end := e.expires(); end.IsZero() || At(end) > before {
		return false, nil
	}
	switch e := e.(type) {
	case *User:
		e.sweep(before)
	case *signingKeys:
		e.sweep(before)
	case *Client:
		if e.Expires <= before {
			t.delete(e)
			return true, nil
		}
		e.sweep(before)
	default:
		t.delete(e)
		return true, nil
	}
	t.put(e)
	return false, nil
}
