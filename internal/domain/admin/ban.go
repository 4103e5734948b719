package admin

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// bannedAtOnce is how many users one commit changes. A store takes 100 parts in a commit. Two are
// the records of the events and of their delivery. A user needs up to six: the record, an entry of
// a list to add and one to remove, and three pages of the audit log, when one replaces the oldest.
const bannedAtOnce = 16

// Ban keeps a user out and ends the user's sessions.
func (s *Service) Ban(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, ban)
}

// Unban lets a banned user sign in again.
func (s *Service) Unban(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, unban)
}

// BanAll bans users, and returns them in the order of their ids. An id that does not exist is an
// error, and then no user is banned. Above [bannedAtOnce] users, an error of the store may leave
// some of them banned: a repetition bans the others.
func (s *Service) BanAll(ctx context.Context, ids []string) ([]*account.User, error) {
	return s.each(ctx, ids, ban)
}

// UnbanAll lets banned users sign in again, as [Service.BanAll] bans them.
func (s *Service) UnbanAll(ctx context.Context, ids []string) ([]*account.User, error) {
	return s.each(ctx, ids, unban)
}

func ban(t *tx.Tx, u *account.User) error {
	u.Banned = true
	recovery.Cancel(t, u)
	sessions.SignOutAll(t, u)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.UserBanned, account.Subject{})
	return nil
}

func unban(t *tx.Tx, u *account.User) error {
	u.Banned = false
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.UserUnbanned, account.Subject{})
	return nil
}

// each carries out an operation on several users, each once. It changes no user if one of them does
// not exist.
func (s *Service) each(ctx context.Context, ids []string, do func(*tx.Tx, *account.User) error) ([]*account.User, error) {
	var keys []store.Key
	for _, id := range ids {
		k := store.Key{Kind: store.KindUser, ID: account.BareID(account.PrefixUser, id)}
		if k.ID == "" {
			return nil, apierr.New(apierr.ResourceNotFound).Param("user_ids")
		}
		if !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	if len(keys) > bannedAtOnce {
		if _, err := s.step(ctx, keys, func(*tx.Tx, *account.User) error { return nil }); err != nil {
			return nil, err
		}
	}
	var all []*account.User
	for part := range slices.Chunk(keys, bannedAtOnce) {
		changed, err := s.step(ctx, part, do)
		if err != nil {
			return nil, err
		}
		all = append(all, changed...)
	}
	return all, nil
}

// step carries out an operation on several users in one commit.
func (s *Service) step(ctx context.Context, keys []store.Key, do func(*tx.Tx, *account.User) error) ([]*account.User, error) {
	var out []*account.User
	err := s.Update(ctx, keys, func(t *tx.Tx) error {
		out, t.ByBackend = nil, true
		for _, k := range keys {
			u, err := t.User(k.ID)
			if err != nil {
				return err
			}
			if u == nil {
				return apierr.New(apierr.ResourceNotFound).Param("user_ids")
			}
			if err := do(t, u); err != nil {
				return err
			}
			out = append(out, u)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
