package mfa

import (
	"context"
	"errors"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// activityStep is how coarse the time of last activity is kept: a focus event each few seconds is not worth a write.
const activityStep = time.Minute

// SessionResult is a session with what its answer shows.
type SessionResult struct {
	Session  *Session
	User     *User
	Snapshot *Snapshot
}

// Client returns the calling client, or a snapshot without one. Here and in [Service.Touch] session tasks are settled.
func (s *Service) Client(ctx context.Context, from Caller) (*Snapshot, error) {
	snap, err := s.runClient(ctx, from, nil, func(t *txn, p *clientSession) error {
		if !p.exists() {
			return nil
		}
		for i := range p.client.Sessions {
			session := &p.client.Sessions[i]
			u, err := t.sessionUser(session)
			if err != nil {
				return err
			}
			if u != nil {
				t.updateTask(p.client, session, u)
			}
		}
		return nil
	})
	if e := apierr.New(apierr.DevBrowserUnauthenticated); errors.Is(err, e) {
		return nil, e
	}
	return snap, err
}

// CreateClient makes the caller a client, if it is none yet.
func (s *Service) CreateClient(ctx context.Context, from Caller) (*Snapshot, error) {
	return s.runClient(ctx, from, nil, func(t *txn, p *clientSession) error {
		if p.exists() {
			return nil
		}
		return t.ensureClient(p)
	})
}

// CreateDevBrowser registers a development browser and returns its token, the id that the SDK keeps.
func (s *Service) CreateDevBrowser(ctx context.Context) (secret.Value, error) {
	return s.NewDevBrowser(ctx, Caller{})
}

// NewDevBrowser is CreateDevBrowser within the limits of the caller's address.
func (s *Service) NewDevBrowser(ctx context.Context, from Caller) (secret.Value, error) {
	var token secret.Value
	err := s.update(ctx, nil, func(t *txn) error {
		t.countAddress(from, clientLimits)
		id, err := s.randomID()
		if err != nil {
			return err
		}
		c := &Client{ID: id, CreatedAt: t.now, UpdatedAt: t.now, Expires: t.now.Add(AnonymousLife)}
		if token, err = t.newClientToken(c, DevBrowser); err != nil {
			return err
		}
		t.put(c)
		return nil
	})
	return token, err
}

// EndAll ends every session of the calling client.
func (s *Service) EndAll(ctx context.Context, from Caller) (*Snapshot, error) {
	return s.runClient(ctx, from, nil, func(t *txn, p *clientSession) error {
		if !p.exists() {
			return nil
		}
		for len(p.client.Sessions) > 0 {
			if err := t.end(p.client, p.client.Sessions[0].ID, SessionRemoved); err != nil {
				return err
			}
		}
		p.client.SignIn = nil
		p.client.touch(t.now)
		t.put(p.client)
		return nil
	})
}

// endings are the acts behind the statuses of a session that is over.
var endings = map[SessionStatus]EventName{SessionEnded: EventSignedOut, SessionRemoved: EventSessionRemoved, SessionRevoked: EventSessionRevoked}

// end drops a session from its client and from its user's list.
func (t *txn) end(c *Client, id string, why SessionStatus) error {
	n, _ := parseSession(id)
	gone := c.drop(id, why, t.now)
	if gone == nil {
		return nil
	}
	t.put(c)
	u, err := t.user(n.user)
	if err != nil || u == nil {
		return err
	}
	u.removeSession(n.nonce)
	t.record(u, endings[why], n.subject(gone.CreatedAt))
	return nil
}

func (u *User) removeSession(nonce string) {
	for i, ref := range u.Sessions {
		if ref.Nonce == nonce {
			u.Sessions = append(u.Sessions[:i], u.Sessions[i+1:]...)
			return
		}
	}
}

// withSession runs an operation on a live session of the caller and answers with that session.
func (s *Service) withSession(ctx context.Context, from Caller, id string, a authority.Action, extra []Key, do func(*txn, *signedIn) error) (*SessionResult, error) {
	var r SessionResult
	snap, err := s.runClient(ctx, from, append(from.keysFor(id), extra...), func(t *txn, p *clientSession) error {
		caller, err := t.requireSession(p, id, a)
		if err != nil {
			return err
		}
		if do != nil {
			if err := do(t, caller); err != nil {
				return err
			}
		}
		shown := *caller.session
		r.Session, r.User = &shown, caller.user
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.Snapshot = snap
	return &r, nil
}

// Session returns a live session of the caller.
func (s *Service) Session(ctx context.Context, from Caller, id string) (*SessionResult, error) {
	return s.withSession(ctx, from, id, authority.Use, nil, nil)
}

// Touch makes a session the client's last active one and settles its task.
func (s *Service) Touch(ctx context.Context, from Caller, id string) (*SessionResult, error) {
	return s.withSession(ctx, from, id, authority.Use, nil, func(t *txn, caller *signedIn) error {
		t.updateTask(caller.client, caller.session, caller.user)
		if caller.client.LastActive != id || t.now.Sub(caller.session.LastActive) >= activityStep || t.isFuture(caller.session.LastActive) {
			caller.client.LastActive, caller.session.LastActive = id, t.now
			caller.session.touch(t.now)
			caller.client.touch(t.now)
			t.put(caller.client)
		}
		return nil
	})
}

// SessionToken returns a fresh session token. It reads once and writes nothing.
func (s *Service) SessionToken(ctx context.Context, from Caller, id string) (secret.Value, error) {
	r, err := s.Session(ctx, from, id)
	if err != nil {
		return secret.Value{}, err
	}
	return r.Snapshot.Tokens[id], nil
}

// EndSession ends a session of the caller; why is [SessionEnded] or [SessionRemoved].
func (s *Service) EndSession(ctx context.Context, from Caller, id string, why SessionStatus) (*SessionResult, error) {
	var r SessionResult
	snap, err := s.runClient(ctx, from, from.keysFor(id), func(t *txn, p *clientSession) error {
		caller, err := t.requireSession(p, id, authority.Use)
		if err != nil {
			return err
		}
		shown := *caller.session
		shown.Status, shown.UpdatedAt = why, shown.UpdatedAt.after(t.now)
		r.Session, r.User = &shown, caller.user
		return t.end(caller.client, id, why)
	})
	if err != nil {
		return nil, err
	}
	r.Snapshot = snap
	return &r, nil
}

// OwnSessions lists the live sessions of the user behind the caller's session, on all clients.
func (s *Service) OwnSessions(ctx context.Context, from Caller) ([]SessionResult, error) {
	var found []SessionResult
	snap, err := s.runSession(ctx, from, from.Session, authority.ListSessions, func(t *txn, caller *signedIn) error {
		var err error
		found, err = t.sessionsOf(caller.user)
		return err
	})
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i].Snapshot = snap
	}
	return found, nil
}

// sessionsOf reads a user's live sessions through the list in the user's record.
func (t *txn) sessionsOf(u *User) ([]SessionResult, error) {
	var keys []Key
	for _, ref := range u.Sessions {
		keys = append(keys, Key{KindClient, ref.Client})
	}
	if err := t.read(keys...); err != nil {
		return nil, err
	}
	var found []SessionResult
	for _, ref := range u.Sessions {
		c, err := t.client(ref.Client)
		if err != nil {
			return nil, err
		}
		if c == nil {
			continue
		}
		session := c.session(sessionName{ref.Client, u.ID, ref.Nonce}.String())
		if session == nil {
			continue
		}
		if alive, err := t.sessionUser(session); err != nil || alive == nil {
			continue
		}
		shown := *session
		found = append(found, SessionResult{Session: &shown, User: u})
	}
	return found, nil
}

// RevokeOwn ends another session of the same user: a sensitive change. The caller's own may be revoked too.
func (s *Service) RevokeOwn(ctx context.Context, from Caller, id string) (*SessionResult, error) {
	var r SessionResult
	snap, err := s.runSession(ctx, from, from.Session, authority.RevokeSession, func(t *txn, caller *signedIn) error {
		n, ok := parseSession(id)
		if !ok || n.user != caller.user.ID {
			return apierr.New(apierr.ResourceNotFound)
		}
		gone, err := t.revoke(n)
		r.Session, r.User = gone, caller.user
		return err
	})
	if err != nil {
		return nil, err
	}
	r.Snapshot = snap
	return &r, nil
}

// revoke ends a session by its name alone.
func (t *txn) revoke(n sessionName) (*Session, error) {
	c, err := t.client(n.client)
	if err != nil {
		return nil, err
	}
	if c == nil || c.session(n.String()) == nil {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	gone := *c.session(n.String())
	gone.Status, gone.UpdatedAt = SessionRevoked, gone.UpdatedAt.after(t.now)
	return &gone, t.end(c, n.String(), SessionRevoked)
}
