package sessions

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// activityStep is the precision of the time of last activity. A browser touches the session at
// every focus event, which is not worth a write each time.
const activityStep = time.Minute

// Result is a session with its user and the state that its answer shows.
type Result struct {
	Session *account.Session
	User    *account.User
	WithSnapshot
}

// Client returns the calling client, or a snapshot without one. It opens and closes session tasks,
// as [Service.Touch] does.
func (s *Service) Client(ctx context.Context, from tx.Caller) (*Snapshot, error) {
	snap, err := s.RunClient(ctx, from, nil, func(t *tx.Tx, p *tx.ClientSession) error {
		if !p.Exists() {
			return nil
		}
		for i := range p.Client.Sessions {
			session := &p.Client.Sessions[i]
			u, err := LiveUser(t, session)
			if err != nil {
				return err
			}
			if u != nil {
				updateTask(t, p.Client, session, u)
			}
		}
		return nil
	})
	if e := apierr.New(apierr.DevBrowserUnauthenticated); errors.Is(err, e) {
		return nil, e
	}
	return snap, err
}

// CreateClient makes a client for a caller that has none.
func (s *Service) CreateClient(ctx context.Context, from tx.Caller) (*Snapshot, error) {
	return s.RunClient(ctx, from, nil, func(t *tx.Tx, p *tx.ClientSession) error {
		if p.Exists() {
			return nil
		}
		return EnsureClient(t, p)
	})
}

// CreateDevBrowser registers a development browser and returns its token, which the SDK keeps.
func (s *Service) CreateDevBrowser(ctx context.Context) (secret.Value, error) {
	return s.NewDevBrowser(ctx, tx.Caller{})
}

// NewDevBrowser is [Service.CreateDevBrowser] within the limits of the caller's address.
func (s *Service) NewDevBrowser(ctx context.Context, from tx.Caller) (secret.Value, error) {
	var token secret.Value
	err := s.Update(ctx, nil, func(t *tx.Tx) error {
		t.CountAddress(from, tx.ClientLimits)
		id, err := s.RandomID()
		if err != nil {
			return err
		}
		c := &account.Client{ID: id, CreatedAt: t.Now, UpdatedAt: t.Now, Expires: t.Now.Add(account.AnonymousLife)}
		if token, err = newClientToken(t, c, tx.DevBrowser); err != nil {
			return err
		}
		t.Put(c)
		return nil
	})
	return token, err
}

// EndAll ends every session of the calling client.
func (s *Service) EndAll(ctx context.Context, from tx.Caller) (*Snapshot, error) {
	return s.RunClient(ctx, from, nil, func(t *tx.Tx, p *tx.ClientSession) error {
		if !p.Exists() {
			return nil
		}
		for len(p.Client.Sessions) > 0 {
			if err := End(t, p.Client, p.Client.Sessions[0].ID, account.SessionRemoved); err != nil {
				return err
			}
		}
		p.Client.SignIn = nil
		p.Client.Touch(t.Now)
		t.Put(p.Client)
		return nil
	})
}

// Begin begins a session of a user on a client, with the proofs of a sign-in of the caller.
func Begin(t *tx.Tx, c *account.Client, u *account.User, si *account.SignIn, from tx.Caller) (*account.Session, error) {
	nonce, err := t.Engine.RandomID()
	if err != nil {
		return nil, err
	}
	name := account.SessionName{Client: c.ID, User: u.ID, Nonce: nonce}
	session := account.Session{
		ID: name.String(), LastActive: t.Now, Agent: agent(from.Agent), Network: tx.MaskNetwork(from.Address), Origin: from.Origin, CreatedAt: t.Now, UpdatedAt: t.Now, Expires: t.Now.Add(account.SessionLife),
	}
	u.AddSession(account.SessionRef{Client: c.ID, Nonce: nonce, Ends: session.Expires}, t.Now)
	StartProofs(t, &session, u, si)
	c.Sessions = append(c.Sessions, session)
	c.LastActive, c.Expires = session.ID, max(c.Expires, session.Expires)
	c.Touch(t.Now)
	t.Put(c)
	u.Touch(t.Now)
	audit.Record(t, u, eventtype.SignedIn, name.Subject(session.CreatedAt))
	return &session, nil
}

// agent keeps what a list of devices shows of a User-Agent: browsers name themselves near the end
// of up to 150 characters.
func agent(text string) string { return strings.ToValidUTF8(text[:min(len(text), 200)], "") }

// endings are the events of a session's end, by the status that the session gets.
var endings = map[account.SessionStatus]eventtype.Name{account.SessionEnded: eventtype.SignedOut, account.SessionRemoved: eventtype.SessionRemoved, account.SessionRevoked: eventtype.SessionRevoked}

// End removes a session from its client and from its user's list.
func End(t *tx.Tx, c *account.Client, id string, why account.SessionStatus) error {
	n, _ := account.ParseSession(id)
	gone := c.Drop(id, why, t.Now)
	if gone == nil {
		return nil
	}
	t.Put(c)
	u, err := t.User(n.User)
	if err != nil || u == nil {
		return err
	}
	removeSession(u, n.Nonce)
	if why == account.SessionRevoked { // by its user elsewhere, or by the team: the device may be lost
		forget(u, n.Client)
	}
	audit.Record(t, u, endings[why], n.Subject(gone.CreatedAt))
	return nil
}

func removeSession(u *account.User, nonce string) {
	for i, ref := range u.Sessions {
		if ref.Nonce == nonce {
			u.Sessions = append(u.Sessions[:i], u.Sessions[i+1:]...)
			return
		}
	}
}

// withSession runs do on a live session of the caller and answers with that session.
func (s *Service) withSession(ctx context.Context, from tx.Caller, id string, a authority.Action, extra []store.Key, do func(*tx.Tx, *tx.SignedIn) error) (*Result, error) {
	return RunSession(ctx, s, from, id, a, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		if err := do(t, caller); err != nil {
			return nil, err
		}
		shown := *caller.Session
		return &Result{Session: &shown, User: caller.User}, nil
	}, extra...)
}

// Me returns the caller's session with its user.
func (s *Service) Me(ctx context.Context, from tx.Caller) (*Result, error) {
	return s.Session(ctx, from, from.Session)
}

// Session returns a live session of the caller.
func (s *Service) Session(ctx context.Context, from tx.Caller, id string) (*Result, error) {
	return s.withSession(ctx, from, id, authority.Use, nil, func(*tx.Tx, *tx.SignedIn) error { return nil })
}

// Touch makes a session the client's last active one, and opens or closes its task. It remembers
// the origin that uses the session, for tokens of requests that name none, and the network of the
// request, for the list of the user's devices.
func (s *Service) Touch(ctx context.Context, from tx.Caller, id string) (*Result, error) {
	return s.withSession(ctx, from, id, authority.Use, nil, func(t *tx.Tx, caller *tx.SignedIn) error {
		updateTask(t, caller.Client, caller.Session, caller.User)
		moved := from.Origin != "" && from.Origin != caller.Session.Origin
		if moved {
			caller.Session.Origin = from.Origin
		}
		if moved || caller.Client.LastActive != id || t.Now.Sub(caller.Session.LastActive) >= activityStep || t.IsFuture(caller.Session.LastActive) {
			caller.Client.LastActive, caller.Session.LastActive = id, t.Now
			caller.Session.Network = tx.MaskNetwork(from.Address)
			caller.Session.Touch(t.Now)
			caller.Client.Touch(t.Now)
			t.Put(caller.Client)
		}
		return nil
	})
}

// SessionToken returns a fresh session token. It reads once and writes nothing.
func (s *Service) SessionToken(ctx context.Context, from tx.Caller, id string) (secret.Value, error) {
	r, err := s.Session(ctx, from, id)
	if err != nil {
		return secret.Value{}, err
	}
	token, ok := r.Snapshot.Tokens[id]
	if !ok {
		return secret.Value{}, apierr.New(apierr.SessionClaimsTooLarge)
	}
	return token, nil
}

// EndSession ends a session of the caller; why is [account.SessionEnded] or
// [account.SessionRemoved].
func (s *Service) EndSession(ctx context.Context, from tx.Caller, id string, why account.SessionStatus) (*Result, error) {
	return RunSession(ctx, s, from, id, authority.Use, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		shown := *caller.Session
		shown.Status, shown.UpdatedAt = why, shown.UpdatedAt.After(t.Now)
		return &Result{Session: &shown, User: caller.User}, End(t, caller.Client, id, why)
	})
}

// OwnSessions lists the live sessions of the user behind the caller's session, on all clients.
func (s *Service) OwnSessions(ctx context.Context, from tx.Caller) ([]Result, error) {
	found, err := RunSession(ctx, s, from, from.Session, authority.ListSessions, func(t *tx.Tx, caller *tx.SignedIn) (results, error) {
		return UserSessions(t, caller.User)
	})
	return found, err
}

// results are sessions that are shown together.
type results []Result

func (r results) setSnapshot(snap *Snapshot) {
	for i := range r {
		r[i].Snapshot = snap
	}
}

// readClients reads the clients of the entries of a list in one round trip. A client that is gone
// is nil.
func readClients[Entry any](t *tx.Tx, list []Entry, client func(Entry) string) ([]*account.Client, error) {
	keys := make([]store.Key, len(list))
	for i, e := range list {
		keys[i] = store.Key{Kind: store.KindClient, ID: client(e)}
	}
	if err := t.Read(keys...); err != nil {
		return nil, err
	}
	clients := make([]*account.Client, len(list))
	for i, k := range keys {
		var err error
		if clients[i], err = t.Client(k.ID); err != nil {
			return nil, err
		}
	}
	return clients, nil
}

// UserSessions returns the live sessions of a user, by the list in the user's record.
func UserSessions(t *tx.Tx, u *account.User) ([]Result, error) {
	clients, err := readClients(t, u.Sessions, func(ref account.SessionRef) string { return ref.Client })
	if err != nil {
		return nil, err
	}
	var found []Result
	for i, ref := range u.Sessions {
		c := clients[i]
		if c == nil {
			continue
		}
		session := c.Session(account.SessionName{Client: ref.Client, User: u.ID, Nonce: ref.Nonce}.String())
		if session == nil {
			continue
		}
		if alive, err := LiveUser(t, session); err != nil || alive == nil {
			continue
		}
		shown := *session
		found = append(found, Result{Session: &shown, User: u})
	}
	return found, nil
}

// RevokeOwn ends any session of the caller's user. It needs a recent proof.
func (s *Service) RevokeOwn(ctx context.Context, from tx.Caller, id string) (*Result, error) {
	return RunSession(ctx, s, from, from.Session, authority.RevokeSession, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		n, ok := account.ParseSession(id)
		if !ok || n.User != caller.User.ID {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		gone, err := Revoke(t, n)
		return &Result{Session: gone, User: caller.User}, err
	})
}

// RevokeOthers ends all sessions of the caller's user except the caller's own, and forgets all
// remembered devices, with one entry in the audit log. It needs a recent proof. If there are none
// of either, it changes nothing.
func (s *Service) RevokeOthers(ctx context.Context, from tx.Caller) (*Result, error) {
	return s.withSession(ctx, from, from.Session, authority.RevokeSession, nil, func(t *tx.Tx, caller *tx.SignedIn) error {
		before := len(caller.User.Sessions) + len(caller.User.Remembered)
		EndOthers(caller)
		caller.User.Remembered = nil
		if len(caller.User.Sessions) == before {
			return nil
		}
		caller.User.Touch(t.Now)
		audit.Record(t, caller.User, eventtype.OthersRevoked, account.Subject{})
		return nil
	})
}

// Revoke ends a session by its name.
func Revoke(t *tx.Tx, n account.SessionName) (*account.Session, error) {
	c, err := t.Client(n.Client)
	if err != nil {
		return nil, err
	}
	if c == nil || c.Session(n.String()) == nil {
		return nil, apierr.New(apierr.ResourceNotFound)
	}
	gone := *c.Session(n.String())
	gone.Status, gone.UpdatedAt = account.SessionRevoked, gone.UpdatedAt.After(t.Now)
	return &gone, End(t, c, n.String(), account.SessionRevoked)
}

// ownPages is how many pages of the audit log a user may read.
const ownPages = 3

// OwnAuditTrail returns the newest pages of the audit log of the caller's user.
func (s *Service) OwnAuditTrail(ctx context.Context, from tx.Caller) (*audit.Trail, *Snapshot, error) {
	var out *audit.Trail
	snap, err := s.RunClient(ctx, from, from.KeysFor(from.Session), func(t *tx.Tx, p *tx.ClientSession) error {
		caller, err := RequireSession(t, p, from.Session, authority.ReadAuditLog)
		if err != nil {
			return err
		}
		out, err = audit.ReadTrail(t, caller.User, caller.User.ID, ownPages)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return out, snap, nil
}
