// Package recovery removes a user's second factors without an administrator: slowly, so that the
// owner of the account can cancel it.
//
// A person who proved the first factor of a sign-in asks for it. The user's channels are told at
// once and each day. A proof of a second factor, a session that proved one, and the Backend API
// cancel the request. After the days of the settings the cleanup removes the second factors.
package recovery

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// requestRules limit the requests of a user, cancelled ones included. Each costs messages.
var requestRules = []ratelimit.Rule{{Limit: 3, Window: 30 * 24 * time.Hour}}

// Request begins the recovery of a user whose first factor was proved. A second request changes
// nothing. The errors are [apierr.FeatureNotEnabled] while the settings have no recovery, and
// [apierr.TooManyRequests] for a fourth request in 30 days.
func Request(t *tx.Tx, u *account.User) error {
	wait := t.State.Settings.RecoveryTime()
	if wait == 0 {
		return apierr.New(apierr.FeatureNotEnabled)
	}
	if u.Recovery != nil {
		return nil
	}
	if until := u.RecoveryLog.Wait(t.Now.Time(), requestRules...); until > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(until)
	}
	u.RecoveryLog = u.RecoveryLog.Add(t.Now.Time(), requestRules...)
	u.Recovery = &account.Recovery{RequestedAt: t.Now, CompletesAt: t.Now.Add(wait), ToldAt: t.Now, Language: t.Language}
	record(t, u, eventtype.RecoveryRequested)
	return nil
}

// Cancel ends a request, if there is one, and reports whether there was.
func Cancel(t *tx.Tx, u *account.User) bool {
	if u.Recovery == nil {
		return false
	}
	u.Recovery = nil
	record(t, u, eventtype.RecoveryCancelled)
	return true
}

// Step does what a request has due: a reminder, or the removal. The request of a banned or locked
// user ends, and so does each one while the settings have no recovery.
// Longer days of the settings hold for a request under way; shorter ones do not.
func Step(t *tx.Tx, u *account.User) {
	r := u.Recovery
	if r == nil {
		return
	}
	wait := t.State.Settings.RecoveryTime()
	if wait == 0 || u.Banned || u.LockedUntil > t.Now || !u.TwoFactorEnabled() {
		Cancel(t, u)
		return
	}
	t.Language = r.Language
	r.CompletesAt = max(r.CompletesAt, r.RequestedAt.Add(wait))
	switch {
	case r.CompletesAt <= t.Now:
		complete(t, u)
	case r.NextStep() <= t.Now:
		r.ToldAt = t.Now
		record(t, u, eventtype.RecoveryReminder)
	}
}

// complete removes the second factors and ends all sessions. The next sign-in asks for a new second
// factor.
func complete(t *tx.Tx, u *account.User) {
	u.Recovery = nil
	codes := u.Backup
	u.RemoveSecondFactors()
	u.SettleFactors(t.Now)
	if u.RequiredFrom == 0 || u.RequiredFrom > t.Now {
		u.RequiredFrom = t.Now
	}
	record(t, u, eventtype.RecoveryCompleted)
	if codes != nil {
		audit.Record(t, u, eventtype.BackupRemoved, codes.Subject())
	}
	sessions.SignOutAll(t, u)
}

func record(t *tx.Tx, u *account.User, name eventtype.Name) {
	u.Touch(t.Now)
	t.Put(u)
	audit.Record(t, u, name, account.Subject{})
}
