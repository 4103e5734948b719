package mfa

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// This file refuses and counts guesses: check… before a comparison, record… after a wrong one.

// LockedByOperator is [account.Locked] for a lock by an operator: pages do not blame wrong codes.
func LockedByOperator(left time.Duration) error {
	return apierr.From(account.Locked(left)).With("reason", "operator").Explain("The team behind this application paused sign-in for the account.")
}

// checkFirstLimits refuses a guess at a first factor while the user is locked or must wait.
func checkFirstLimits(t *tx.Tx, u *account.User, device account.Device) error {
	if u.LockedUntil > t.Now {
		return LockedByOperator(u.LockedUntil.Sub(t.Now))
	}
	return u.FirstFailures.Check(t.Now, device)
}

// checkSecondLimits refuses a guess at a second factor while the user is locked or must wait, or
// while the failure log is full. Nothing is written then.
func checkSecondLimits(t *tx.Tx, u *account.User, device account.Device) error {
	p := t.Policy()
	end := max(u.SecondFailures.Of(device).LockedUntil, u.FailureLog.FullUntil(t.Now, p.WindowLimit(device), p.FailureWindow))
	if u.LockedUntil > t.Now && u.LockedUntil >= end {
		return LockedByOperator(u.LockedUntil.Sub(t.Now))
	}
	if end > t.Now {
		return account.Locked(end.Sub(t.Now))
	}
	return u.SecondFailures.Check(t.Now, device)
}

// recordFirstFailure counts a wrong password or first-factor code on the user, and on the calling
// device if it is remembered.
func recordFirstFailure(t *tx.Tx, u *account.User, device account.Device, event eventtype.Name, what account.Subject) {
	u.FirstFailures.Fail(t.Now, t.Policy(), device)
	sessions.CountWrong(t, u)
	audit.Record(t, u, event, what)
}

// recordWrongCode counts a wrong second-factor code everywhere: on the attempt, on the
// authenticator, whose count is failures, and on the user. It returns the refusal that commits the
// counters.
func recordWrongCode(t *tx.Tx, u *account.User, device account.Device, attempt *account.Attempt, failures *int, what account.Subject) error {
	attempt.Wrong++
	*failures++
	audit.Record(t, u, eventtype.CodeWrong, what)
	if *failures == account.FailuresPerFactor {
		audit.Record(t, u, eventtype.FactorDisabled, what)
	}
	recordFailure(t, u, device)
	return t.Refuse(wrongCode())
}

// recordFailure counts a wrong code on the user: in a row, and in the failure log of the last 30
// days. A new lock emits user.locked.
func recordFailure(t *tx.Tx, u *account.User, device account.Device) {
	before := u.LastLockEnd(t.Now)
	u.FailureLog = u.FailureLog.Add(t.Now, t.Policy().FailureWindow)
	u.SecondFailures.Fail(t.Now, t.Policy(), device)
	if u.LastLockEnd(t.Now) > max(before, t.Now) {
		audit.Record(t, u, eventtype.UserLocked, account.Subject{})
		u.Touch(t.Now)
	}
	t.Put(u)
}
