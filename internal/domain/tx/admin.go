package tx

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Admin runs an operation of the Backend API on one user.
func (s *Engine) Admin(ctx context.Context, id string, do func(*Tx, *account.User) error, more ...store.Key) error {
	k := store.Key{Kind: store.KindUser, ID: account.BareID(account.PrefixUser, id)}
	return s.Update(ctx, append([]store.Key{k}, more...), func(t *Tx) error {
		u, err := t.User(k.ID)
		if err != nil {
			return err
		}
		if u == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		t.ByBackend = true
		return do(t, u)
	})
}

// AdminUser is [Engine.Admin] for operations that answer with the user.
func (s *Engine) AdminUser(ctx context.Context, id string, do func(*Tx, *account.User) error) (*account.User, error) {
	var out *account.User
	err := s.Admin(ctx, id, func(t *Tx, u *account.User) error {
		out = u
		return do(t, u)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
