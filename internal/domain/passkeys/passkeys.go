// Package passkeys enrols, manages and verifies passkeys (W3C Web Authentication Level 3).
//
// A challenge stands in the record that its attempt belongs to: that of the client for a sign-in or
// step-up, that of the user for an enrolment. The commit of the first answer removes the challenge,
// so of many copies of an answer one is read, and a challenge of one sign-in, session or user opens
// nothing elsewhere. [Ask] makes a challenge, and [Prove] verifies the answer to one.
package passkeys

import (
	"context"
	"errors"
	"slices"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// Service enrols and manages the passkeys of signed-in users. It is safe for concurrent use.
type Service struct {
	*sessions.Service
}

// Result is a passkey with what its answer shows.
type Result struct {
	Passkey *account.Passkey
	// Options is the JSON text that a browser makes the passkey with, only of a new enrolment.
	Options string
	sessions.WithSnapshot
}

// Create begins the enrolment of a passkey. The enrolment belongs to the session. It replaces
// another one of the user that is not complete.
func (s *Service) Create(ctx context.Context, from tx.Caller) (*Result, error) {
	return s.run(ctx, from, authority.BeginPasskey, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		u := caller.User
		party, err := partyOf(t, from)
		if err != nil {
			return nil, err
		}
		u.Passkeys = slices.DeleteFunc(slices.Clone(u.Passkeys), func(p account.Passkey) bool { return p.Verified == 0 })
		if len(u.Passkeys) >= account.PasskeysPerUser {
			return nil, apierr.New(apierr.PasskeyQuotaExceeded)
		}
		id, err := t.Engine.RandomID()
		if err != nil {
			return nil, err
		}
		challenge, kept, err := newChallenge(t)
		if err != nil {
			return nil, err
		}
		name := u.AccountName()
		options, err := party.CreationOptions(challenge, passkey.User{Handle: handle(u), Name: name, DisplayName: name}, credentials(u.Passkeys))
		if err != nil {
			return nil, err
		}
		u.Passkeys = append(u.Passkeys, account.Passkey{ID: id, RPID: party.ID(), By: caller.Nonce(), Challenge: kept, CreatedAt: t.Now})
		u.Touch(t.Now)
		t.Put(u)
		shown := u.Passkeys[len(u.Passkeys)-1]
		return &Result{Passkey: &shown, Options: options}, nil
	})
}

// Confirm completes the enrolment of a passkey with the answer of the authenticator. The answer
// uses the challenge up: a wrong one ends the enrolment. name is the passkey's first name.
func (s *Service) Confirm(ctx context.Context, from tx.Caller, id, answer, name string) (*Result, error) {
	return s.run(ctx, from, authority.ConfirmPasskey, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		u := caller.User
		p := u.Passkey(id)
		switch {
		case p != nil && p.Verified != 0:
			return nil, apierr.New(apierr.VerificationAlreadyVerified)
		case p == nil || !p.Pending(caller.Nonce(), t.Now):
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		party, err := partyOf(t, from)
		if err != nil {
			return nil, err
		}
		t.CountAddress(from, tx.AttemptLimits)
		if err := register(t, u, p, party, answer); err != nil {
			return nil, err
		}
		p.Name = name
		u.Touch(t.Now)
		t.Put(u)
		audit.Record(t, u, eventtype.FactorAdded, p.Subject())
		shown := *p
		return &Result{Passkey: &shown}, nil
	})
}

// register verifies an authenticator's answer, and gives the passkey its credential.
func register(t *tx.Tx, u *account.User, p *account.Passkey, party passkey.RelyingParty, answer string) error {
	challenge, err := challengeOf(t, p.Challenge)
	if err != nil {
		return err
	}
	made, err := party.Register(challenge, answer)
	switch {
	case errors.Is(err, passkey.Malformed):
		return malformed()
	case err != nil || p.RPID != party.ID() || hasCredential(u, made.ID):
		return failEnrolment(t, u, p)
	}
	err = t.Claim(identifier.Credential, credentialText(made.ID), u, credentialParam)
	switch {
	case errors.Is(err, apierr.New(apierr.FormIdentifierExists)):
		return failEnrolment(t, u, p)
	case err != nil:
		return err
	}
	p.Credential, p.Key, p.Transports, p.Counter = made.ID, PackKey(made.PublicKey), PackTransports(made.Transports), made.SignCount
	p.Eligible, p.BackedUp = made.BackupEligible, made.BackedUp
	p.Verified, p.By, p.Challenge = p.CreatedAt.After(t.Now), "", nil
	return nil
}

// failEnrolment ends the enrolment of a passkey. The refusal commits that.
func failEnrolment(t *tx.Tx, u *account.User, p *account.Passkey) error {
	id := p.ID
	u.Passkeys = slices.DeleteFunc(slices.Clone(u.Passkeys), func(p account.Passkey) bool { return p.ID == id })
	u.Touch(t.Now)
	t.Put(u)
	return t.Refuse(apierr.New(apierr.PasskeyRegistrationFailure))
}

// Passkey returns a passkey of the caller.
func (s *Service) Passkey(ctx context.Context, from tx.Caller, id string) (*Result, error) {
	return s.withPasskey(ctx, from, id, authority.Use, func(*tx.Tx, *tx.SignedIn, *account.Passkey) error { return nil })
}

// Rename names a passkey of the caller.
func (s *Service) Rename(ctx context.Context, from tx.Caller, id, name string) (*Result, error) {
	line, err := readName(name)
	if err != nil {
		return nil, err
	}
	return s.withPasskey(ctx, from, id, authority.RenamePasskey, func(t *tx.Tx, caller *tx.SignedIn, p *account.Passkey) error {
		switch {
		case p.Verified == 0:
			return apierr.New(apierr.PasskeyIdentificationNotVerified)
		case p.Name == line:
			return nil
		}
		p.Name, p.ChangedAt = line, p.UpdatedAt().After(t.Now)
		caller.User.Touch(t.Now)
		audit.Record(t, caller.User, eventtype.UserUpdated, account.Subject{})
		return nil
	})
}

// readName returns a name as it is stored, without white space around it.
func readName(text string) (string, error) {
	line, ok := typed.Line(text)
	switch {
	case line == "":
		return "", apierr.New(apierr.FormParamNil).Param("name")
	case !ok || typed.Misleads(line):
		return "", apierr.New(apierr.FormParamFormatInvalid).Param("name")
	case utf8.RuneCountInString(line) > NameLength:
		return "", apierr.New(apierr.FormParamMaxLengthExceeded).Param("name")
	}
	return line, nil
}

// Importable reports whether a verified passkey from elsewhere may be stored: its name is one that
// [Service.Rename] would store, and its credential one that an enrolment would.
func Importable(p *account.Passkey) bool {
	if name, err := readName(p.Name); p.Name != "" && (err != nil || name != p.Name) {
		return false
	}
	return p.Verified != 0 && credential(p).Usable()
}

// NameLength is the most characters of a passkey's name.
const NameLength = 64

// Delete removes a passkey of the caller, or ends the session's own enrolment of one, which needs
// no proof: a browser whose person cancels the enrolment asks for it.
func (s *Service) Delete(ctx context.Context, from tx.Caller, id string) (*Result, error) {
	return s.withPasskey(ctx, from, id, authority.Use, func(t *tx.Tx, caller *tx.SignedIn, p *account.Passkey) error {
		if !p.Pending(caller.Nonce(), t.Now) {
			if err := sessions.RequireProof(t, caller, authority.RemovePasskey); err != nil {
				return err
			}
		}
		return Drop(t, caller.User, p)
	})
}

// Drop removes a passkey of a user and frees its credential id.
func Drop(t *tx.Tx, u *account.User, p *account.Passkey) error {
	gone := *p
	if err := release(t, u, &gone); err != nil {
		return err
	}
	u.Passkeys = slices.DeleteFunc(slices.Clone(u.Passkeys), func(p account.Passkey) bool { return p.ID == gone.ID })
	u.Touch(t.Now)
	t.Put(u)
	if gone.Verified != 0 {
		audit.Record(t, u, eventtype.FactorRemoved, gone.Subject())
	}
	return nil
}

// DropAll removes all passkeys of a user, for a reset of the second factors. The reset has an event
// of its own.
func DropAll(t *tx.Tx, u *account.User) error {
	for i := range u.Passkeys {
		if err := release(t, u, &u.Passkeys[i]); err != nil {
			return err
		}
	}
	u.Passkeys = nil
	return nil
}

func release(t *tx.Tx, u *account.User, p *account.Passkey) error {
	if p.Verified == 0 {
		return nil
	}
	return t.Release(identifier.Credential, CredentialText(p), u)
}

// run is [sessions.RunSession] for the caller's own session.
func (s *Service) run(ctx context.Context, from tx.Caller, a authority.Action, do func(*tx.Tx, *tx.SignedIn) (*Result, error)) (*Result, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, a, do)
}

// withPasskey runs do on a passkey of the caller. A passkey that another session enrols does not
// exist for the caller.
func (s *Service) withPasskey(ctx context.Context, from tx.Caller, id string, a authority.Action, do func(*tx.Tx, *tx.SignedIn, *account.Passkey) error) (*Result, error) {
	return s.run(ctx, from, a, func(t *tx.Tx, caller *tx.SignedIn) (*Result, error) {
		p := caller.User.Passkey(id)
		if p == nil || p.Verified == 0 && !p.Pending(caller.Nonce(), t.Now) {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		shown := *p
		if err := do(t, caller, p); err != nil {
			return nil, err
		}
		if still := caller.User.Passkey(id); still != nil {
			shown = *still
		}
		return &Result{Passkey: &shown}, nil
	})
}
