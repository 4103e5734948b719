package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
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

// PrepareSecondFactor sends a second-factor code to the number with phoneID, or to the default one.
func (s *Service) PrepareSecondFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*SignInResult, error) {
	keys := append(signInKeys(id), s.numberKeys(phoneID)...)
	return s.signIn(ctx, from, keys, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if by == account.PasskeyProof {
			return si, u, prepareSecondPasskey(t, p.Client, u, si.First.Strategy, &si.Second, from)
		}
		if by != account.PhoneCode {
			return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if err := prepareSecond(t, p.Client, u, phoneID, secondOfSignIn(si), from); err != nil {
			return nil, nil, err
		}
		return si, u, nil
	})
}

// secondOfSignIn returns a sign-in's attempt at its second factor.
func secondOfSignIn(si *account.SignIn) SecondFactorAttempt {
	return SecondFactorAttempt{&si.Second, sms.Challenge{Code: &si.Second.Code, Waiting: &si.Second.Waiting, Purpose: account.SignInSecondFactor, Bound: si.ID}}
}

// prepareSecond sends the code of an attempt to the number with phoneID, or to the default one.
func prepareSecond(t *tx.Tx, c *account.Client, u *account.User, phoneID string, v SecondFactorAttempt, from tx.Caller) error {
	if !t.State.Settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	ph, err := factors.SecondPhone(u, &t.State.Settings, phoneID)
	if err != nil {
		return err
	}
	if v.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	device := sessions.DeviceOf(t, c, u)
	if err := checkSecondLimits(t, u, device); err != nil {
		return err
	}
	changed, err := sms.SendCode(t, u, ph, v.Challenge, from, device)
	if err != nil || !changed {
		return err
	}
	v.Strategy = account.PhoneCode
	t.Put(c)
	return nil
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
		t.Put(p.Client)
		if proof.Strategy == account.PasskeyProof {
			err = verifySecondPasskey(t, u, si.First.Strategy, &si.Second, answer, from)
		} else {
			err = VerifySecondFactor(t, u, sessions.DeviceOf(t, p.Client, u), proof, secondOfSignIn(si))
		}
		if err != nil {
			return nil, nil, err
		}
		si.Second = account.Attempt{Strategy: proof.Strategy, Proved: t.Now}
		sessions.MakeKnown(t, p.Client, u)
		if proof.Remember {
			sessions.Remember(t, p.Client, u, from)
		}
		return si, u, complete(t, p, u, si, from)
	})
}
