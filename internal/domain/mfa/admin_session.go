package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// UserSessions lists a user's live sessions.
func (s *Service) UserSessions(ctx context.Context, user string) ([]SessionResult, error) {
	var found []SessionResult
	err := s.admin(ctx, user, func(t *txn, u *User) error {
		var err error
		found, err = t.sessionsOf(u)
		for i := range found {
			found[i].Snapshot = &Snapshot{Now: t.now, Settings: t.state.settings, Users: map[string]*User{u.ID: u}}
		}
		return err
	})
	return found, err
}

// AnySession returns any user's live session.
func (s *Service) AnySession(ctx context.Context, id string) (*SessionResult, error) {
	return s.adminSession(ctx, id, func(*txn, *SessionResult) error { return nil })
}

// RevokeSession ends any user's session.
func (s *Service) RevokeSession(ctx context.Context, id string) (*SessionResult, error) {
	return s.adminSession(ctx, id, func(t *txn, r *SessionResult) error {
		n, _ := parseSession(id)
		gone, err := t.revoke(n)
		r.Session = gone
		return err
	})
}

// AnySessionToken mints a token of any user's session, for tests of the team's servers.
func (s *Service) AnySessionToken(ctx context.Context, id string) (secret.Value, error) {
	var state *settingsState
	r, err := s.adminSession(ctx, id, func(t *txn, _ *SessionResult) error {
		state = t.state
		return nil
	})
	if err != nil {
		return secret.Value{}, err
	}
	key, err := s.signer(ctx, state, r.Snapshot.Now)
	if err != nil {
		return secret.Value{}, err
	}
	return s.mint(key, r.Session, r.Snapshot, "")
}

func (s *Service) adminSession(ctx context.Context, id string, do func(*txn, *SessionResult) error) (*SessionResult, error) {
	n, ok := parseSession(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out *SessionResult
	err := s.update(ctx, []Key{{KindUser, n.user}, {KindClient, n.client}}, func(t *txn) error {
		c, err := t.client(n.client)
		if err != nil {
			return err
		}
		if c == nil || c.session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		u, err := t.sessionUser(c.session(id))
		if err != nil {
			return err
		}
		if u == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		shown := *c.session(id)
		out = &SessionResult{Session: &shown, User: u, Snapshot: &Snapshot{Now: t.now, Settings: t.state.settings, Client: c, Users: map[string]*User{u.ID: u}}}
		t.byBackend = true
		return do(t, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
