package mfa

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// numberGuessRules limit the wrong codes for one number over all users: an attacker with many
// accounts could else guess at a number that is not theirs for ever.
var numberGuessRules = []ratelimit.Rule{{Limit: 20, Window: numberGuessWindow}}

const numberGuessWindow = 30 * 24 * time.Hour

// mayVerify asks what the session must have proved to verify a number. A number that becomes a
// factor with it asks again for all that a change of factors asks for, the settings too.
func (t *txn) mayVerify(in *signedIn, ph *Phone) error {
	wanted := ph.wanted(in.nonce(), t.now)
	if wanted || t.state.settings.FirstFactorPhoneCode {
		if err := t.may(in, authority.EnrolNumber); err != nil {
			return err
		}
	}
	if wanted {
		return t.mayReserve(ph)
	}
	return nil
}

// mayGuessNumber refuses codes for a number while the budget of the user or of the number is spent.
func (t *txn) mayGuessNumber(in *signedIn, ph *Phone) error {
	if err := t.mayGuess(in.user, t.knows(in.client, in.user)); err != nil {
		return err
	}
	log, err := t.sendsTo(ph)
	if err != nil {
		return err
	}
	if wait := log.Wrong.Wait(t.now.Time(), numberGuessRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// wrongNumberCode counts a wrong code: on the user like a wrong second factor, on the intent to use
// the number as one, and on the number. The one that locks the user ends the session.
func (t *txn) wrongNumberCode(in *signedIn, ph *Phone) error {
	t.note(in.user, EventCodeWrong, ph.subject())
	ph.Wrong++
	if ph.Wrong >= authority.PendingTries || ph.Pending.failed() {
		ph.forgetIntent()
	}
	if err := t.failNumber(ph); err != nil {
		return err
	}
	t.failSecond(in.user, t.knows(in.client, in.user))
	return t.endGuessing(in, &in.user.Second, t.refuse(wrongCode()))
}

// failNumber counts a wrong code on the number. The code of a test number is known, so none is guessed.
func (t *txn) failNumber(ph *Phone) error {
	number, err := phone.New(ph.Number, ph.Country, ph.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	if t.isTest(number) {
		return nil
	}
	log, err := t.sendsTo(ph)
	if err != nil {
		return err
	}
	log.Wrong = log.Wrong.Add(t.now.Time(), numberGuessRules...)
	log.End = max(log.End, t.now.Add(numberGuessWindow))
	t.put(log)
	return nil
}
