package mfa

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// cleanupKept is how long what has run out stays, beyond every window in which it could matter (I-11).
const cleanupKept = 24 * time.Hour

// expiring are the kinds that the cleanup tidies. Those that are swept come first: a record that an earlier release stored may
// carry a time at which the table deletes it, and loses that time when the cleanup writes it.
var expiring = []Kind{KindSigningKey, KindUser, KindClient, KindTicket, KindNonce, KindNumber, KindClaim, KindSMS, KindEvent}

// expirer is a record that outlives parts of it.
type expirer interface {
	entity
	// removeExpired removes what ran out at or before an instant.
	removeExpired(before Instant)
}

var (
	_ expirer = (*User)(nil)
	_ expirer = (*Client)(nil)
	_ expirer = (*signingKeys)(nil)
)

// ends is never: only [Service.DeleteUser] and its like remove a user.
func (u *User) ends() time.Time { return time.Time{} }

func (c *Client) ends() time.Time { return c.Expires.Time() }

// CleanupResult says what a run of the cleanup did.
type CleanupResult struct {
	Found   int
	Changed int
	Deleted int
	// Unreadable counts the records that could not be read. They stay as they are, and are tried again a day later.
	Unreadable int
	// More is true when a limit was reached and another run may find more.
	More bool
}

// Add adds what another run did; More is the other's.
func (r *CleanupResult) Add(other CleanupResult) {
	r.Found, r.Changed, r.Deleted = r.Found+other.Found, r.Changed+other.Changed, r.Deleted+other.Deleted
	r.Unreadable, r.More = r.Unreadable+other.Unreadable, other.More
}

// Cleanup removes what ran out at least a day ago, up to limit records. It never decides whether
// something is valid: every operation does that itself, so a late cleanup harms nobody.
//
// A run may stop at any point; the next one goes on. Each kind has a share of the limit, so that none waits for another.
func (s *Service) Cleanup(ctx context.Context, limit int) (CleanupResult, error) {
	before := s.now().Add(-cleanupKept)
	keys, more, err := s.expired(ctx, before, limit)
	r := CleanupResult{Found: len(keys), More: more}
	if err != nil {
		return CleanupResult{}, err
	}
	for _, k := range keys {
		deleted := false
		err := s.update(ctx, []Key{k}, func(t *txn) error {
			var err error
			deleted, err = t.cleanRecord(k, before)
			return err
		})
		broken, unreadable := errors.AsType[*unreadableError](err)
		unreadable = unreadable && broken.record == k
		if unreadable {
			err = s.setAside(ctx, k)
		}
		switch {
		case err != nil:
			return r, fmt.Errorf("tidy %s record: %w", k.Kind, err)
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

// expired finds up to limit records. more is true when a kind has used up its share.
func (s *Service) expired(ctx context.Context, before time.Time, limit int) (keys []Key, more bool, err error) {
	for i, kind := range expiring {
		kindsLeft := len(expiring) - i
		share := (limit - len(keys) + kindsLeft - 1) / kindsLeft
		found, err := s.store.Expired(ctx, kind, before, share)
		if err != nil {
			return nil, false, fmt.Errorf("find expired %s records: %w", kind, err)
		}
		keys, more = append(keys, found...), more || len(found) == share
	}
	return keys, more, nil
}

// cleanRecord removes a record, or what has run out in it, as of before.
func (t *txn) cleanRecord(k Key, before time.Time) (deleted bool, err error) {
	e, err := load[entity](t, k)
	if err != nil || e == nil {
		return false, err
	}
	over := func(at time.Time) bool { return !at.IsZero() && !at.After(before) }
	next := e.expires()
	if !over(next) && !next.IsZero() && next.Truncate(time.Second).Before(before) {
		return false, nil // within this second: the store keeps whole ones
	}
	if u, ok := e.(*User); ok && u.Erasing != nil {
		return t.erase(u)
	}
	if over(e.ends()) {
		t.delete(e)
		return true, nil
	}
	if s, ok := e.(expirer); ok {
		s.removeExpired(At(before))
	}
	t.put(e) // also when nothing ran out: the store has another time of it than the record
	return false, nil
}

// setAside keeps a record that cannot be read: its data stay as they are, no store may delete it by itself, and the cleanup comes to
// it again after those behind it.
func (s *Service) setAside(ctx context.Context, k Key) error {
	records, err := s.store.Get(ctx, k)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	r := records[0]
	if r.Version == 0 {
		return nil
	}
	r.Expires, r.Ends = s.now(), time.Time{}
	if err := s.store.Commit(ctx, []Write{{Record: r}}); err != nil && !errors.Is(err, ErrConflict) {
		return fmt.Errorf("set aside: %w", err)
	}
	return nil
}
