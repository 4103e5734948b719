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
	return s.reverifying(ctx, from, id, nil, func(t *txn, in *signedIn) error {
		in.session.Verify = &Reverification{
			Level: in.user.stepUpLevel(level), Expires: t.now.Add(reverificationLife), Generation: in.user.Generation,
		}
		in.changed(t)
		return nil
	})
}

// changed stages the session's client.
func (in *signedIn) changed(t *txn) {
	in.session.touch(t.now)
	in.client.touch(t.now)
	t.put(in.client)
}

func (s *Service) reverifying(ctx context.Context, from Caller, id string, keys []Key, step func(*txn, *signedIn) error) (*ReverificationResult, error) {
	var out ReverificationResult
	r, err := s.withSession(ctx, from, id, authority.StepUp, keys, func(t *txn, in *signedIn) error {
		if err := step(t, in); err != nil {
			return err
		}
		shown := *in.session.Verify
		out.Reverification = &shown
		out.FirstFactors = provableFirst(in.user, &t.state.settings)
		out.SecondFactors = SecondFactors(in.user, &t.state.settings)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.SessionResult = *r
	return &out, nil
}

// waiting returns the step-up in progress when it waits for a factor of the given level.
func (t *txn) waiting(in *signedIn, status ReverificationStatus) (*Reverification, error) {
	r := in.session.Verify
	if r == nil || r.Expires <= t.now || t.future(r.Expires.Add(-reverificationLife)) || !in.user.current(r.Generation) {
		return nil, apierr.New(apierr.SessionReverificationMissing)
	}
	if r.Status() != status {
		return nil, apierr.New(apierr.InvalidActionForSessionReverification)
	}
	return r, nil
}

// PrepareReverification sends a code for the first (second false) or the second factor of a step-up.
func (s *Service) PrepareReverification(ctx context.Context, from Caller, id string, second bool, by Strategy, phoneID string) (*ReverificationResult, error) {
	return s.reverifying(ctx, from, id, s.numberKeys(phoneID), func(t *txn, in *signedIn) error {
		if by != PhoneCode {
			return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
		}
		if second {
			r, err := t.waiting(in, ReverifySecondFactor)
			if err != nil {
				return err
			}
			return t.prepareSecond(in.client, in.user, phoneID, &r.Second, slot{&r.Second.Code, ReverifySecond, id}, from)
		}
		r, err := t.waiting(in, ReverifyFirstFactor)
		if err != nil {
			return err
		}
		ph := in.user.phone(phoneID)
		if ph == nil || !ph.isFirstFactor() || !t.state.settings.FirstFactorPhoneCode {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := t.mayGuessFirst(in.user, t.knows(in.client, in.user)); err != nil {
			return err
		}
		r.First.Strategy = PhoneCode
		in.changed(t)
		return t.sendCode(in.user, ph, slot{&r.First.Code, ReverifyFirst, id}, from, t.knows(in.client, in.user))
	})
}

// AttemptReverification proves the first (second false) or the second factor of a step-up.
func (s *Service) AttemptReverification(ctx context.Context, from Caller, id string, second bool, g Guess) (*ReverificationResult, error) {
	var memo passwordMemo
	return s.reverifying(ctx, from, id, ticketKeys(g.Ticket), func(t *txn, in *signedIn) error {
		if !second {
			t.takeAddress(from, firstLimits)
			return t.endGuessing(in, &in.user.First, t.reproveFirst(in, g, &memo))
		}
		t.takeAddress(from, attemptLimits)
		r, err := t.waiting(in, ReverifySecondFactor)
		if err != nil {
			return err
		}
		t.put(in.client)
		known := t.knows(in.client, in.user)
		if err := t.proveSecond(in.user, known, g, verification{&r.Second, slot{&r.Second.Code, ReverifySecond, id}}); err != nil {
			return t.endGuessing(in, &in.user.Second, err)
		}
		r.Second = Attempt{Strategy: g.Strategy, Proved: t.now}
		t.learn(in.client, in.user)
		in.provedSecond(t, g.Strategy)
		return nil
	})
}

// endGuessing ends a session in which somebody guessed until the lock: it may be stolen. The verdict stays what it is.
// The guesses are at the first or at a second factor.
func (t *txn) endGuessing(in *signedIn, at *Lanes, verdict error) error {
	if !errors.As(verdict, new(refusal)) || at.of(t.knows(in.client, in.user)).LockedUntil <= t.now {
		return verdict
	}
	if err := t.end(in.client, in.session.ID, SessionRevoked); err != nil {
		return err
	}
	return verdict
}

func (t *txn) reproveFirst(in *signedIn, g Guess, memo *passwordMemo) error {
	r, err := t.waiting(in, ReverifyFirstFactor)
	if err != nil {
		return err
	}
	switch g.Strategy {
	case Password:
		if g.Password.IsZero() {
			return apierr.New(apierr.FormParamNil).Param("password")
		}
		if in.user.Password == "" {
			return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
		}
		if err := t.provePassword(in.user, t.knows(in.client, in.user), g.Password, memo, apierr.FormPasswordIncorrect); err != nil {
			return err
		}
	case PhoneCode:
		t.put(in.client)
		if err := t.proveFirstPhone(in.user, t.knows(in.client, in.user), g, slot{&r.First.Code, ReverifyFirst, in.session.ID}); err != nil {
			return err
		}
	case TicketCode:
		if err := t.renewingTicket(in, g.Ticket); err != nil {
			return err
		}
	default:
		return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
	}
	r.First = Attempt{Strategy: g.Strategy, Proved: t.now}
	in.provedFirst(t, g.Strategy)
	return nil
}

// reverified stages a session in which a factor was proved again.
func (in *signedIn) reverified(t *txn) {
	in.changed(t)
	t.put(in.user)
	if n, ok := parseSession(in.session.ID); ok {
		t.note(in.user, EventReverified, n.subject(in.session.CreatedAt))
	}
}
