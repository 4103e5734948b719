package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// expiring are the kinds of records that the cleanup removes or shortens. The kinds that the
// cleanup alone removes come first: an earlier release may have stored such a record with a time at
// which the table deletes it. The cleanup's write removes that time.
var expiring = []store.Kind{store.KindSigningKey, store.KindUser, store.KindClient, store.KindTicket, store.KindNonce, store.KindNumber, store.KindClaim, store.KindSMS, store.KindEvent, store.KindAttempts, store.KindStatistics, store.KindFeed}

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

// cleanupTogether is how many records are cleaned at once.
const cleanupTogether = 16

// CleanupResult counts what a run of the cleanup did.
type CleanupResult struct {
	Found   int // records that were due
	Changed int // records that lost their expired parts
	Deleted int
	// Unreadable counts the records that could not be read. They stay unchanged, and the cleanup tries
	// them again a day later.
	Unreadable int
	// More is true when the run reached its limit and another run may find more.
	More bool
	// Behind is how long the record that waited longest was overdue, or 0 unless there is more.
	Behind time.Duration
}

// Add adds the counts of another run and takes over its More and Behind.
func (r *CleanupResult) Add(other CleanupResult) {
	r.Found, r.Changed, r.Deleted = r.Found+other.Found, r.Changed+other.Changed, r.Deleted+other.Deleted
	r.Unreadable, r.More, r.Behind = r.Unreadable+other.Unreadable, other.More, other.Behind
}

// Cleanup removes what expired at least a day ago, up to limit records, 16 at once. It never
// decides whether something is valid: every operation does that itself, so a late cleanup does no
// harm.
//
// A run may stop at any point, and the next one continues. Each kind has a share of the limit, and
// the kinds take turns, so no kind waits for another.
func (s *Service) Cleanup(ctx context.Context, limit int) (CleanupResult, error) {
	before := s.Now().Add(-account.CleanupKept)
	keys, more, err := s.expired(ctx, before, limit)
	if err != nil {
		return CleanupResult{}, err
	}
	run := cleanupRun{Service: s, before: before, result: CleanupResult{Found: len(keys), More: more}}
	group, running := errgroup.WithContext(ctx)
	group.SetLimit(cleanupTogether)
	for _, k := range keys {
		if running.Err() != nil {
			break
		}
		group.Go(func() error { return run.clean(ctx, k) }) // what began is finished
	}
	err = group.Wait()
	if !more {
		run.result.Behind = 0
	}
	return run.result, err
}

// cleanupRun is one run of the cleanup. It is safe for concurrent use.
type cleanupRun struct {
	*Service
	before time.Time

	mu     sync.Mutex
	result CleanupResult
}

// clean cleans one record and counts it.
func (r *cleanupRun) clean(ctx context.Context, k store.Key) error {
	var deleted bool
	var due time.Time
	err := r.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
		var err error
		deleted, due, err = cleanRecord(t, k, r.before)
		return err
	})
	broken, unreadable := errors.AsType[*account.UnreadableError](err)
	unreadable = unreadable && broken.Record == k
	if unreadable {
		err = r.setAside(ctx, k)
	}
	if err != nil {
		return fmt.Errorf("clean up %s record: %w", k.Kind, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case unreadable:
		r.result.Unreadable++
	case deleted:
		r.result.Deleted++
	default:
		r.result.Changed++
	}
	if !due.IsZero() {
		r.result.Behind = max(r.result.Behind, r.before.Sub(due))
	}
	return nil
}

// expired finds up to limit records, the earliest of each kind. Kinds that have more than their
// share also get what the others leave. more is true when a kind may have further records.
func (s *Service) expired(ctx context.Context, before time.Time, limit int) (keys []store.Key, more bool, err error) {
	share := (limit + len(expiring) - 1) / len(expiring)
	found := make([][]store.Key, len(expiring))
	if err := s.findExpired(ctx, before, share, found); err != nil {
		return nil, false, err
	}
	total, full := 0, 0
	for _, of := range found {
		total += len(of)
		if len(of) >= share {
			full++
		}
	}
	if full > 0 && full < len(expiring) && total < limit {
		share += (limit - total) / full
		if err := s.findExpired(ctx, before, share, found); err != nil {
			return nil, false, err
		}
	}
	for turn := range share {
		for _, of := range found {
			if turn < len(of) {
				keys = append(keys, of[turn])
			}
		}
	}
	more = slices.ContainsFunc(found, func(of []store.Key) bool { return len(of) >= share })
	return keys[:min(len(keys), limit)], more, nil
}

// findExpired finds up to share records of each kind, all kinds at once.
func (s *Service) findExpired(ctx context.Context, before time.Time, share int, found [][]store.Key) error {
	var group errgroup.Group
	for i, kind := range expiring {
		group.Go(func() error {
			keys, err := s.Store.Expired(ctx, kind, before, share)
			if err != nil {
				return fmt.Errorf("find expired %s records: %w", kind, err)
			}
			found[i] = keys
			return nil
		})
	}
	return group.Wait()
}

// cleanRecord removes a record, or the parts of it that expired before an instant. due is when the
// first part expired, or zero when the store was behind.
func cleanRecord(t *tx.Tx, k store.Key, before time.Time) (deleted bool, due time.Time, err error) {
	e, err := tx.Load[account.Entity](t, k)
	if err != nil || e == nil {
		return false, due, err
	}
	over := func(at time.Time) bool { return !at.IsZero() && !at.After(before) }
	next := e.NextExpiry()
	if !over(next) && !next.IsZero() && next.Truncate(time.Second).Before(before) {
		return false, due, nil // expires within this second: the store keeps whole seconds
	}
	if over(next) {
		due = next
	}
	if u, ok := e.(*account.User); ok && u.Erasing != nil {
		deleted, err := erase(t, u)
		return deleted, due, err
	}
	if over(e.EndsAt()) {
		t.Delete(e)
		return true, due, nil
	}
	if u, ok := e.(*account.User); ok && recovery.Step(t, u) {
		sessions.SignOutAll(t, u)
	}
	if s, ok := e.(expirer); ok {
		s.RemoveExpired(account.At(before))
	}
	t.Put(e) // also when nothing expired: the store's time differs from the record's
	return false, due, nil
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
