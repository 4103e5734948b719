package sessions

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Snapshot is the state after an operation, as its caller may see it. It is computed from the
// records that were committed, so it is never older than its answer.
type Snapshot struct {
	Now      account.Instant
	Settings account.Settings
	Client   *account.Client // nil if the caller has none
	Users    map[string]*account.User
	// SigningIn is the user of a sign-in whose first factor is proved.
	SigningIn *account.User
	// Tokens are fresh session tokens by session id.
	Tokens map[string]secret.Value
	// Token is the new client token, or zero if it did not change.
	Token     secret.Value
	Transport tx.TokenTransport
	// APIVersion is that of the caller: see [tx.Caller].
	APIVersion string
}

// User returns the user of a session of the snapshot.
func (s *Snapshot) User(session *account.Session) *account.User { return s.Users[session.User()] }

// snapshot builds the snapshot of a client, with its live sessions.
func snapshot(t *tx.Tx, p *tx.ClientSession) (*Snapshot, error) {
	snap := &Snapshot{
		Now: t.Now, Settings: t.State.Settings, Users: map[string]*account.User{}, Tokens: map[string]secret.Value{},
		Token: p.Token, Transport: p.Transport,
	}
	if !p.Exists() {
		return snap, nil
	}
	shown := *p.Client
	shown.Sessions = nil
	var users []store.Key
	for _, s := range p.Client.Sessions {
		users = append(users, store.Key{Kind: store.KindUser, ID: s.User()})
	}
	if err := t.Read(users...); err != nil {
		return nil, err
	}
	for _, s := range p.Client.Sessions {
		u, err := LiveUser(t, &s)
		if err != nil {
			return nil, err
		}
		if u == nil || u.Banned {
			continue
		}
		snap.Users[u.ID] = u
		shown.Sessions = append(shown.Sessions, s)
	}
	if shown.SignIn != nil && shown.SignIn.Expires <= t.Now {
		shown.SignIn = nil
	}
	if si := shown.SignIn; si != nil && si.First.Proved != 0 {
		u, err := t.User(si.User)
		if err != nil {
			return nil, err
		}
		if u == nil || !u.SameGeneration(si.Generation) {
			u, shown.SignIn = nil, nil
		}
		snap.SigningIn = u
	}
	snap.Client = &shown
	return snap, nil
}

// WithSnapshot is the part of a result that shows the state after the operation. Results embed it.
type WithSnapshot struct{ Snapshot *Snapshot }

func (w *WithSnapshot) setSnapshot(snap *Snapshot) { w.Snapshot = snap }

// Run carries out an operation of a client and returns the result of do with the state after it.
func Run[R interface{ setSnapshot(*Snapshot) }](
	ctx context.Context, s *Service, from tx.Caller, keys []store.Key, do func(*tx.Tx, *tx.ClientSession) (R, error),
) (R, error) {
	return run(ctx, s.RunClient, from, keys, do)
}

// RunSignIn is [Run] for the steps of a sign-in. Its answers show a browser no session token: the
// SDK touches the session that a sign-in made, and that answer has the token (setActive of
// clerk-js). A function in AWS knows no token of another one, and would sign for nothing. A
// native app gets the token, because its SDK asks for one first when it has none.
func RunSignIn[R interface{ setSnapshot(*Snapshot) }](
	ctx context.Context, s *Service, from tx.Caller, keys []store.Key, do func(*tx.Tx, *tx.ClientSession) (R, error),
) (R, error) {
	return run(ctx, s.runSignIn, from, keys, do)
}

func (s *Service) runSignIn(ctx context.Context, from tx.Caller, keys []store.Key, do clientStep) (*Snapshot, error) {
	snap, state, err := s.runClient(ctx, from, keys, do)
	if err != nil || snap.Transport != tx.Native {
		return snap, err
	}
	return snap, s.signTokens(ctx, snap, state, from.Origin)
}

// clientStep is what an operation does with its client.
type clientStep = func(*tx.Tx, *tx.ClientSession) error

func run[R interface{ setSnapshot(*Snapshot) }](
	ctx context.Context, client func(context.Context, tx.Caller, []store.Key, clientStep) (*Snapshot, error), from tx.Caller,
	keys []store.Key, do func(*tx.Tx, *tx.ClientSession) (R, error),
) (R, error) {
	var result, none R
	snap, err := client(ctx, from, keys, func(t *tx.Tx, p *tx.ClientSession) (err error) {
		result, err = do(t, p)
		return err
	})
	if err != nil {
		return none, err
	}
	result.setSnapshot(snap)
	return result, nil
}

// RunSession is [Run] for an action of a live session of the caller.
func RunSession[R interface{ setSnapshot(*Snapshot) }](
	ctx context.Context, s *Service, from tx.Caller, id string, a authority.Action, do func(*tx.Tx, *tx.SignedIn) (R, error), keys ...store.Key,
) (R, error) {
	return Run(ctx, s, from, append(from.KeysFor(id), keys...), func(t *tx.Tx, p *tx.ClientSession) (R, error) {
		caller, err := RequireSession(t, p, id, a)
		if err != nil {
			var none R
			return none, err
		}
		return do(t, caller)
	})
}

// RunClient carries out an operation of a client: it finds the client, runs do, commits, and signs
// the session tokens of the state after it.
func (s *Service) RunClient(ctx context.Context, from tx.Caller, keys []store.Key, do clientStep) (*Snapshot, error) {
	snap, state, err := s.runClient(ctx, from, keys, do)
	if err != nil {
		return nil, err
	}
	return snap, s.signTokens(ctx, snap, state, from.Origin)
}

// runClient is [Service.RunClient] without the signing.
func (s *Service) runClient(ctx context.Context, from tx.Caller, keys []store.Key, do clientStep) (snap *Snapshot, state *tx.SettingsState, err error) {
	err = s.Update(ctx, append(from.Keys(), keys...), func(t *tx.Tx) error {
		t.Address, t.Language = from.Address, from.Language
		p, err := identify(t, from)
		if err != nil {
			return err
		}
		t.Browser = p.Client
		if err := do(t, p); err != nil {
			return err
		}
		if err := ApplyFactorChanges(t); err != nil {
			return err
		}
		state = t.State
		if snap, err = snapshot(t, p); err == nil {
			snap.APIVersion = from.APIVersion
		}
		return err
	})
	return snap, state, err
}

// signTokens adds a token for each session of the snapshot. A session whose claims are too large
// gets none: with fewer claims it would say less of the user than the application relies on.
func (s *Service) signTokens(ctx context.Context, snap *Snapshot, state *tx.SettingsState, origin string) error {
	if snap.Client == nil || len(snap.Client.Sessions) == 0 {
		return nil
	}
	key, err := s.Signer(ctx, state, snap.Now)
	if err != nil {
		return err
	}
	for i := range snap.Client.Sessions {
		session := &snap.Client.Sessions[i]
		token, err := s.Mint(key, session, snap, origin)
		if errors.Is(err, apierr.New(apierr.SessionClaimsTooLarge)) {
			continue
		}
		if err != nil {
			return err
		}
		snap.Tokens[session.ID] = token
	}
	return nil
}

// Mint returns a token of a session of the snapshot, for an origin. Without one, the token is for
// the origin that last used the session. Mint signs a new token unless one with the same claims is
// some seconds old: a page asks for the client, a touch and a token at once. A change of the user's
// factors or of the session's proofs makes a new token.
func (s *Service) Mint(key *sessiontoken.Key, of *account.Session, snap *Snapshot, origin string) (secret.Value, error) {
	id, err := s.RandomID()
	if err != nil {
		return secret.Value{}, err
	}
	custom, err := customClaims(&snap.Settings, snap.User(of))
	if err != nil {
		return secret.Value{}, err
	}
	name, _ := account.ParseSession(of.ID)
	token, err := s.Minted.Mint(key, sessiontoken.Claims{
		Issuer: s.Issuer(), Subject: account.PrefixUser + name.User, SessionID: of.ID, AuthorizedParty: cmp.Or(origin, of.Origin),
		IssuedAt: snap.Now.Time(), Ages: snap.Ages(of), Status: string(snap.Status(of)), ID: id, Custom: custom,
	}, tokenState(of, snap))
	if err != nil {
		return secret.Value{}, fmt.Errorf("mint session token: %w", err)
	}
	return token, nil
}

// tokenState returns as text what decides the authority of a session: its proofs, and the factors
// and generations of its user.
func tokenState(of *account.Session, snap *Snapshot) string {
	u := snap.User(of)
	if u == nil {
		return ""
	}
	c := account.AuthorityCase(of, u, &snap.Settings, snap.Now)
	return fmt.Sprint(c.Session, c.Account)
}
