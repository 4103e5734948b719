package mfa

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// This file has the steps of sign-ins and step-ups that ask for a passkey. A signature cannot be
// guessed. So a wrong one counts on its attempt alone, and locks by wrong codes do not hold for
// passkeys; an operator's lock does.

// signInByPasskey begins a sign-in without an identifier. The person chooses a passkey, whose
// answer names the user.
func (s *Service) signInByPasskey(ctx context.Context, from tx.Caller) (*SignInResult, error) {
	return s.signIn(ctx, from, nil, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		t.CountAddress(from, tx.CreateLimits)
		si, err := beginSignIn(t, p, nil, "", "")
		if err != nil {
			return nil, nil, err
		}
		return si, nil, passkeys.Ask(t, &si.First, from, nil)
	})
}

// prepareFirstPasskey makes the challenge of a sign-in's first factor. It names no passkeys:
// otherwise the answer would tell which accounts exist and have one.
func prepareFirstPasskey(t *tx.Tx, p *tx.ClientSession, si *account.SignIn, from tx.Caller) error {
	if err := passkeys.Ask(t, &si.First, from, nil); err != nil {
		return err
	}
	t.Put(p.Client)
	return nil
}

// provedByPasskey verifies a passkey as the first factor of a sign-in, and returns its user: u if
// the sign-in has an identifier, else the one that the answer names.
func provedByPasskey(t *tx.Tx, p *tx.ClientSession, si *account.SignIn, u *account.User, answer passkeys.Answer, from tx.Caller) (*account.User, error) {
	if si.Identifier == "" {
		var err error
		if u, err = t.User(answer.User()); err != nil {
			return nil, err
		}
	}
	t.Put(p.Client)
	if err := passkeys.Prove(t, u, &si.First, from, answer); err != nil {
		return nil, err
	}
	if si.Identifier == "" {
		si.Identifier = u.AccountName()
	}
	return u, nil
}

// provedBoth reports whether the passkey of a sign-in's first factor proves the second one too, and
// stores that. Every accepted signature says that the authenticator verified the user.
func provedBoth(t *tx.Tx, p *tx.ClientSession, u *account.User, si *account.SignIn) bool {
	if si.First.Strategy != account.PasskeyProof || !t.State.Settings.PasskeySatisfies {
		return false
	}
	si.Second = account.Attempt{Strategy: account.PasskeyProof, Proved: t.Now}
	secondProved(t, u)
	sessions.MakeKnown(t, p.Client, u)
	return true
}

// answerKeys returns the user's record that the answer of a passkey names.
func answerKeys(answer passkeys.Answer) []store.Key {
	return []store.Key{{Kind: store.KindUser, ID: answer.User()}}
}

// askPasskey makes the challenge of a second factor.
func (f secondFactor) askPasskey(t *tx.Tx, from tx.Caller) error {
	allowed, err := f.allowedPasskeys(t)
	if err != nil {
		return err
	}
	if f.attempt.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	if err := passkeys.Ask(t, f.attempt.Attempt, from, allowed); err != nil {
		return err
	}
	t.Put(f.client)
	return nil
}

// allowedPasskeys returns the passkeys that may prove the second factor after the first one.
func (f secondFactor) allowedPasskeys(t *tx.Tx) ([]account.Passkey, error) {
	set := &t.State.Settings
	if !set.Passkeys || !set.PasskeySecondFactor {
		return nil, apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	if f.user.LockedUntil > t.Now {
		return nil, LockedByOperator(f.user.LockedUntil.Sub(t.Now))
	}
	allowed := f.user.SecondPasskeys(set, f.first)
	switch {
	case len(allowed) > 0:
		return allowed, nil
	case len(f.user.UsablePasskeys()) == 0:
		return nil, apierr.New(apierr.NoPasskeysFoundForUser).Param("strategy")
	}
	return nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
}

// verifyPasskey verifies the answer of a passkey as a second factor. A wrong one is recorded, as a
// wrong code is.
func (f secondFactor) verifyPasskey(t *tx.Tx, answer passkeys.Answer, from tx.Caller) error {
	if _, err := f.allowedPasskeys(t); err != nil {
		return err
	}
	if err := passkeys.Prove(t, f.user, f.attempt.Attempt, from, answer); err != nil {
		if t.Refused() {
			t.Put(f.user)
			audit.Record(t, f.user, eventtype.CodeWrong, account.Subject{Method: account.PasskeyProof})
		}
		return err
	}
	secondProved(t, f.user)
	return nil
}

// prepareStepUpPasskey makes the challenge of a step-up's first factor.
func prepareStepUpPasskey(t *tx.Tx, caller *tx.SignedIn, r *account.Reverification, from tx.Caller) error {
	allowed := caller.User.UsablePasskeys()
	switch {
	case len(allowed) == 0:
		return apierr.New(apierr.NoPasskeysFoundForUser).Param("strategy")
	case !sessions.MayProveFirstByPasskey(t, caller):
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	if err := passkeys.Ask(t, &r.First, from, allowed); err != nil {
		return err
	}
	sessions.Stage(t, caller)
	return nil
}

// firstOfSession returns the first factors that a step-up of the session may prove.
func firstOfSession(t *tx.Tx, caller *tx.SignedIn) []factors.Factor {
	found := factors.ProvableFirst(caller.User, &t.State.Settings)
	if sessions.MayProveFirstByPasskey(t, caller) {
		return found
	}
	return slices.DeleteFunc(found, func(f factors.Factor) bool { return f.Strategy == account.PasskeyProof })
}

// reverifyByPasskey verifies a passkey as the first factor of a session's step-up. Where the
// settings say so, it proves the second factor too.
func reverifyByPasskey(t *tx.Tx, caller *tx.SignedIn, r *account.Reverification, answer passkeys.Answer, from tx.Caller) error {
	t.Put(caller.Client)
	if caller.User.LockedUntil > t.Now {
		return LockedByOperator(caller.User.LockedUntil.Sub(t.Now))
	}
	if !sessions.MayProveFirstByPasskey(t, caller) { // the settings changed since the challenge
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	if err := passkeys.Prove(t, caller.User, &r.First, from, answer); err != nil {
		return err
	}
	if t.State.Settings.PasskeySatisfies && caller.User.TwoFactorEnabled() {
		r.Second = account.Attempt{Strategy: account.PasskeyProof, Proved: t.Now}
		secondProved(t, caller.User)
		sessions.MakeKnown(t, caller.Client, caller.User)
		sessions.ProvedSecond(t, caller, account.PasskeyProof)
	}
	return nil
}
