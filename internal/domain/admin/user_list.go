package admin

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// listed is how many users are read at a time.
const listed = 200

// UserOrder sorts users by one of their times, and users with the same time by id.
type UserOrder struct {
	// By reads the time; nil orders by id alone.
	By func(*account.User) account.Instant
	// Newest puts the latest time first.
	Newest bool
}

// UserQuery asks for a page of users. A nil Match takes every user.
type UserQuery struct {
	Match         func(*account.User) bool
	Order         UserOrder
	Offset, Limit int
}

// eachUser calls do with every user in the order of the store. It reads all users, so only
// administration calls it.
func (s *Service) eachUser(ctx context.Context, do func(*account.User)) error {
	state, _, err := s.State(ctx)
	if err != nil {
		return err
	}
	var after store.Position
	for {
		records, next, err := s.Store.List(ctx, store.KindUser, after, listed)
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		for _, r := range records {
			u, err := s.listedUser(r, state)
			if err != nil {
				return err
			}
			if u.Erasing == nil {
				do(u)
			}
		}
		if after = next; after == "" {
			return nil
		}
	}
}

func (s *Service) listedUser(r store.Record, state *tx.SettingsState) (*account.User, error) {
	e, _, err := s.Decode(r)
	if err != nil {
		return nil, err
	}
	u := e.(*account.User)
	u.Policy = state.Settings.Policy()
	return u, nil
}

// Users lists users in the order of the store, and counts those that match. It reads all users, so
// only administration calls it.
func (s *Service) Users(ctx context.Context, match func(*account.User) bool, offset, limit int) ([]*account.User, int, error) {
	var found []*account.User
	total := 0
	err := s.eachUser(ctx, func(u *account.User) {
		if match != nil && !match(u) {
			return
		}
		if total >= offset && len(found) < limit {
			found = append(found, u)
		}
		total++
	})
	return found, total, err
}

// userRef is what sorting keeps of each user: whole users would not fit in memory.
type userRef struct {
	id string
	at account.Instant
}

// UsersBy returns a sorted page of users. It reads all users and then those of the page, so only
// administration calls it. A user who was deleted in between is left out.
func (s *Service) UsersBy(ctx context.Context, q UserQuery) ([]*account.User, error) {
	if q.Order.By == nil {
		found, _, err := s.Users(ctx, q.Match, q.Offset, q.Limit)
		return found, err
	}
	var refs []userRef
	err := s.eachUser(ctx, func(u *account.User) {
		if q.Match == nil || q.Match(u) {
			refs = append(refs, userRef{u.ID, q.Order.By(u)})
		}
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(refs, q.Order.compare)
	from := min(q.Offset, len(refs))
	return s.usersOf(ctx, refs[from:min(from+q.Limit, len(refs))])
}

func (o UserOrder) compare(a, b userRef) int {
	if o.Newest {
		a, b = b, a
	}
	return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id))
}

func (s *Service) usersOf(ctx context.Context, refs []userRef) ([]*account.User, error) {
	state, _, err := s.State(ctx)
	if err != nil {
		return nil, err
	}
	var found []*account.User
	for page := range slices.Chunk(refs, listed) {
		keys := make([]store.Key, len(page))
		for i, ref := range page {
			keys[i] = store.Key{Kind: store.KindUser, ID: ref.id}
		}
		records, err := s.Store.Get(ctx, keys...)
		if err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		for _, r := range records {
			if r.Version == 0 {
				continue
			}
			u, err := s.listedUser(r, state)
			if err != nil {
				return nil, err
			}
			if u.Erasing == nil {
				found = append(found, u)
			}
		}
	}
	return found, nil
}
