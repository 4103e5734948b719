package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// PrepareFirstFactor sends a first-factor code, or makes a challenge for a passkey, if the settings
// allow that. A password needs no preparation.
func (s *Service) PrepareFirstFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*SignInResult, error) {
	return s.signIn(ctx, from, signInKeys(id), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := current(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if si.Status() != account.NeedsFirstFactor || by != account.PhoneCode && by != account.PasskeyProof {
			return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if by == account.PasskeyProof {
			return si, u, prepareFirstPasskey(t, p, si, from)
		}
		if !t.State.Settings.FirstFactorPhoneCode || u == nil {
			return nil, nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		ph := u.FindPhone(func(ph *account.Phone) bool { return ph.IsFirstFactor() && t.State.Settings.CanReceiveSMS(ph) })
		if phoneID != "" {
			ph = u.Phone(phoneID)
		}
		if ph == nil || !ph.IsFirstFactor() {
			return nil, nil, apierr.New(apierr.ResourceNotFound)
		}
		if err := checkFirstLimits(t, u, sessions.DeviceOf(t, p.Client, u)); err != nil {
			return nil, nil, err
		}
		changed, err := sms.SendCode(t, u, ph, firstOfSignIn(si), from, sessions.DeviceOf(t, p.Client, u))
		if err != nil || !changed {
			return si, u, err
		}
		si.First.Strategy = account.PhoneCode
		t.Put(p.Client)
		return si, u, nil
	})
}

// AttemptFirstFactor verifies the first factor with a password, an SMS code or a passkey.
func (s *Service) AttemptFirstFactor(ctx context.Context, from tx.Caller, id string, proof Proof) (*SignInResult, error) {
	answer, err := proof.answer()
	if err != nil {
		return nil, err
	}
	return s.signIn(ctx, from, append(signInKeys(id), answerKeys(answer)...), func(t *tx.Tx, p *tx.ClientSession) (*account.SignIn, *account.User, error) {
		si, u, err := current(t, p, id)
		if err != nil {
			return nil, nil, err
		}
		if si.Status() != account.NeedsFirstFactor {
			return nil, nil, apierr.New(apierr.VerificationAlreadyVerified)
		}
		t.CountAddress(from, tx.FirstLimits)
		switch proof.Strategy {
		case account.Password:
			switch {
			case proof.Password.IsZero():
				return nil, nil, apierr.New(apierr.FormParamNil).Param("password")
			case si.Identifier == "": // it began with a passkey, so there is no account to compare with
				return nil, nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
			}
			if si.Identifier == "" { // only a passkey names the user itself
				return nil, nil, apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
			}
			err = verifySignInPassword(t, u, sessions.DeviceOf(t, p.Client, u), claimKeys(s.Engine, si.Identifier)[0], proof.Password)
		case account.PhoneCode:
			if u == nil || !t.State.Settings.FirstFactorPhoneCode {
				return nil, nil, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
			}
			t.Put(p.Client)
			err = verifyFirstFactorCode(t, u, sessions.DeviceOf(t, p.Client, u), proof, firstOfSignIn(si))
		case account.PasskeyProof:
			u, err = provedByPasskey(t, p, si, u, answer, from)
		default:
			err = apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if err != nil {
			return nil, nil, err
		}
		return si, u, provedFirst(t, p, u, si, proof.Strategy, from)
	})
}

// firstOfSignIn returns the challenge of a sign-in's first factor.
func firstOfSignIn(si *account.SignIn) sms.Challenge {
	return sms.Challenge{Code: &si.First.Code, Waiting: &si.First.Waiting, Purpose: account.SignInFirstFactor, Bound: si.ID}
}
