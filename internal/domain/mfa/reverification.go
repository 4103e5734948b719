package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// ReverificationResult is a step-up with the factors that the user may prove.
type ReverificationResult struct {
	Reverification *account.Reverification
	FirstFactors   []factors.Factor
	SecondFactors  []factors.Factor
	sessions.Result
}

// StartReverification begins a step-up in a session. The proofs of the session keep their ages
// until a factor is verified.
func (s *Service) StartReverification(ctx context.Context, from tx.Caller, id string, level authority.Level) (*ReverificationResult, error) {
	if !level.Valid() {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("level")
	}
	return s.withReverification(ctx, from, id, nil, func(t *tx.Tx, caller *tx.SignedIn) error {
		before := caller.Session.Verify
		caller.Session.Verify = &account.Reverification{
			Level: caller.User.StepUpLevel(level), Expires: t.Now.Add(account.ReverificationLife), Generation: caller.User.Generation,
		}
		if before != nil {
			r := caller.Session.Verify
			r.First.Waiting = sms.Carry(t, caller.User, firstOfStepUp(before, id), firstOfStepUp(r, id))
			r.Second.Waiting = sms.Carry(t, caller.User, secondOfStepUp(before, id).Challenge, secondOfStepUp(r, id).Challenge)
		}
		sessions.Stage(t, caller)
		return nil
	})
}

// withReverification runs one step of a step-up and builds the answer.
func (s *Service) withReverification(ctx context.Context, from tx.Caller, id string, keys []store.Key, step func(*tx.Tx, *tx.SignedIn) error) (*ReverificationResult, error) {
	return sessions.RunSession(ctx, s.Service, from, id, authority.StepUp, func(t *tx.Tx, caller *tx.SignedIn) (*ReverificationResult, error) {
		if err := step(t, caller); err != nil {
			return nil, err
		}
		session, step := *caller.Session, *caller.Session.Verify
		return &ReverificationResult{
			Reverification: &step,
			FirstFactors:   firstOfSession(t, caller),
			SecondFactors:  factors.SecondAfter(sessions.FirstMethod(caller.Session), caller.User, &t.State.Settings),
			Result:         sessions.Result{Session: &session, User: caller.User},
		}, nil
	}, keys...)
}

// pendingReverification returns the session's step-up if it has the status.
func pendingReverification(t *tx.Tx, caller *tx.SignedIn, status account.ReverificationStatus) (*account.Reverification, error) {
	r := caller.Session.Verify
	if r == nil || r.Expires <= t.Now || t.IsFuture(r.Expires.Add(-account.ReverificationLife)) || !caller.User.SameGeneration(r.Generation) {
		return nil, apierr.New(apierr.SessionReverificationMissing)
	}
	if r.Status() != status {
		return nil, apierr.New(apierr.InvalidActionForSessionReverification)
	}
	return r, nil
}

// PrepareReverificationFirstFactor sends a code for the first factor of a step-up, or makes a
// challenge for a passkey.
func (s *Service) PrepareReverificationFirstFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*ReverificationResult, error) {
	return s.withReverification(ctx, from, id, s.numberKeys(phoneID), func(t *tx.Tx, caller *tx.SignedIn) error {
		if by != account.PhoneCode && by != account.PasskeyProof {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		r, err := pendingReverification(t, caller, account.ReverifyFirstFactor)
		if err != nil {
			return err
		}
		if by == account.PasskeyProof {
			return prepareStepUpPasskey(t, caller, r, from)
		}
		ph := caller.User.Phone(phoneID)
		if ph == nil || !ph.IsFirstFactor() || !t.State.Settings.FirstFactorPhoneCode {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := checkFirstLimits(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User)); err != nil {
			return err
		}
		changed, err := sms.SendCode(t, caller.User, ph, firstOfStepUp(r, id), from, sessions.DeviceOf(t, caller.Client, caller.User))
		if err != nil || !changed {
			return err
		}
		r.First.Strategy = account.PhoneCode
		sessions.Stage(t, caller)
		return nil
	})
}

// PrepareReverificationSecondFactor sends a code for the second factor of a step-up, or makes a
// challenge for a passkey.
func (s *Service) PrepareReverificationSecondFactor(ctx context.Context, from tx.Caller, id string, by account.Strategy, phoneID string) (*ReverificationResult, error) {
	return s.withReverification(ctx, from, id, s.numberKeys(phoneID), func(t *tx.Tx, caller *tx.SignedIn) error {
		r, err := pendingReverification(t, caller, account.ReverifySecondFactor)
		if err != nil {
			return err
		}
		return waitingStepUp(caller, r).prepare(t, by, phoneID, from)
	})
}

// AttemptReverificationFirstFactor verifies the first factor of a step-up.
func (s *Service) AttemptReverificationFirstFactor(ctx context.Context, from tx.Caller, id string, proof Proof) (*ReverificationResult, error) {
	answer, err := proof.answer()
	if err != nil {
		return nil, err
	}
	return s.withReverification(ctx, from, id, ticketKeys(proof.Ticket), func(t *tx.Tx, caller *tx.SignedIn) error {
		t.CountAddress(from, tx.FirstLimits)
		return endSessionOnLock(t, caller, &caller.User.FirstFailures, reverifyFirstFactor(t, caller, proof, answer, from))
	})
}

// AttemptReverificationSecondFactor verifies the second factor of a step-up.
func (s *Service) AttemptReverificationSecondFactor(ctx context.Context, from tx.Caller, id string, proof Proof) (*ReverificationResult, error) {
	answer, err := proof.answer()
	if err != nil {
		return nil, err
	}
	return s.withReverification(ctx, from, id, nil, func(t *tx.Tx, caller *tx.SignedIn) error {
		t.CountAddress(from, tx.AttemptLimits)
		r, err := pendingReverification(t, caller, account.ReverifySecondFactor)
		if err != nil {
			return err
		}
		if err := waitingStepUp(caller, r).verify(t, proof, answer, from); err != nil {
			return endSessionOnLock(t, caller, &caller.User.SecondFailures, err)
		}
		sessions.ProvedSecond(t, caller, proof.Strategy)
		return nil
	})
}

// endSessionOnLock ends a session whose guesses locked the user: it may be stolen. at are the
// failures of the factors that were guessed. It returns the verdict unless ending the session
// fails.
func endSessionOnLock(t *tx.Tx, caller *tx.SignedIn, at *account.FailureCounters, verdict error) error {
	if !t.Refused() || at.Of(sessions.DeviceOf(t, caller.Client, caller.User)).LockedUntil <= t.Now {
		return verdict
	}
	if err := sessions.End(t, caller.Client, caller.Session.ID, account.SessionRevoked); err != nil {
		return err
	}
	return verdict
}

// reverifyFirstFactor verifies the first factor of the caller's step-up: a password, an SMS code, a
// ticket or a passkey.
func reverifyFirstFactor(t *tx.Tx, caller *tx.SignedIn, proof Proof, answer passkeys.Answer, from tx.Caller) error {
	r, err := pendingReverification(t, caller, account.ReverifyFirstFactor)
	if err != nil {
		return err
	}
	switch proof.Strategy {
	case account.Password:
		if proof.Password.IsZero() {
			return apierr.New(apierr.FormParamNil).Param("password")
		}
		if caller.User.Password == "" {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := VerifyPassword(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User), proof.Password); err != nil {
			return err
		}
	case account.PhoneCode:
		t.Put(caller.Client)
		if err := verifyFirstFactorCode(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User), proof, firstOfStepUp(r, caller.Session.ID)); err != nil {
			return err
		}
	case account.TicketCode:
		if err := renewingTicket(t, caller, proof.Ticket); err != nil {
			return err
		}
	case account.PasskeyProof:
		if err := reverifyByPasskey(t, caller, r, answer, from); err != nil {
			return err
		}
	default:
		return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
	}
	r.First = account.Attempt{Strategy: proof.Strategy, Proved: t.Now}
	sessions.ProvedFirst(t, caller, proof.Strategy)
	return nil
}

// firstOfStepUp returns the challenge of the first factor of a session's step-up.
func firstOfStepUp(r *account.Reverification, session string) sms.Challenge {
	return sms.Challenge{Code: &r.First.Code, Waiting: &r.First.Waiting, Purpose: account.ReverifyFirst, Bound: session}
}

// secondOfStepUp returns the attempt of a session's step-up at its second factor.
func secondOfStepUp(r *account.Reverification, session string) SecondFactorAttempt {
	return SecondFactorAttempt{&r.Second, sms.Challenge{Code: &r.Second.Code, Waiting: &r.Second.Waiting, Purpose: account.ReverifySecond, Bound: session}}
}

// waitingStepUp returns a step-up of the caller's session that waits for its second factor.
func waitingStepUp(caller *tx.SignedIn, r *account.Reverification) secondFactor {
	return secondFactor{caller.Client, caller.User, sessions.FirstMethod(caller.Session), secondOfStepUp(r, caller.Session.ID)}
}
