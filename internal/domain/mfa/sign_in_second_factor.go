package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// currentSecond returns the client's sign-in if it waits for a second factor.
func currentSecond(t *tx.Tx, p *tx.ClientSession, id string) (*account.SignIn, *account.User, error) {
	si, u, err := current(t, p, id)
	if err != nil {
		return nil, nil, err
	}
	if si.Status() != account.NeedsSecondFactor || u == nil {
		return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
	}
	if u.Banned {
		return nil, nil, apierr.New(apierr.UserBanned)
	}
	return si, u, nil
}

// numberKeys returns the records that sending to a phone needs, if phoneID names one.
func (s *Service) numberKeys(phoneID string) []store.Key {
	if _, number, ok := s.ParsePhoneID(phoneID); ok {
		return []store.Key{{Kind: store.KindNumber, ID: number}}
	}
	return nil
}

// PrepareSecondFactor sends a code to the number with phoneID, or to the default one, or makes a
// challenge for a passkey.
func (s *Service) PrepareSecondFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*SignInResult, error) {
	keys := append(signInKeys(id), s.numberKeys(phoneID)...)
	return s.signIn(ctx, from, keys, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		return si, u, waitingSignIn(p, u, si).prepare(t, by, phoneID, from)
	})
}

// secondOfSignIn returns a sign-in's attempt at its second factor.
func secondOfSignIn(si *account.SignIn) SecondFactorAttempt {
	return SecondFactorAttempt{&si.Second, sms.Challenge{Code: &si.Second.Code, Waiting: &si.Second.Waiting, Purpose: account.SignInSecondFactor, Bound: si.ID}}
}

// waitingSignIn returns a sign-in of a client that waits for its second factor.
func waitingSignIn(p *tx.ClientSession, u *account.User, si *account.SignIn) secondFactor {
	return secondFactor{p.Client, u, si.First.Strategy, secondOfSignIn(si)}
}

// AttemptSecondFactor verifies the second factor and completes the sign-in. With [Proof.Remember]
// it has the device remembered.
func (s *Service) AttemptSecondFactor(ctx context.Context, from tx.Caller, id string, proof Proof) (*SignInResult, error) {
	answer, err := proof.answer()
	if err != nil {
		return nil, err
	}
	return s.signIn(ctx, from, signInKeys(id), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if proof.Remember && t.State.Settings.RememberDays == 0 {
			return nil, nil, apierr.New(apierr.FeatureNotEnabled).Param("remember_device")
		}
		t.CountAddress(from, tx.AttemptLimits)
		if err := waitingSignIn(p, u, si).verify(t, proof, answer, from); err != nil {
			return nil, nil, err
		}
		if proof.Remember {
			sessions.Remember(t, p.Client, u, from)
		}
		return si, u, complete(t, p, u, si, from)
	})
}
