package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// Snapshot is the state after an operation, as its caller may see it. It is computed from what was committed, so it is never older
// than the answer that it rides on.
type Snapshot struct {
	Now      Instant
	Settings Settings
	Client   *Client // nil: the caller has none
	Users    map[string]*User
	// SigningIn is the user of a sign-in whose first factor was proved.
	SigningIn *User
	// Tokens are fresh session tokens by session id.
	Tokens map[string]secret.Value
	// Token is the client token to keep from now on; zero when it did not change.
	Token     secret.Value
	Transport TokenTransport
}

// User is the owner of a session of the snapshot.
func (s *Snapshot) User(session *Session) *User { return s.Users[session.User()] }

// snapshot builds the snapshot of a presence: live sessions only.
func (t *txn) snapshot(p *clientSession) (*Snapshot, error) {
	snap := &Snapshot{
		Now: t.now, Settings: t.state.settings, Users: map[string]*User{}, Tokens: map[string]secret.Value{},
		Token: p.token, Transport: p.transport,
	}
	if !p.exists() {
		return snap, nil
	}
	shown := *p.client
	shown.Sessions = nil
	var users []Key
	for _, s := range p.client.Sessions {
		users = append(users, Key{KindUser, s.User()})
	}
	if err := t.read(users...); err != nil {
		return nil, err
	}
	for _, s := range p.client.Sessions {
		u, err := t.sessionUser(&s)
		if err != nil {
			return nil, err
		}
		if u == nil || u.Banned {
			continue
		}
		snap.Users[u.ID] = u
		shown.Sessions = append(shown.Sessions, s)
	}
	if shown.SignIn != nil && shown.SignIn.Expires <= t.now {
		shown.SignIn = nil
	}
	if si := shown.SignIn; si != nil && si.First.Proved != 0 {
		u, err := t.user(si.User)
		if err != nil {
			return nil, err
		}
		if u == nil || !u.sameGeneration(si.Generation) {
			u, shown.SignIn = nil, nil
		}
		snap.SigningIn = u
	}
	snap.Client = &shown
	return snap, nil
}

// runClient carries out an operation of a client: it finds the caller, runs do, and after the commit signs the tokens of the snapshot.
func (s *Service) runClient(ctx context.Context, from Caller, keys []Key, do func(*txn, *clientSession) error) (*Snapshot, error) {
	var snap *Snapshot
	var state *settingsState
	err := s.update(ctx, append(from.keys(), keys...), func(t *txn) error {
		t.address, t.language = from.Address, from.Language
		p, err := t.identify(from)
		if err != nil {
			return err
		}
		if err := do(t, p); err != nil {
			return err
		}
		if err := t.applyFactorChanges(); err != nil {
			return err
		}
		state = t.state
		snap, err = t.snapshot(p)
		return err
	})
	if err != nil {
		return nil, err
	}
	return snap, s.signTokens(ctx, snap, state, from.Origin)
}

func (s *Service) signTokens(ctx context.Context, snap *Snapshot, state *settingsState, origin string) error {
	if snap.Client == nil || len(snap.Client.Sessions) == 0 {
		return nil
	}
	key, err := s.signer(ctx, state, snap.Now)
	if err != nil {
		return err
	}
	for i := range snap.Client.Sessions {
		session := &snap.Client.Sessions[i]
		token, err := s.mint(key, session, snap, origin)
		if err != nil {
			return err
		}
		snap.Tokens[session.ID] = token
	}
	return nil
}

// runSession carries out an action of a live session.
func (s *Service) runSession(ctx context.Context, from Caller, id string, a authority.Action, do func(*txn, *signedIn) error) (*Snapshot, error) {
	keys := from.keysFor(id)
	return s.runClient(ctx, from, keys, func(t *txn, p *clientSession) error {
		caller, err := t.requireSession(p, id, a)
		if err != nil {
			return err
		}
		return do(t, caller)
	})
}
