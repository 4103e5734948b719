package mfa

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// WrongNumberCodeRules limit the wrong codes for one number over all users. Without them an
// attacker with many accounts could guess without end at the codes of another person's number.
var WrongNumberCodeRules = []ratelimit.Rule{{Limit: 20, Window: wrongNumberCodeWindow}}

const wrongNumberCodeWindow = 30 * 24 * time.Hour

// checkMayVerify checks what the session must have proved to verify a number. A number that becomes
// a factor needs what any change of factors needs.
func checkMayVerify(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone) error {
	wanted := ph.BecomesFactor(caller.Nonce(), t.Now)
	if wanted || t.State.Settings.FirstFactorPhoneCode {
		if err := sessions.RequireProof(t, caller, authority.EnrolNumber); err != nil {
			return err
		}
	}
	if wanted {
		return checkMayReserve(t, ph)
	}
	return nil
}

// checkNumberLimits refuses codes for a number while the user or the number has too many failures.
func checkNumberLimits(t *tx.Tx, u *account.User, device account.Device, ph *account.Phone) error {
	if err := checkSecondLimits(t, u, device); err != nil {
		return err
	}
	log, err := sms.NumberRecord(t, ph)
	if err != nil {
		return err
	}
	if wait := log.Wrong.Wait(t.Now.Time(), WrongNumberCodeRules...); wait > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(wait)
	}
	return nil
}

// recordWrongNumberCode counts a wrong code for a new number: on the user like a wrong second
// factor, on the enrolment as a factor, and on the number. If that locks the user, the session
// ends.
func recordWrongNumberCode(t *tx.Tx, caller *tx.SignedIn, ph *account.Phone) error {
	audit.Record(t, caller.User, eventtype.CodeWrong, ph.Subject())
	ph.Wrong++
	if ph.Wrong >= authority.PendingTries || ph.Pending.Failed() {
		ph.CancelEnrolment()
	}
	if err := recordNumberFailure(t, ph); err != nil {
		return err
	}
	recordFailure(t, caller.User, sessions.DeviceOf(t, caller.Client, caller.User))
	return endSessionOnLock(t, caller, &caller.User.SecondFailures, t.Refuse(wrongCode()))
}

// recordNumberFailure counts a wrong code on the number. The code of a test number is public, so
// there is nothing to guess.
func recordNumberFailure(t *tx.Tx, ph *account.Phone) error {
	number, err := phone.New(ph.Number, ph.Country, ph.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	if sms.IsTest(t, number) {
		return nil
	}
	log, err := sms.NumberRecord(t, ph)
	if err != nil {
		return err
	}
	log.Wrong = log.Wrong.Add(t.Now.Time(), WrongNumberCodeRules...)
	log.End = max(log.End, t.Now.Add(wrongNumberCodeWindow))
	t.Put(log)
	return nil
}
