package mfa

import (
	"context"
	"errors"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// ReverificationStatus is a status of the wire protocol.
type ReverificationStatus string

// The statuses.
const (
	ReverifyFirstFactor  ReverificationStatus = "needs_first_factor"
	ReverifySecondFactor ReverificationStatus = "needs_second_factor"
	ReverifyComplete     ReverificationStatus = "complete"
)

// Status is how far the step-up is.
func (r *Reverification) Status() ReverificationStatus {
	switch {
	case r.Level != authority.SecondFactor && r.First.Proved == 0:
		return ReverifyFirstFactor
	case r.Level != authority.FirstFactor && r.Second.Proved == 0:
		return ReverifySecondFactor
	}
	return ReverifyComplete
}

// ReverificationResult is a step-up with what its answer shows.
type ReverificationResult struct {
	Reverification *Reverification
	FirstFactors   []Factor
	SecondFactors  []Factor
	SessionResult
}

// StartReverification begins a step-up in a session. The ages stay what they are until a factor is proved.
func (s *Service) StartReverification(ctx context.Context, from Caller, id string, level authority.Level) (*ReverificationResult, error) {
	if !level.Valid() {
		return nil, apierr.New(apierr.FormParamValueInvalid).Param("level")
	}
	return s.withReverification(ctx, from, id, nil, func(t *txn, caller *signedIn) error {
		caller.session.Verify = &Reverification{
			Level: caller.user.stepUpLevel(level), Expires: t.now.Add(reverificationLife), Generation: caller.user.Generation,
		}
		caller.stage(t)
		return nil
	})
}

// stage stages the session's client.
func (caller *signedIn) stage(t *txn) {
	caller.session.touch(t.now)
	caller.client.touch(t.now)
	t.put(caller.client)
}

func (s *Service) withReverification(ctx context.Context, from Caller, id string, keys []Key, step func(*txn, *signedIn) error) (*ReverificationResult, error) {
	var out ReverificationResult
	r, err := s.withSession(ctx, from, id, authority.StepUp, keys, func(t *txn, caller *signedIn) error {
		if err := step(t, caller); err != nil {
			return err
		}
		shown := *caller.session.Verify
		out.Reverification = &shown
		out.FirstFactors = provableFirst(caller.user, &t.state.settings)
		out.SecondFactors = SecondFactors(caller.user, &t.state.settings)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.SessionResult = *r
	return &out, nil
}

// pendingReverification returns the step-up in progress when it waits for a factor of the given level.
func (t *txn) pendingReverification(caller *signedIn, status ReverificationStatus) (*Reverification, error) {
	r := caller.session.Verify
	if r == nil || r.Expires <= t.now || t.isFuture(r.Expires.Add(-reverificationLife)) || !caller.user.sameGeneration(r.Generation) {
		return nil, apierr.New(apierr.SessionReverificationMissing)
	}
	if r.Status() != status {
		return nil, apierr.New(apierr.InvalidActionForSessionReverification)
	}
	return r, nil
}

// PrepareReverification sends a code for the first (second false) or the second factor of a step-up.
func (s *Service) PrepareReverification(ctx context.Context, from Caller, id string, second bool, by Strategy, phoneID string) (*ReverificationResult, error) {
	return s.withReverification(ctx, from, id, s.numberKeys(phoneID), func(t *txn, caller *signedIn) error {
		if by != PhoneCode {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if second {
			r, err := t.pendingReverification(caller, ReverifySecondFactor)
			if err != nil {
				return err
			}
			return t.prepareSecond(caller.client, caller.user, phoneID, &r.Second, challenge{&r.Second.Code, ReverifySecond, id}, from)
		}
		r, err := t.pendingReverification(caller, ReverifyFirstFactor)
		if err != nil {
			return err
		}
		ph := caller.user.phone(phoneID)
		if ph == nil || !ph.isFirstFactor() || !t.state.settings.FirstFactorPhoneCode {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := t.checkFirstLimits(caller.user, t.knownDevice(caller.client, caller.user)); err != nil {
			return err
		}
		r.First.Strategy = PhoneCode
		caller.stage(t)
		return t.sendCode(caller.user, ph, challenge{&r.First.Code, ReverifyFirst, id}, from, t.knownDevice(caller.client, caller.user))
	})
}

// AttemptReverification proves the first (second false) or the second factor of a step-up.
func (s *Service) AttemptReverification(ctx context.Context, from Caller, id string, second bool, g Proof) (*ReverificationResult, error) {
	var memo passwordMemo
	return s.withReverification(ctx, from, id, ticketKeys(g.Ticket), func(t *txn, caller *signedIn) error {
		if !second {
			t.countAddress(from, firstLimits)
			return t.endSessionOnLock(caller, &caller.user.FirstFailures, t.reverifyFirstFactor(caller, g, &memo))
		}
		t.countAddress(from, attemptLimits)
		r, err := t.pendingReverification(caller, ReverifySecondFactor)
		if err != nil {
			return err
		}
		t.put(caller.client)
		known := t.knownDevice(caller.client, caller.user)
		if err := t.verifySecondFactor(caller.user, known, g, secondFactorAttempt{&r.Second, challenge{&r.Second.Code, ReverifySecond, id}}); err != nil {
			return t.endSessionOnLock(caller, &caller.user.SecondFailures, err)
		}
		r.Second = Attempt{Strategy: g.Strategy, Proved: t.now}
		t.rememberDevice(caller.client, caller.user)
		caller.provedSecond(t, g.Strategy)
		return nil
	})
}

// endSessionOnLock ends a session in which somebody guessed until the lock: it may be stolen. The verdict stays what it is.
// The guesses are at the first or at a second factor.
func (t *txn) endSessionOnLock(caller *signedIn, at *FailureCounters, verdict error) error {
	if !errors.As(verdict, new(refusal)) || at.of(t.knownDevice(caller.client, caller.user)).LockedUntil <= t.now {
		return verdict
	}
	if err := t.end(caller.client, caller.session.ID, SessionRevoked); err != nil {
		return err
	}
	return verdict
}

func (t *txn) reverifyFirstFactor(caller *signedIn, g Proof, memo *passwordMemo) error {
	r, err := t.pendingReverification(caller, ReverifyFirstFactor)
	if err != nil {
		return err
	}
	switch g.Strategy {
	case Password:
		if g.Password.IsZero() {
			return apierr.New(apierr.FormParamNil).Param("password")
		}
		if caller.user.Password == "" {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := t.verifyPassword(caller.user, t.knownDevice(caller.client, caller.user), g.Password, memo, apierr.FormPasswordIncorrect); err != nil {
			return err
		}
	case PhoneCode:
		t.put(caller.client)
		if err := t.verifyFirstFactorCode(caller.user, t.knownDevice(caller.client, caller.user), g, challenge{&r.First.Code, ReverifyFirst, caller.session.ID}); err != nil {
			return err
		}
	case TicketCode:
		if err := t.renewingTicket(caller, g.Ticket); err != nil {
			return err
		}
	default:
		return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
	}
	r.First = Attempt{Strategy: g.Strategy, Proved: t.now}
	caller.provedFirst(t, g.Strategy)
	return nil
}

// reverified stages a session in which a factor was proved again.
func (caller *signedIn) reverified(t *txn) {
	caller.stage(t)
	t.put(caller.user)
	if n, ok := parseSession(caller.session.ID); ok {
		t.record(caller.user, EventReverified, n.subject(caller.session.CreatedAt))
	}
}
