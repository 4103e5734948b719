package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// currentSecond returns the sign-in when it waits for its second factor.
func (t *txn) currentSecond(p *clientSession, id string) (*SignIn, *User, error) {
	si, u, err := t.current(p, id)
	if err != nil {
		return nil, nil, err
	}
	if si.Status() != NeedsSecondFactor || u == nil {
		return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
	}
	if u.Banned {
		return nil, nil, apierr.New(apierr.UserBanned)
	}
	return si, u, nil
}

// numberKeys are the records that sending to a phone needs, when its id was given.
func (s *Service) numberKeys(phoneID string) []Key {
	if _, number, ok := s.parsePhoneID(phoneID); ok {
		return []Key{{KindNumber, number}}
	}
	return nil
}

// PrepareSecondFactor sends a second-factor code to the number asked for, or to the default one.
func (s *Service) PrepareSecondFactor(ctx context.Context, from Caller, id string, by Strategy, phoneID string) (*SignInResult, error) {
	keys := append(signInKeys(id), s.numberKeys(phoneID)...)
	return s.signIn(ctx, from, keys, func(t *txn, p *clientSession) (*SignIn, *User, error) {
		si, u, err := t.currentSecond(p, id)
		if err != nil {
			return nil, nil, err
		}
		if by != PhoneCode {
			return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if err := t.prepareSecond(p.client, u, phoneID, &si.Second, challenge{&si.Second.Code, SignInSecondFactor, si.ID}, from); err != nil {
			return nil, nil, err
		}
		return si, u, nil
	})
}

func (t *txn) prepareSecond(c *Client, u *User, phoneID string, a *Attempt, ch challenge, from Caller) error {
	if !t.state.settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	ph, err := secondPhone(u, &t.state.settings, phoneID)
	if err != nil {
		return err
	}
	if a.Wrong >= t.policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	if err := t.checkSecondLimits(u, t.knownDevice(c, u)); err != nil {
		return err
	}
	a.Strategy = PhoneCode
	t.put(c)
	return t.sendCode(u, ph, ch, from, t.knownDevice(c, u))
}

// AttemptSecondFactor proves the second factor and completes the sign-in.
func (s *Service) AttemptSecondFactor(ctx context.Context, from Caller, id string, g Proof) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *txn, p *clientSession) (*SignIn, *User, error) {
		si, u, err := t.currentSecond(p, id)
		if err != nil {
			return nil, nil, err
		}
		t.countAddress(from, attemptLimits)
		t.put(p.client)
		if err := t.verifySecondFactor(u, t.knownDevice(p.client, u), g, secondFactorAttempt{&si.Second, challenge{&si.Second.Code, SignInSecondFactor, si.ID}}); err != nil {
			return nil, nil, err
		}
		si.Second = Attempt{Strategy: g.Strategy, Proved: t.now}
		t.rememberDevice(p.client, u)
		return si, u, t.complete(p, u, si, from)
	})
}
