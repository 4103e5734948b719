// Package directory finds, lists and counts users through the sorted lists of package listing. What
// an operation reads depends on what it returns, and never on the number of users. Only filters by
// lock and second factor, and by MFA due while all users need it, read the users on their way, at
// most [MostWalked].
package directory

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Service finds users. It is safe for concurrent use.
type Service struct {
	*tx.Engine
	// complete is set once this process knows that all users are in the lists. They stay there.
	complete atomic.Bool
}

// Limits of one request.
const (
	// MostFound is the largest number of users that a word of a search may find. A search for more
	// is refused, so what it finds is complete, sorted and counted.
	MostFound = 1000
	// MostWalked is the largest offset of a page, and the largest number of users who are counted or
	// read by a filter.
	MostWalked = 10_000
	// mostWords is the largest number of words in all texts of a search.
	mostWords = 8
)

// Query asks for a page of users in the order of their creation.
type Query struct {
	Filter
	Order store.Order
	// After is the id of the last user on the page before; "" for the first page.
	After string
	// Offset is how many users are left out, at most [MostWalked].
	Offset, Limit int
}

// ref is a user in a list.
type ref struct {
	id string
	at account.Instant
}

// refs returns users in the order of a query. It returns fewer than n at the end, and then none.
type refs interface {
	next(ctx context.Context, n int) ([]ref, error)
}

// Users returns a page of users. A user who was deleted in between is left out, and the page is
// filled by others. Errors: [apierr.FormParamValueInvalid] for a filter that is too broad, and
// [apierr.ServiceUnavailable] until users from before the lists are in them.
func (s *Service) Users(ctx context.Context, q Query) ([]*account.User, error) {
	if err := s.check(ctx, &q.Filter); err != nil {
		return nil, err
	}
	if q.Offset > MostWalked {
		return nil, refuse("offset", fmt.Sprintf("An offset is at most %d. Use starting_after for more.", MostWalked))
	}
	if q.Offset > 0 && q.After != "" {
		return nil, refuse("starting_after", "A page begins at an offset or after a user, not both.")
	}
	after, err := s.position(ctx, q.After)
	if err != nil {
		return nil, err
	}
	if q.exact() {
		users, err := s.holders(ctx, &q.Filter)
		return cut(users, &q, after), err
	}
	found, err := s.open(ctx, &q, after)
	if err != nil {
		return nil, err
	}
	for left := q.Offset; left > 0; {
		skipped, err := found.next(ctx, left)
		if err != nil || len(skipped) == 0 {
			return nil, err
		}
		left -= len(skipped)
	}
	return s.fill(ctx, &q, found)
}

// position returns the place of a user in lists; nil for "".
func (s *Service) position(ctx context.Context, id string) (*ref, error) {
	if id == "" {
		return nil, nil
	}
	users, err := s.read(ctx, &Filter{}, []string{account.BareID(account.PrefixUser, id)})
	if err != nil {
		return nil, err
	}
	if len(users) == 0 {
		return nil, refuse("starting_after", "There is no user with that id, who may be deleted. Go on after an earlier user of the page before.")
	}
	return &ref{users[0].ID, users[0].CreatedAt}, nil
}

// open returns the users of a query, beginning after a place.
func (s *Service) open(ctx context.Context, q *Query, after *ref) (refs, error) {
	if len(q.Texts) == 0 {
		spans, err := s.spans(ctx, &q.Filter)
		return s.walk(&q.Filter, newMerge(s.Store, spans, q, after)), err
	}
	found, err := s.matching(ctx, &q.Filter)
	if err != nil {
		return nil, err
	}
	return newSorted(found, q.Order, after), nil
}

// matching returns the users of a search, in any order.
func (s *Service) matching(ctx context.Context, f *Filter) ([]ref, error) {
	found, whole, err := s.search(ctx, f)
	if err != nil || whole {
		return found, err
	}
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].id
	}
	users, err := s.read(ctx, f, ids)
	if err != nil {
		return nil, err
	}
	return refsOf(users), nil
}

func refsOf(users []*account.User) []ref {
	found := make([]ref, len(users))
	for i, u := range users {
		found[i] = ref{u.ID, u.CreatedAt}
	}
	return found
}

// fill reads the users of a page. Lists lag behind the records by moments: a user who is gone or no
// longer matches is left out, and so is one who moved between two lists and was there already.
func (s *Service) fill(ctx context.Context, q *Query, found refs) ([]*account.User, error) {
	var page []*account.User
	seen := map[string]bool{}
	for len(page) < q.Limit {
		refs, err := found.next(ctx, q.Limit-len(page))
		if err != nil || len(refs) == 0 {
			return page, err
		}
		var ids []string
		for _, r := range refs {
			if !seen[r.id] {
				seen[r.id] = true
				ids = append(ids, r.id)
			}
		}
		users, err := s.read(ctx, &q.Filter, ids)
		if err != nil {
			return nil, err
		}
		page = append(page, users...)
	}
	return page, nil
}

// read returns the users with the given ids who match a filter, in the order of the ids.
func (s *Service) read(ctx context.Context, f *Filter, ids []string) ([]*account.User, error) {
	keys := make([]store.Key, 0, len(ids))
	for _, id := range ids {
		if id != "" {
			keys = append(keys, store.Key{Kind: store.KindUser, ID: id})
		}
	}
	var found []*account.User
	err := s.Update(ctx, keys, func(t *tx.Tx) (err error) {
		found, err = s.usersOf(t, f, keys)
		return err
	})
	return found, err
}

// usersOf returns the users of keys who exist and match a filter, in the order of keys.
func (s *Service) usersOf(t *tx.Tx, f *Filter, keys []store.Key) ([]*account.User, error) {
	var found []*account.User
	for _, k := range keys {
		u, err := t.User(k.ID)
		if err != nil {
			return nil, err
		}
		if u != nil && f.matches(u, t, s.Digest) {
			found = append(found, u)
		}
	}
	return found, nil
}

// Count returns the number of users who match a filter. Errors are those of [Service.Users].
func (s *Service) Count(ctx context.Context, f Filter) (int, error) {
	if err := s.check(ctx, &f); err != nil {
		return 0, err
	}
	if f.exact() {
		users, err := s.holders(ctx, &f)
		return len(users), err
	}
	if len(f.Texts) > 0 {
		found, err := s.matching(ctx, &f)
		return len(found), err
	}
	return s.countAll(ctx, &f)
}

// countAll returns the number of users of a filter that is not narrow.
func (s *Service) countAll(ctx context.Context, f *Filter) (int, error) {
	if f.byRecord() {
		return s.countWalked(ctx, f)
	}
	if f.Created != (listing.Period{}) || f.byFactors() || f.marked {
		spans, err := s.spans(ctx, f)
		if err != nil {
			return 0, err
		}
		return s.countSpans(ctx, spans, f)
	}
	banned := 0
	if f.Banned != nil {
		var err error
		if banned, err = s.countSpans(ctx, listing.Banned(), f); err != nil || *f.Banned {
			return banned, err
		}
	}
	sums, err := s.Store.Sums(ctx, listing.Counters()...)
	if err != nil {
		return 0, fmt.Errorf("read counters: %w", err)
	}
	total := int64(-banned)
	for _, n := range sums {
		total += n
	}
	return int(max(total, 0)), nil
}

// refuse returns the error for a parameter, with a sentence that says what is right.
func refuse(param, sentence string) error {
	return apierr.New(apierr.FormParamValueInvalid).Param(param).Explain(sentence)
}
