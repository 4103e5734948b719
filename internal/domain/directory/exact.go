package directory

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// holders returns the users that an exact filter names, in any order. Their claims are one read,
// their records another.
func (s *Service) holders(ctx context.Context, f *Filter) ([]*account.User, error) {
	claims := s.claims(f)
	var found []*account.User
	err := s.Update(ctx, slices.Concat(claims...), func(t *tx.Tx) error {
		keys, err := candidates(t, f, claims)
		if err != nil {
			return err
		}
		if err := t.Read(keys...); err != nil {
			return err
		}
		found, err = s.usersOf(t, f, keys)
		return err
	})
	return found, err
}

// claims returns the claims of the values that the filter names, for each kind of identifier in it.
func (s *Service) claims(f *Filter) [][]store.Key {
	var claims [][]store.Key
	for _, of := range []struct {
		kind   identifier.Kind
		values []string
	}{{identifier.Email, f.Emails}, {identifier.Username, f.Usernames}, {identifier.Phone, f.Numbers}, {identifier.ExternalID, f.ExternalIDs}} {
		if of.values == nil {
			continue
		}
		var keys []store.Key
		for _, value := range of.values {
			keys = append(keys, s.ClaimKeys(of.kind, value)...)
		}
		claims = append(claims, keys)
	}
	return claims
}

// candidates returns the users who hold a claim of each kind and have one of the ids.
func candidates(t *tx.Tx, f *Filter, claims [][]store.Key) ([]store.Key, error) {
	kinds := len(claims)
	named := map[string]int{} // user -> kinds that name the user
	once := func(ids []string) {
		slices.Sort(ids)
		for _, id := range slices.Compact(ids) {
			named[id]++
		}
	}
	for _, keys := range claims {
		var ids []string
		for _, k := range keys {
			c, err := tx.Load[*account.Claim](t, k)
			if err != nil {
				return nil, err
			}
			if c != nil && c.User != "" {
				ids = append(ids, c.User)
			}
		}
		once(ids)
	}
	if f.IDs != nil {
		kinds++
		var ids []string
		for _, id := range f.IDs {
			if bare := account.BareID(account.PrefixUser, id); bare != "" {
				ids = append(ids, bare)
			}
		}
		once(ids)
	}
	var keys []store.Key
	for id, n := range named {
		if n == kinds {
			keys = append(keys, store.Key{Kind: store.KindUser, ID: id})
		}
	}
	return keys, nil
}

// cut returns a page of users who were all read.
func cut(users []*account.User, q *Query, after *ref) []*account.User {
	byID := map[string]*account.User{}
	for _, u := range users {
		byID[u.ID] = u
	}
	var page []*account.User
	left := newSorted(refsOf(users), q.Order, after).left
	left = left[min(q.Offset, len(left)):]
	for _, r := range left[:min(q.Limit, len(left))] {
		page = append(page, byID[r.id])
	}
	return page
}
