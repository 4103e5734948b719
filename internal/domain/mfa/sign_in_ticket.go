package mfa

import (
	"context"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// ticketLife is a ticket's life unless its maker says otherwise, ticketLongest the most that may be said.
const (
	ticketLife    = 10 * time.Minute
	ticketLongest = 30 * 24 * time.Hour
)

// TicketResult is a ticket with its token, which only the creating answer shows.
type TicketResult struct {
	Ticket *Ticket
	Token  secret.Value
	Now    Instant
}

// CreateTicket makes a sign-in ticket for a user: 256 random bits, single use, stored as a hash (SEC-34).
func (s *Service) CreateTicket(ctx context.Context, userID string, life time.Duration) (*TicketResult, error) {
	if life == 0 {
		life = ticketLife
	}
	if life < time.Second || life > ticketLongest {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("expires_in_seconds")
	}
	var out TicketResult
	err := s.admin(ctx, userID, func(t *txn, u *User) error {
		id, err := s.randomID()
		if err != nil {
			return err
		}
		random, err := randomText(s.rand, tokenSecret)
		if err != nil {
			return err
		}
		ticket := &Ticket{
			base: base{id: Key{KindTicket, id}}, User: u.ID, SecretHash: hashToken(random),
			CreatedAt: t.now, UpdatedAt: t.now, Expires: t.now.Add(life),
		}
		t.put(ticket)
		out = TicketResult{Ticket: ticket, Token: secret.New(id + u.ID + random), Now: t.now}
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
	k := Key{KindTicket, bareID(prefixTicket, id)}
	err := s.update(ctx, []Key{k}, func(t *txn) error {
		ticket, err := load[*Ticket](t, k)
		if err != nil {
			return err
		}
		if ticket == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		if ticket.Status(t.now) != "pending" {
			return apierr.New(apierr.SignInTokenCannotBeRevokedCode)
		}
		ticket.Revoked, ticket.UpdatedAt = t.now, ticket.UpdatedAt.after(t.now)
		t.put(ticket)
		out = TicketResult{Ticket: ticket, Now: t.now}
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
	if len(text) <= 2*idLen || !isID(text[:idLen]) || !isID(text[idLen:2*idLen]) {
		return "", "", "", false
	}
	return text[:idLen], text[idLen : 2*idLen], text[2*idLen:], true
}

func (s *Service) signInByTicket(ctx context.Context, from Caller, token secret.Value) (*SignInResult, error) {
	if token.IsZero() {
		return nil, apierr.New(apierr.FormParamMissing).Param("ticket")
	}
	id, user, random, ok := parseTicket(token)
	if !ok {
		return nil, apierr.New(apierr.TicketInvalidCode)
	}
	k := Key{KindTicket, id}
	return s.signIn(ctx, from, []Key{k, {KindUser, user}}, func(t *txn, p *clientSession) (*SignIn, *User, error) {
		t.countAddress(from, createLimits)
		if caller, err := t.sessionOf(p, user); err != nil || caller != nil {
			if err != nil {
				return nil, nil, err
			}
			si, err := t.renewSession(caller, token)
			return si, caller.user, err
		}
		u, err := t.useTicket(k, user, random)
		if err != nil {
			return nil, nil, err
		}
		si, err := t.beginSignIn(p, u, u.totpLabel(), true)
		if err != nil {
			return nil, nil, err
		}
		return si, u, t.provedFirst(p, u, si, TicketCode, from)
	})
}

// useTicket uses a ticket up in the commit that the sign-in needs anyway.
func (t *txn) useTicket(k Key, user, random string) (*User, error) {
	ticket, err := load[*Ticket](t, k)
	if err != nil {
		return nil, err
	}
	if ticket == nil || ticket.User != user || !sameSecret(ticket.SecretHash, random) {
		return nil, apierr.New(apierr.TicketInvalidCode)
	}
	switch ticket.Status(t.now) {
	case "revoked":
		return nil, apierr.New(apierr.SignInTokenRevokedCode)
	case "accepted":
		return nil, apierr.New(apierr.SignInTokenAlreadyUsedCode)
	case "expired":
		return nil, apierr.New(apierr.TicketExpiredCode)
	}
	if t.isFuture(ticket.CreatedAt) {
		return nil, apierr.New(apierr.TicketExpiredCode)
	}
	u, err := t.user(ticket.User)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, apierr.New(apierr.SignInTokenCannotBeUsedCode)
	}
	ticket.Used, ticket.UpdatedAt = t.now, ticket.UpdatedAt.after(t.now)
	t.put(ticket)
	t.record(u, EventTicketUsed, ticket.subject())
	return u, nil
}

// ticketKeys are the records that a ticket names.
func ticketKeys(token secret.Value) []Key {
	id, _, _, ok := parseTicket(token)
	if !ok {
		return nil
	}
	return []Key{{KindTicket, id}}
}

// renewingTicket uses up a ticket as the first factor of a person who is signed in already. People
// without a password prove themselves to their own team, which sends them with a ticket. It must be of
// the same user, and fresh: a link that lay in a mailbox for a week proves nothing of today.
func (t *txn) renewingTicket(caller *signedIn, token secret.Value) error {
	if token.IsZero() {
		return apierr.New(apierr.FormParamNil).Param("ticket")
	}
	id, user, random, ok := parseTicket(token)
	if !ok || user != caller.user.ID {
		return apierr.New(apierr.TicketInvalidCode)
	}
	if caller.user.LockedUntil > t.now {
		return locked(caller.user.LockedUntil.Sub(t.now))
	}
	k := Key{KindTicket, id}
	ticket, err := load[*Ticket](t, k)
	if err != nil {
		return err
	}
	if ticket != nil && sameSecret(ticket.SecretHash, random) && ticket.CreatedAt.Add(authority.FreshFor) <= t.now {
		return apierr.New(apierr.TicketExpiredCode)
	}
	_, err = t.useTicket(k, user, random)
	return err
}

// sessionOf returns the client's live session of a user, or nil.
func (t *txn) sessionOf(p *clientSession, user string) (*signedIn, error) {
	if !p.exists() {
		return nil, nil
	}
	for i := range p.client.Sessions {
		s := &p.client.Sessions[i]
		if s.User() != user {
			continue
		}
		u, err := t.sessionUser(s)
		switch {
		case err != nil:
			return nil, err
		case u == nil: // it is dead; a newer session of the user may stand behind it
			continue
		case u.Banned:
			return nil, nil
		}
		return t.requireSession(p, s.ID, authority.StepUp)
	}
	return nil, nil
}

// renewSession is a sign-in by ticket in a browser where its user is signed in: it proves the first
// subjectOf of that session again. The answer is a finished sign-in that names the session.
func (t *txn) renewSession(caller *signedIn, token secret.Value) (*SignIn, error) {
	id, err := t.s.randomID()
	if err != nil {
		return nil, err
	}
	if err := t.renewingTicket(caller, token); err != nil {
		return nil, err
	}
	caller.provedFirst(t, TicketCode)
	caller.client.LastActive = caller.session.ID
	return &SignIn{
		ID: prefixSignIn + id + caller.user.ID, User: caller.user.ID, Identifier: caller.user.totpLabel(), Created: caller.session.ID,
		First: Attempt{Strategy: TicketCode, Proved: t.now}, CreatedAt: t.now, Expires: t.now.Add(signInLife),
	}, t.rotateToken(caller.clientSession)
}
