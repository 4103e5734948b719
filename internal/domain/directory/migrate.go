package directory

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Begin stages the state of a new store, whose lists are complete from the start, so that no pass
// reads its users. It runs before each commit, and stages with the first user or the first signing
// key. A store that has a key and lacks the state is from before the lists.
func Begin(t *tx.Tx) error {
	if t.State.Keys.StoredVersion() != 0 || !founds(t) {
		return nil
	}
	m, err := tx.Load[*account.Migration](t, account.UsersMigrationKey)
	if err != nil || m != nil {
		return err
	}
	m = t.Seen[account.UsersMigrationKey].(*account.Migration)
	m.Began, m.Complete, m.Done, m.New = t.Now, t.Now, t.Now, true
	t.Put(m)
	return nil
}

// founds reports whether the commit makes a user or the signing keys.
func founds(t *tx.Tx) bool {
	for k, remove := range t.Dirty {
		if (k.Kind == store.KindUser || k == account.SigningKeysKey) && !remove && t.Seen[k].StoredVersion() == 0 {
			return true
		}
	}
	return false
}

// readyIn is how long clients wait until they ask again for lists that are being made.
const readyIn = 30 * time.Second

// ready returns [apierr.ServiceUnavailable] until all users are in the lists.
func (s *Service) ready(ctx context.Context) error {
	if s.complete.Load() {
		return nil
	}
	var m *account.Migration
	empty := false
	err := s.Update(ctx, []store.Key{account.UsersMigrationKey, account.SigningKeysKey}, func(t *tx.Tx) error {
		keys, err := tx.Load[*account.SigningKeys](t, account.SigningKeysKey)
		if err != nil {
			return err
		}
		empty = keys == nil
		m, err = tx.Load[*account.Migration](t, account.UsersMigrationKey)
		return err
	})
	switch {
	case err != nil:
		return err
	case m == nil && empty: // a store without users: see Begin
		return nil
	case m == nil:
		return unready("The lists of users are made by the next run of the cleanup.")
	case m.Complete == 0:
		return unready(fmt.Sprintf("The lists of users are being made: %d users are done. Look-ups by id, e-mail address, number or username work.", m.Seen))
	}
	s.complete.Store(true)
	return nil
}

func unready(sentence string) error {
	return apierr.New(apierr.ServiceUnavailable).Retry(readyIn).Explain(sentence)
}

// Progress says how far [Service.Migrate] is.
type Progress struct {
	// Seen is the number of users that the present pass read. Of those that this run read, Moved were
	// put into the lists, and the records of Unreadable could not be read. Taken is the number of
	// identifiers of moved users that other users hold.
	Seen, Moved, Unreadable, Taken int
	// Complete says that all users are in the lists, Done that nothing is left to do.
	Complete, Done bool
}

const (
	// migrateBatch is how many records are read at a time, and migrateAtOnce how many are written.
	migrateBatch  = 200
	migrateAtOnce = 32
	// settleTime is how long a process of the former version may go on to make users after the first
	// of this version began. Those come into the lists by a second pass.
	settleTime = 15 * time.Minute
)

// Migrator puts users of earlier releases into the lists. It is apart from [Service], so that a
// function that only finds users does not link how identifiers are claimed.
type Migrator struct {
	*Service
	// EnsureClaims claims the identifiers of a user of an earlier release, and returns how many of
	// them another user holds. The error is [apierr.ResourceNotFound] for a user who is gone.
	EnsureClaims func(ctx context.Context, id string) (taken int, err error)
}

// Migrate puts users from before the lists into them, and goes on where the last run stopped. It
// reads batch after batch until more returns false, and reports after each. Runs may stop at any
// point and overlap: a user is counted in the commit that marks the user's record.
func (s *Migrator) Migrate(ctx context.Context, more func(Progress) bool) (Progress, error) {
	var p Progress
	for {
		m, err := s.migration(ctx)
		if err != nil {
			return p, err
		}
		p.Seen, p.Complete, p.Done = m.Seen, m.Complete != 0, m.Done != 0
		if p.Done || m.Waiting(account.At(s.Now())) || !more(p) {
			return p, nil
		}
		if err := s.migrateBatch(ctx, m, &p); err != nil {
			return p, err
		}
	}
}

// migration returns the state, and makes it if there is none.
func (s *Service) migration(ctx context.Context) (*account.Migration, error) {
	var m *account.Migration
	err := s.Update(ctx, []store.Key{account.UsersMigrationKey}, func(t *tx.Tx) error {
		m = t.Seen[account.UsersMigrationKey].(*account.Migration)
		if m.StoredVersion() == 0 {
			m.Began = t.Now
		}
		if m.PassBegan == 0 {
			m.PassBegan = t.Now
			t.Put(m)
		}
		return nil
	})
	return m, err
}

// migrateBatch moves the users of one batch and then stores the new position.
func (s *Migrator) migrateBatch(ctx context.Context, m *account.Migration, p *Progress) error {
	records, next, err := s.Store.List(ctx, store.KindUser, store.Position(m.Position), migrateBatch)
	if err != nil {
		return fmt.Errorf("read users: %w", err)
	}
	done := make([]Progress, len(records))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(migrateAtOnce)
	for i, r := range records {
		group.Go(func() error {
			err := s.migrateUser(inner, m, r, &done[i])
			if broken, ok := errors.AsType[*account.UnreadableError](err); ok && broken.Record == r.Key {
				done[i].Unreadable, err = 1, nil
			}
			return err
		})
	}
	err = group.Wait()
	for _, d := range done {
		p.Moved, p.Unreadable, p.Taken = p.Moved+d.Moved, p.Unreadable+d.Unreadable, p.Taken+d.Taken
	}
	if err != nil {
		return err
	}
	return s.Update(ctx, []store.Key{account.UsersMigrationKey}, func(t *tx.Tx) error {
		now := t.Seen[account.UsersMigrationKey].(*account.Migration)
		if now.Position != m.Position || now.PassBegan != m.PassBegan {
			return nil // another run was faster
		}
		now.Advance(string(next), len(records), t.Now, settleTime)
		t.Put(now)
		return nil
	})
}

// migrateUser claims the identifiers of one user and puts the user into the lists, if the user is
// in none. The lists come last: until then the next run begins with the user again.
func (s *Migrator) migrateUser(ctx context.Context, m *account.Migration, r store.Record, done *Progress) error {
	e, _, err := s.Decode(r)
	if err != nil {
		return err
	}
	u := e.(*account.User)
	if u.Erasing != nil {
		return nil
	}
	if u.Listed != 0 {
		return s.relist(ctx, m, u)
	}
	done.Taken, err = s.EnsureClaims(ctx, u.WireID())
	if errors.Is(err, apierr.New(apierr.ResourceNotFound)) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Update(ctx, []store.Key{r.Key}, func(t *tx.Tx) error {
		done.Moved = 0
		u, err := t.User(r.Key.ID)
		if err != nil || u == nil || u.Listed != 0 {
			return err
		}
		u.Listed, done.Moved = account.ListingForm, 1
		t.Put(u)
		return nil
	})
}

// relist puts a listed user into the lists again, in the second pass, if the user changed since the
// work began: a process of the former version may have made the change, without the lists.
func (s *Service) relist(ctx context.Context, m *account.Migration, u *account.User) error {
	if m.Complete == 0 || u.UpdatedAt < m.Began {
		return nil
	}
	return s.Update(ctx, []store.Key{u.Key()}, func(t *tx.Tx) error {
		u, err := t.User(u.ID)
		if err == nil && u != nil && u.Erasing == nil {
			t.Relist(u)
		}
		return err
	})
}
