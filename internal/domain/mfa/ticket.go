package mfa

import (
	"context"
	"crypto/subtle"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TicketLife is a ticket's life unless its maker says otherwise, ticketLongest the most that may be
// said.
const (
	TicketLife    = 10 * time.Minute
	ticketLongest = 30 * 24 * time.Hour
)

// TicketResult is a ticket with its token, which only the creating answer shows.
type TicketResult struct {
	Ticket *account.Ticket
	Token  secret.Value
	Now    account.Instant
}

// CreateTicket makes a sign-in ticket for a user: 256 random bits, single use, stored as a hash. A
// life of 0 is [TicketLife].
//
// A ticket that an operator makes has an audit entry and an event: the request names the operator
// or a reason. A ticket of an application's own login has neither: it would triple the records that
// each login writes, and the audit log has the ticket's use.
func (s *Service) CreateTicket(ctx context.Context, userID string, life time.Duration) (*TicketResult, error) {
	if life == 0 {
		life = TicketLife
	}
	if life < time.Second || life > ticketLongest {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("expires_in_seconds")
	}
	var out TicketResult
	err := s.Admin(ctx, userID, func(t *tx.Tx, u *account.User) error {
		id, err := s.RandomID()
		if err != nil {
			return err
		}
		random, err := account.RandomText(s.Rand, tx.TokenSecret)
		if err != nil {
			return err
		}
		ticket := &account.Ticket{
			Base: account.Base{ID: store.Key{Kind: store.KindTicket, ID: id}}, User: u.ID, SecretHash: tx.HashToken(random),
			CreatedAt: t.Now, UpdatedAt: t.Now, Expires: t.Now.Add(life),
		}
		t.Put(ticket)
		if t.Operator != (account.Operator{}) {
			audit.Record(t, u, eventtype.TicketCreated, ticket.Subject())
		}
		out = TicketResult{Ticket: ticket, Token: secret.New(id + u.ID + random), Now: t.Now}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// RevokeTicket revokes a ticket that was not used yet.
func (s *Service) RevokeTicket(ctx context.Context, id string) (*TicketResult, error) {
	var out TicketResult
	k := store.Key{Kind: store.KindTicket, ID: account.BareID(account.PrefixTicket, id)}
	err := s.Update(ctx, []store.Key{k}, func(t *tx.Tx) error {
		ticket, err := tx.Load[*account.Ticket](t, k)
		if err != nil {
			return err
		}
		if ticket == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		if ticket.Status(t.Now) != "pending" {
			return apierr.New(apierr.SignInTokenCannotBeRevokedCode)
		}
		ticket.Revoked, ticket.UpdatedAt = t.Now, ticket.UpdatedAt.After(t.Now)
		t.Put(ticket)
		out = TicketResult{Ticket: ticket, Now: t.Now}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// parseTicket splits a ticket token. The token names its ticket and user, so that both are read in
// one round trip.
func parseTicket(token secret.Value) (id, user, random string, ok bool) {
	text := strings.TrimSpace(token.Reveal())
	if len(text) <= 2*account.IDLen || !account.IsID(text[:account.IDLen]) || !account.IsID(text[account.IDLen:2*account.IDLen]) {
		return "", "", "", false
	}
	return text[:account.IDLen], text[account.IDLen : 2*account.IDLen], text[2*account.IDLen:], true
}

// signInByTicket begins a sign-in whose first factor is a ticket. On a client where the user is
// signed in, it proves the session's first factor again.
func (s *Service) signInByTicket(ctx context.Context, from tx.Caller, token secret.Value) (*SignInResult, error) {
	if token.IsZero() {
		return nil, apierr.New(apierr.FormParamMissing).Param("ticket")
	}
	id, user, random, ok := parseTicket(token)
	if !ok {
		return nil, apierr.New(apierr.TicketInvalidCode)
	}
	k := store.Key{Kind: store.KindTicket, ID: id}
	return s.signIn(ctx, from, []store.Key{k, {Kind: store.KindUser, ID: user}}, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		t.CountAddress(from, tx.CreateLimits)
		if caller, err := sessionOf(t, p, user); err != nil || caller != nil {
			if err != nil {
				return nil, nil, err
			}
			si, err := renewSession(t, caller, token)
			return si, caller.User, err
		}
		u, err := useTicket(t, k, user, random)
		if err != nil {
			return nil, nil, err
		}
		si, err := beginProvedSignIn(t, p, u, u.AccountName())
		if err != nil {
			return nil, nil, err
		}
		return si, u, provedFirst(t, p, u, si, account.TicketCode, from)
	})
}

// useTicket marks a ticket as used, in the commit of the sign-in.
func useTicket(t *tx.Tx, k store.Key, user, random string) (*account.User, error) {
	ticket, err := tx.Load[*account.Ticket](t, k)
	if err != nil {
		return nil, err
	}
	if ticket == nil || ticket.User != user || !sameSecret(ticket.SecretHash, random) {
		return nil, apierr.New(apierr.TicketInvalidCode)
	}
	switch ticket.Status(t.Now) {
	case "revoked":
		return nil, apierr.New(apierr.SignInTokenRevokedCode)
	case "accepted":
		return nil, apierr.New(apierr.SignInTokenAlreadyUsedCode)
	case "expired":
		return nil, apierr.New(apierr.TicketExpiredCode)
	}
	if t.IsFuture(ticket.CreatedAt) {
		return nil, apierr.New(apierr.TicketExpiredCode)
	}
	u, err := t.User(ticket.User)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, apierr.New(apierr.SignInTokenCannotBeUsedCode)
	}
	ticket.Used, ticket.UpdatedAt = t.Now, ticket.UpdatedAt.After(t.Now)
	t.Put(ticket)
	audit.Record(t, u, eventtype.TicketUsed, ticket.Subject())
	return u, nil
}

// ticketKeys returns the record of the ticket that a token names.
func ticketKeys(token secret.Value) []store.Key {
	id, _, _, ok := parseTicket(token)
	if !ok {
		return nil
	}
	return []store.Key{{Kind: store.KindTicket, ID: id}}
}

// renewingTicket uses a ticket as the first factor of a user who is signed in. Users without a
// password prove themselves to their own team, which sends them a ticket. The ticket must be the
// same user's and at most ten minutes old: an old link in a mailbox proves nothing now.
func renewingTicket(t *tx.Tx, caller *tx.SignedIn, token secret.Value) error {
	if token.IsZero() {
		return apierr.New(apierr.FormParamNil).Param("ticket")
	}
	id, user, random, ok := parseTicket(token)
	if !ok || user != caller.User.ID {
		return apierr.New(apierr.TicketInvalidCode)
	}
	if caller.User.LockedUntil > t.Now {
		return LockedByOperator(caller.User.LockedUntil.Sub(t.Now))
	}
	k := store.Key{Kind: store.KindTicket, ID: id}
	ticket, err := tx.Load[*account.Ticket](t, k)
	if err != nil {
		return err
	}
	if ticket != nil && sameSecret(ticket.SecretHash, random) && ticket.CreatedAt.Add(authority.FreshFor) <= t.Now {
		return apierr.New(apierr.TicketExpiredCode)
	}
	_, err = useTicket(t, k, user, random)
	return err
}

// sessionOf returns the client's live session of a user, or nil.
func sessionOf(t *tx.Tx, p *tx.ClientSession, user string) (*tx.SignedIn, error) {
	if !p.Exists() {
		return nil, nil
	}
	for i := range p.Client.Sessions {
		s := &p.Client.Sessions[i]
		if s.User() != user {
			continue
		}
		u, err := sessions.LiveUser(t, s)
		switch {
		case err != nil:
			return nil, err
		case u == nil: // this session is dead; a newer one of the user may follow
			continue
		case u.Banned:
			return nil, nil
		}
		return sessions.RequireSession(t, p, s.ID, authority.StepUp)
	}
	return nil, nil
}

// renewSession proves the first factor of a live session again, with a ticket. The answer is a
// complete sign-in that names the session.
func renewSession(t *tx.Tx, caller *tx.SignedIn, token secret.Value) (*account.SignIn, error) {
	id, err := t.Engine.RandomID()
	if err != nil {
		return nil, err
	}
	if err := renewingTicket(t, caller, token); err != nil {
		return nil, err
	}
	sessions.ProvedFirst(t, caller, account.TicketCode)
	caller.Client.LastActive = caller.Session.ID
	return &account.SignIn{
		ID: account.PrefixSignIn + id + caller.User.ID, User: caller.User.ID, Identifier: caller.User.AccountName(), Created: caller.Session.ID,
		First: account.Attempt{Strategy: account.TicketCode, Proved: t.Now}, CreatedAt: t.Now, Expires: t.Now.Add(account.SignInLife),
	}, sessions.RotateToken(t, caller.ClientSession)
}

// sameSecret compares a secret with its stored hash.
func sameSecret(hash []byte, text string) bool {
	return subtle.ConstantTimeCompare(hash, tx.HashToken(text)) == 1
}
