package mfa

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// wrongNumberCodeRules limit the wrong codes for one number over all users: an attacker with many
// accounts could else guess at a number that is not theirs for ever.
var wrongNumberCodeRules = []ratelimit.Rule{{Limit: 20, Window: wrongNumberCodeWindow}}

const wrongNumberCodeWindow = 30 * 24 * time.Hour

// checkMayVerify asks what the session must have proved to verify a number. A number that becomes a
// subjectOf with it asks again for all that a change of factors asks for, the settings too.
func (t *txn) checkMayVerify(caller *signedIn, ph *Phone) error {
	wanted := ph.becomesFactor(caller.nonce(), t.now)
	if wanted || t.state.settings.FirstFactorPhoneCode {
		if err := t.requireProof(caller, authority.EnrolNumber); err != nil {
			return err
		}
	}
	if wanted {
		return t.checkMayReserve(ph)
	}
	return nil
}

// checkNumberLimits refuses codes for a number while the budget of the user or of the number is spent.
func (t *txn) checkNumberLimits(caller *signedIn, ph *Phone) error {
	if err := t.checkSecondLimits(caller.user, t.knownDevice(caller.client, caller.user)); err != nil {
		return err
	}
	log, err := t.numberRecord(ph)
	if err != nil {
		return err
	}
	if wait := log.Wrong.Wait(t.now.Time(), wrongNumberCodeRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// wrongNumberCode counts a wrong code: on the user like a wrong second factor, on the intent to use
// the number as one, and on the number. The one that locks the user ends the session.
func (t *txn) wrongNumberCode(caller *signedIn, ph *Phone) error {
	t.record(caller.user, EventCodeWrong, ph.subject())
	ph.Wrong++
	if ph.Wrong >= authority.PendingTries || ph.Pending.failed() {
		ph.cancelEnrolment()
	}
	if err := t.countNumberFailure(ph); err != nil {
		return err
	}
	t.countSecondFailure(caller.user, t.knownDevice(caller.client, caller.user))
	return t.endSessionOnLock(caller, &caller.user.SecondFailures, t.refuse(wrongCode()))
}

// countNumberFailure counts a wrong code on the number. The code of a test number is known, so none is guessed.
func (t *txn) countNumberFailure(ph *Phone) error {
	number, err := phone.New(ph.Number, ph.Country, ph.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	if t.isTest(number) {
		return nil
	}
	log, err := t.numberRecord(ph)
	if err != nil {
		return err
	}
	log.Wrong = log.Wrong.Add(t.now.Time(), wrongNumberCodeRules...)
	log.End = max(log.End, t.now.Add(wrongNumberCodeWindow))
	t.put(log)
	return nil
}
