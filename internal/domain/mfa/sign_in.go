package mfa

import (
	"context"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
	"github.com/countersign-mfa/countersign/internal/store"
)

// SignInInput is the body of a new sign-in.
type SignInInput struct {
	Strategy   account.Strategy
	Identifier string
	Password   secret.Value
	Ticket     secret.Value
}

// SignInResult is a sign-in with what its answer shows.
type SignInResult struct {
	SignIn *account.SignIn
	User   *account.User // nil while the answer must not say whose sign-in it is
	sessions.WithSnapshot
}

// CreateSignIn begins a sign-in and replaces one in progress. A ticket or a right password proves
// the first factor in the same commit.
func (s *Service) CreateSignIn(ctx context.Context, from tx.Caller, in SignInInput) (*SignInResult, error) {
	in.Identifier = strings.TrimSpace(in.Identifier)
	if len(in.Identifier) > account.IdentifierLength {
		return nil, apierr.New(apierr.FormParamMaxLengthExceeded).Param("identifier")
	}
	claims := claimKeys(s.Engine, in.Identifier)
	if len(claims) == 0 {
		in.Identifier = "" // only invisible characters
	}
	if in.Strategy == account.TicketCode || !in.Ticket.IsZero() {
		return s.signInByTicket(ctx, from, in.Ticket)
	}
	if in.Strategy == account.PasskeyProof && in.Identifier == "" {
		return s.signInByPasskey(ctx, from)
	}
	if err := in.check(); err != nil {
		return nil, err
	}
	return s.signIn(ctx, from, claims, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		t.CountAddress(from, tx.CreateLimits)
		u, err := t.ClaimUserUniform(claims...)
		if err != nil {
			return nil, nil, err
		}
		if in.Identifier != "" && u == nil && !t.State.Settings.EnumerationProtection {
			return nil, nil, apierr.New(apierr.FormIdentifierNotFound).Param("identifier")
		}
		if in.Password.IsZero() {
			si, err := beginSignIn(t, p, u, in.Identifier, "")
			return si, u, err
		}
		t.CountAddress(from, tx.FirstLimits[1:]) // CreateLimits replaces the shortest
		if err := verifySignInPassword(t, u, sessions.DeviceOf(t, p.Client, u), claims[0], in.Password); err != nil {
			return nil, nil, err
		}
		si, err := beginProvedSignIn(t, p, u, in.Identifier)
		if err != nil {
			return nil, nil, err
		}
		return si, u, provedFirst(t, p, u, si, account.Password, from)
	})
}

// check refuses a sign-in by identifier whose parameters do not fit together.
func (in SignInInput) check() error {
	switch {
	case in.Strategy != "" && in.Strategy != account.Password && in.Strategy != account.PhoneCode:
		return apierr.New(apierr.FormParamValueInvalid).Param("strategy")
	case in.Strategy == account.Password && in.Password.IsZero():
		return apierr.New(apierr.FormParamMissing).Param("password")
	case in.Identifier == "" && !in.Password.IsZero():
		return apierr.New(apierr.FormParamMissing).Param("identifier")
	}
	return nil
}

// claimKeys returns the keys of the claims that a text may name, and nil for the text "". The first
// stands for the identifier: see [tx.Engine.ClaimKeys]. Invisible characters, white space around
// the text and the spelling of a number make no difference.
func claimKeys(s *tx.Engine, text string) []store.Key {
	if number, err := phone.Normalize(text); err == nil {
		return s.ClaimKeys(identifier.Phone, number)
	}
	text = strings.TrimSpace(typed.Visible(text))
	switch {
	case strings.HasPrefix(text, "+"):
		return s.ClaimKeys(identifier.Phone, text)
	case strings.Contains(text, "@"):
		return s.ClaimKeys(identifier.Email, text)
	}
	return s.ClaimKeys(identifier.Username, text)
}

// signIn runs one step of a sign-in and builds the answer.
func (s *Service) signIn(ctx context.Context, from tx.Caller, keys []store.Key, step func(*tx.Tx, *tx.ClientSession) (*account.SignIn, *account.User, error)) (*SignInResult, error) {
	return sessions.RunSignIn(ctx, s.Service, from, keys, func(t *tx.Tx, p *tx.ClientSession) (*SignInResult, error) {
		si, u, err := step(t, p)
		if err != nil {
			return nil, err
		}
		shown := *si
		return &SignInResult{SignIn: &shown, User: u}, nil
	})
}

// beginSignIn makes a new sign-in the client's current one. u is nil for an unknown identifier. The
// id ends with suffix. A code that is on its way for the client's sign-in before works for the new
// one, once the new one prepares it.
func beginSignIn(t *tx.Tx, p *tx.ClientSession, u *account.User, identifier, suffix string) (*account.SignIn, error) {
	if err := noSession(t, p); err != nil {
		return nil, err
	}
	if err := sessions.EnsureClient(t, p); err != nil {
		return nil, err
	}
	id, err := t.Engine.RandomID()
	if err != nil {
		return nil, err
	}
	si := &account.SignIn{ID: account.PrefixSignIn + id + suffix, Identifier: identifier, CreatedAt: t.Now, Expires: t.Now.Add(account.SignInLife)}
	if u != nil {
		si.User = u.ID
	}
	if before := p.Client.SignIn; before != nil && u != nil && before.User == u.ID {
		si.First.Waiting = sms.Carry(t, u, firstOfSignIn(before), firstOfSignIn(si))
		si.Second.Waiting = sms.Carry(t, u, secondOfSignIn(before).Challenge, secondOfSignIn(si).Challenge)
	}
	p.Client.SignIn = si
	return si, nil
}

// beginProvedSignIn is beginSignIn for a first factor that is verified in the same commit. The id
// then names the user, so that later steps read client and user in one round trip.
func beginProvedSignIn(t *tx.Tx, p *tx.ClientSession, u *account.User, identifier string) (*account.SignIn, error) {
	return beginSignIn(t, p, u, identifier, u.ID)
}

// noSession refuses a sign-in on a client that is signed in: the instance is in single-session
// mode, Clerk's default.
func noSession(t *tx.Tx, p *tx.ClientSession) error {
	if p.Client == nil {
		return nil
	}
	for i := range p.Client.Sessions {
		u, err := sessions.LiveUser(t, &p.Client.Sessions[i])
		if err != nil {
			return err
		}
		if u != nil && !u.Banned {
			return apierr.New(apierr.SessionExists).With("session_id", p.Client.Sessions[i].ID)
		}
	}
	return nil
}

// provedFirst continues a sign-in after its first factor: a user with a second factor must verify
// that, unless the device is remembered. For others the sign-in is complete.
func provedFirst(t *tx.Tx, p *tx.ClientSession, u *account.User, si *account.SignIn, by account.Strategy, from tx.Caller) error {
	if u.Banned {
		return apierr.New(apierr.UserBanned)
	}
	if u.LockedUntil > t.Now {
		return LockedByOperator(u.LockedUntil.Sub(t.Now))
	}
	si.User, si.Generation = u.ID, u.Generation
	si.First = account.Attempt{Strategy: by, Proved: t.Now}
	p.Client.Touch(t.Now)
	if !u.TwoFactorEnabled() || provedBoth(t, p, u, si) {
		return complete(t, p, u, si, from)
	}
	if sessions.Remembers(t, p.Client, u) {
		si.Remembered = true
		return complete(t, p, u, si, from)
	}
	sms.ReportStranded(t, u)
	t.Put(p.Client)
	return sessions.RotateToken(t, p)
}

// complete turns the sign-in into a session with a new id, and gives the client a new token.
func complete(t *tx.Tx, p *tx.ClientSession, u *account.User, si *account.SignIn, from tx.Caller) error {
	c := p.Client
	session, err := sessions.Begin(t, c, u, si, from)
	if err != nil {
		return err
	}
	si.Created, c.SignIn = session.ID, nil
	c.Expires = max(c.Expires, c.CreatedAt.Add(account.ClientLife))
	u.LastSignInAt = t.Now
	u.FirstFailures.Clear()
	sessions.KeepFormerHash(c)
	return sessions.RotateToken(t, p)
}

// current returns the client's sign-in in progress with its user. Another client's sign-in is not
// found, like one that does not exist.
func current(t *tx.Tx, p *tx.ClientSession, id string) (*account.SignIn, *account.User, error) {
	if !p.Exists() || p.Client.SignIn == nil || p.Client.SignIn.ID != id || p.Client.SignIn.Expires <= t.Now || t.IsFuture(p.Client.SignIn.CreatedAt) {
		return nil, nil, apierr.New(apierr.ResourceNotFound)
	}
	si := p.Client.SignIn
	if si.User == "" { // as many round trips as with a user
		return si, nil, t.Read(claimKeys(t.Engine, si.Identifier)...)
	}
	u, err := t.User(si.User)
	if err != nil {
		return nil, nil, err
	}
	if u == nil || si.First.Proved != 0 && !u.SameGeneration(si.Generation) {
		return nil, nil, apierr.New(apierr.ResourceNotFound)
	}
	return si, u, nil
}

// SignIn returns the client's sign-in in progress.
func (s *Service) SignIn(ctx context.Context, from tx.Caller, id string) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		return current(t, p, id)
	})
}

// signInKeys returns the user's record, if the id of a sign-in names one.
func signInKeys(id string) []store.Key {
	return []store.Key{{Kind: store.KindUser, ID: account.SignInUser(id)}}
}
