package admin

import (
	"context"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// UserSessions lists a user's live sessions.
func (s *Service) UserSessions(ctx context.Context, user string) ([]sessions.Result, error) {
	var found []sessions.Result
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		var err error
		found, err = sessions.UserSessions(t, u)
		for i := range found {
			found[i].Snapshot = &sessions.Snapshot{Now: t.Now, Settings: t.State.Settings, Users: map[string]*account.User{u.ID: u}}
		}
		return err
	})
	return found, err
}

// CreateSession begins a session of a user without a sign-in, for tests of the team's servers. It
// proved no factor, and no browser has the token of its client. The error is
// form_param_value_invalid if such a session would be over at once: a second factor is required,
// and the user has one.
func (s *Service) CreateSession(ctx context.Context, user string) (*sessions.Result, error) {
	var out *sessions.Result
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		switch {
		case u.Banned:
			return apierr.New(apierr.UserBanned)
		case u.LockedUntil > t.Now:
			return mfa.LockedByOperator(u.LockedUntil.Sub(t.Now))
		}
		id, err := s.RandomID()
		if err != nil {
			return err
		}
		c := &account.Client{ID: id, Created: true, CreatedAt: t.Now}
		session, err := sessions.Begin(t, c, u, &account.SignIn{}, tx.Caller{})
		if err != nil {
			return err
		}
		switch alive, err := sessions.LiveUser(t, session); {
		case err != nil:
			return err
		case alive == nil:
			return apierr.New(apierr.FormParamValueInvalid).Param("user_id").
				Explain("This user must prove a second factor, and a session that is made here proves none.")
		}
		out = resultOf(t, c, u, session)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// resultOf returns a session as answers of the Backend API show it.
func resultOf(t *tx.Tx, c *account.Client, u *account.User, session *account.Session) *sessions.Result {
	shown := *session
	return &sessions.Result{Session: &shown, User: u, WithSnapshot: sessions.WithSnapshot{Snapshot: &sessions.Snapshot{
		Now: t.Now, Settings: t.State.Settings, Client: c, Users: map[string]*account.User{u.ID: u},
	}}}
}

// AnySession returns any user's live session.
func (s *Service) AnySession(ctx context.Context, id string) (*sessions.Result, error) {
	return s.adminSession(ctx, id, func(*tx.Tx, *sessions.Result) error { return nil })
}

// RevokeSession ends any user's session.
func (s *Service) RevokeSession(ctx context.Context, id string) (*sessions.Result, error) {
	return s.adminSession(ctx, id, func(t *tx.Tx, r *sessions.Result) error {
		n, _ := account.ParseSession(id)
		gone, err := sessions.Revoke(t, n)
		r.Session = gone
		return err
	})
}

// AnySessionToken mints a token of any user's session, for tests of the team's servers.
func (s *Service) AnySessionToken(ctx context.Context, id string) (secret.Value, error) {
	var state *tx.SettingsState
	r, err := s.adminSession(ctx, id, func(t *tx.Tx, _ *sessions.Result) error {
		state = t.State
		return nil
	})
	if err != nil {
		return secret.Value{}, err
	}
	key, err := s.Signer(ctx, state, r.Snapshot.Now)
	if err != nil {
		return secret.Value{}, err
	}
	return s.Mint(key, r.Session, r.Snapshot, "")
}

func (s *Service) adminSession(ctx context.Context, id string, do func(*tx.Tx, *sessions.Result) error) (*sessions.Result, error) {
	n, ok := account.ParseSession(id)
	if !ok {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	var out *sessions.Result
	err := s.Update(ctx, []store.Key{{Kind: store.KindUser, ID: n.User}, {Kind: store.KindClient, ID: n.Client}}, func(t *tx.Tx) error {
		c, err := t.Client(n.Client)
		if err != nil {
			return err
		}
		if c == nil || c.Session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		u, err := sessions.LiveUser(t, c.Session(id))
		if err != nil {
			return err
		}
		if u == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		out = resultOf(t, c, u, c.Session(id))
		t.ByBackend = true
		return do(t, out)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// AgeSession makes the proofs of a session older. Only the development server calls it, so that a
// person can see a step-up without a wait of ten minutes.
func (s *Service) AgeSession(ctx context.Context, id string, by time.Duration) error {
	if by < 0 {
		return apierr.New(apierr.FormParamValueInvalid).Param("minutes")
	}
	n, _ := account.ParseSession(id)
	return s.Update(ctx, []store.Key{{Kind: store.KindClient, ID: n.Client}}, func(t *tx.Tx) error {
		c, err := t.Client(n.Client)
		if err != nil {
			return err
		}
		if c == nil || c.Session(id) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		session := c.Session(id)
		session.AgeProofs(by)
		c.Touch(t.Now)
		t.Put(c)
		return nil
	})
}
