package mfa

import (
	"context"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TicketLife is a ticket's life unless its maker says otherwise, ticketLongest the most that may be said.
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

// CreateTicket makes a sign-in ticket for a user: 256 random bits, single use, stored as a hash (SEC-34).
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
		out = TicketResult{Ticket: ticket, Token: secret.New(id + u.ID + random), Now: t.Now}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &out, nil
}

// RevokeTicket makes a ticket that was not used yet worthless.
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

// parseTicket takes a ticket token apart: it names its ticket and user, so that both are read in one round trip.
func parseTicket(token secret.Value) (id, user, random string, ok bool) {
	text := strings.TrimSpace(token.Reveal())
	if len(text) <= 2*account.IDLen || !account.IsID(text[:account.IDLen]) || !account.IsID(text[account.IDLen:2*account.IDLen]) {
		return "", "", "", false
	}
	return text[:account.IDLen], text[account.IDLen : 2*account.IDLen], text[2*account.IDLen:], true
}

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
		si, err := beginProvedSignIn(t, p, u, totpLabel(u))
		if err != nil {
			return nil, nil, err
		}
		return si, u, provedFirst(t, p, u, si, account.TicketCode, from)
	})
}

// useTicket uses a ticket up in the commit that the sign-in needs anyway.
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
	audit.Record(t, u, account.EventTicketUsed, ticket.Subject())
	return u, nil
}

// ticketKeys are the records that a ticket names.
func ticketKeys(token secret.Value) []store.Key {
	id, _, _, ok := parseTicket(token)
	if !ok {
		return nil
	}
	return []store.Key{{Kind: store.KindTicket, ID: id}}
}

// renewingTicket uses up a ticket as the first factor of a person who is signed in already. People
// without a password prove themselves to their own team, which sends them with a ticket. It must be of
// the same user, and fresh: a link that lay in a mailbox for a week proves nothing of today.
func renewingTicket(t *tx.Tx, caller *tx.SignedIn, token secret.Value) error {
	if token.IsZero() {
		return apierr.New(apierr.FormParamNil).Param("ticket")
	}
	id, user, random, ok := parseTicket(token)
	if !ok || user != caller.User.ID {
		return apierr.New(apierr.TicketInvalidCode)
	}
	if caller.User.LockedUntil > t.Now {
		return account.Locked(caller.User.LockedUntil.Sub(t.Now))
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
		case u == nil: // it is dead; a newer session of the user may stand behind it
			continue
		case u.Banned:
			return nil, nil
		}
		return sessions.RequireSession(t, p, s.ID, authority.StepUp)
	}
	return nil, nil
}

// renewSession is a sign-in by ticket in a browser where its user is signed in: it proves the first
// subjectOf of that session again. The answer is a finished sign-in that names the session.
func renewSession(t *tx.Tx, caller *tx.SignedIn, token secret.Value) (*account.SignIn, error) {
	id, err := t.S.RandomID()
	if err != nil {
		return nil, err
	}
	if err := renewingTicket(t, caller, token); err != nil {
		return nil, err
	}
	sessions.ProvedFirst(caller, t, account.TicketCode)
	caller.Client.LastActive = caller.Session.ID
	return &account.SignIn{
		ID: account.PrefixSignIn + id + caller.User.ID, User: caller.User.ID, Identifier: totpLabel(caller.User), Created: caller.Session.ID,
		First: account.Attempt{Strategy: account.TicketCode, Proved: t.Now}, CreatedAt: t.Now, Expires: t.Now.Add(account.SignInLife),
	}, sessions.RotateToken(t, caller.ClientSession)
}
