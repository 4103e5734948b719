package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// expiring are the kinds of records that the cleanup removes or shortens. The kinds that the
// cleanup alone removes come first: an earlier release may have stored such a record with a time at
// which the table deletes it. The cleanup's write removes that time.
var expiring = []store.Kind{store.KindSigningKey, store.KindUser, store.KindClient, store.KindTicket, store.KindNonce, store.KindNumber, store.KindClaim, store.KindSMS, store.KindEvent, store.KindStatistics, store.KindFeed}

// expirer is a record whose parts expire before it does.
type expirer interface {
	account.Entity
	// RemoveExpired removes the parts that expired at or before an instant.
	RemoveExpired(before account.Instant)
}

var (
	_ expirer = (*account.User)(nil)
	_ expirer = (*account.Client)(nil)
	_ expirer = (*account.SigningKeys)(nil)
)

// CleanupResult counts what a run of the cleanup did.
type CleanupResult struct {
	Found   int
	Changed int
	Deleted int
	// Unreadable counts the records that could not be read. They stay unchanged, and the cleanup tries
	// them again a day later.
	Unreadable int
	// More is true when the run reached its limit and another run may find more.
	More bool
}

// Add adds the counts of another run and takes over its More.
func (r *CleanupResult) Add(other CleanupResult) {
	r.Found, r.Changed, r.Deleted = r.Found+other.Found, r.Changed+other.Changed, r.Deleted+other.Deleted
	r.Unreadable, r.More = r.Unreadable+other.Unreadable, other.More
}

// Cleanup removes what expired at least a day ago, up to limit records. It never decides whether
// something is valid: every operation does that itself, so a late cleanup does no harm.
//
// A run may stop at any point, and the next one continues. Each kind has a share of the limit, so
// no kind waits for another.
func (s *Service) Cleanup(ctx context.Context, limit int) (CleanupResult, error) {
	before := s.Now().Add(-account.CleanupKept)
	keys, more, err := s.expired(ctx, before, limit)
	r := CleanupResult{Found: len(keys), More: more}
	if err != nil {
		return CleanupResult{}, err
	}
	for _, k := range keys {
		deleted := false
		err := s.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
			var err error
			deleted, err = cleanRecord(t, k, before)
			return err
		})
		broken, unreadable := errors.AsType[*account.UnreadableError](err)
		unreadable = unreadable && broken.Record == k
		if unreadable {
			err = s.setAside(ctx, k)
		}
		switch {
		case err != nil:
			return r, fmt.Errorf("clean up %s record: %w", k.Kind, err)
		case unreadable:
			r.Unreadable++
		case deleted:
			r.Deleted++
		default:
			r.Changed++
		}
	}
	return r, nil
}

// expired finds up to limit records. more is true when a kind used up its share.
func (s *Service) expired(ctx context.Context, before time.Time, limit int) (keys []store.Key, more bool, err error) {
	for i, kind := range expiring {
		kindsLeft := len(expiring) - i
		share := (limit - len(keys) + kindsLeft - 1) / kindsLeft
		found, err := s.Store.Expired(ctx, kind, before, share)
		if err != nil {
			return nil, false, fmt.Errorf("find expired %s records: %w", kind, err)
		}
		keys, more = append(keys, found...), more || len(found) == share
	}
	return keys, more, nil
}

// cleanRecord removes a record, or the parts of it that expired before an instant.
func cleanRecord(t *tx.Tx, k store.Key, before time.Time) (deleted bool, err error) {
	e, err := tx.Load[account.Entity](t, k)
	if err != nil || e == nil {
		return false, err
	}
	over := func(at time.Time) bool { return !at.IsZero() && !at.After(before) }
	next := e.NextExpiry()
	if !over(next) && !next.IsZero() && next.Truncate(time.Second).Before(before) {
		return false, nil // expires within this second: the store keeps whole seconds
	}
	if u, ok := e.(*account.User); ok && u.Erasing != nil {
		return erase(t, u)
	}
	if over(e.EndsAt()) {
		t.Delete(e)
		return true, nil
	}
	if s, ok := e.(expirer); ok {
		s.RemoveExpired(account.At(before))
	}
	t.Put(e) // also when nothing expired: the store's time differs from the record's
	return false, nil
}

// setAside keeps an unreadable record unchanged and takes from it the time at which the store would
// delete it. The cleanup tries it again after the records behind it.
func (s *Service) setAside(ctx context.Context, k store.Key) error {
	records, err := s.Store.Get(ctx, k)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	r := records[0]
	if r.Version == 0 {
		return nil
	}
	r.Expires, r.Ends = s.Now(), time.Time{}
	if err := s.Store.Commit(ctx, []store.Write{{Record: r}}); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("set aside: %w", err)
	}
	return nil
}
