package profile

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Deleted is a deleted user with the state of its client.
type Deleted struct {
	ID string
	sessions.WithSnapshot
}

// Delete deletes the caller's user, as [admin.Service.DeleteUser] does, if the settings allow it.
// The first commit ends all sessions of the user and makes the user unusable. The cleanup carries
// out later steps that fail.
func (s *Service) Delete(ctx context.Context, from tx.Caller) (*Deleted, error) {
	done := false
	r, err := sessions.RunSession(ctx, s.Service, from, from.Session, authority.DeleteAccount, func(t *tx.Tx, caller *tx.SignedIn) (*Deleted, error) {
		if !t.State.Settings.DeleteSelf {
			return nil, apierr.New(apierr.UserDeleteSelfNotEnabled)
		}
		out := &Deleted{ID: caller.User.WireID()}
		var err error
		done, err = admin.EraseStep(t, caller.User)
		return out, err
	})
	if err != nil {
		return nil, err
	}
	for err == nil && !done {
		done, err = s.eraseMore(ctx, account.BareID(account.PrefixUser, r.ID))
	}
	return r, nil
}

// eraseMore carries out one more step of a deletion that has begun.
func (s *Service) eraseMore(ctx context.Context, id string) (done bool, err error) {
	k := store.Key{Kind: store.KindUser, ID: id}
	err = s.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
		u, err := tx.Load[*account.User](t, k)
		if err != nil {
			return err
		}
		if done = u == nil || u.Erasing == nil; done {
			return nil
		}
		done, err = admin.EraseStep(t, u)
		return err
	})
	return done, err
}
