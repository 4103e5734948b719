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

// currentSecond returns the sign-in when it waits for its second factor.
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

// numberKeys are the records that sending to a phone needs, when its id was given.
func (s *Service) numberKeys(phoneID string) []store.Key {
	if _, number, ok := s.ParsePhoneID(phoneID); ok {
		return []store.Key{{Kind: store.KindNumber, ID: number}}
	}
	return nil
}

// PrepareSecondFactor sends a second-factor code to the number asked for, or to the default one.
func (s *Service) PrepareSecondFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*SignInResult, error) {
	keys := append(signInKeys(id), s.numberKeys(phoneID)...)
	return s.signIn(ctx, from, keys, func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if by != account.PhoneCode {
			return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if err := prepareSecond(t, p.Client, u, phoneID, &si.Second, sms.Challenge{Code: &si.Second.Code, Purpose: account.SignInSecondFactor, Bound: si.ID}, from); err != nil {
			return nil, nil, err
		}
		return si, u, nil
	})
}

func prepareSecond(t *tx.Tx, c *account.Client, u *account.User, phoneID string, a *account.Attempt, ch sms.Challenge, from tx.Caller) error {
	if !t.State.Settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	ph, err := account.SecondPhone(u, &t.State.Settings, phoneID)
	if err != nil {
		return err
	}
	if a.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	if err := checkSecondLimits(t, u, sessions.DeviceOf(t, c, u)); err != nil {
		return err
	}
	a.Strategy = account.PhoneCode
	t.Put(c)
	return sms.SendCode(t, u, ph, ch, from, sessions.DeviceOf(t, c, u))
}

// AttemptSecondFactor proves the second factor and completes the sign-in.
func (s *Service) AttemptSecondFactor(ctx context.Context, from tx.Caller, id string, g Proof) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := currentSecond(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		t.CountAddress(from, tx.AttemptLimits)
		t.Put(p.Client)
		if err := VerifySecondFactor(t, u, sessions.DeviceOf(t, p.Client, u), g, SecondFactorAttempt{&si.Second, sms.Challenge{Code: &si.Second.Code, Purpose: account.SignInSecondFactor, Bound: si.ID}}); err != nil {
			return nil, nil, err
		}
		si.Second = account.Attempt{Strategy: g.Strategy, Proved: t.Now}
		sessions.RememberDevice(t, p.Client, u)
		return si, u, complete(t, p, u, si, from)
	})
}
