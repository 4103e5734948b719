// Package recovery removes a user's second factors without an administrator: slowly, so that the
// owner of the account can cancel it.
//
// A person who proved the first factor of a sign-in asks for it. The user's channels are told at
// once and each day. A proof of a second factor, a session that proved one, a change of the
// password or of a factor (package sessions), and the Backend API cancel the request. After the
// days of the settings the cleanup removes the second factors.
package recovery

import (
	"cmp"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// requestRules limit the requests of a user, cancelled ones included. Each costs messages.
var requestRules = []ratelimit.Rule{{Limit: 3, Window: 30 * 24 * time.Hour}}

// Request begins the recovery of a user who proved a first factor. A second request changes
// nothing. The errors are [apierr.FeatureNotEnabled] while the settings have no recovery, and
// [apierr.TooManyRequests] for a fourth request in 30 days.
func Request(t *tx.Tx, u *account.User) error {
	wait := t.State.Settings.RecoveryTime()
	if wait == 0 {
		return apierr.New(apierr.FeatureNotEnabled)
	}
	if t.State.Settings.RecoveryOf(u) != nil {
		return nil
	}
	Cancel(t, u) // a request from before recovery was last switched on
	if until := u.RecoveryLog.Wait(t.Now.Time(), requestRules...); until > 0 {
		return apierr.New(apierr.TooManyRequests).Retry(until)
	}
	u.RecoveryLog = u.RecoveryLog.Add(t.Now.Time(), requestRules...)
	t.Language = cmp.Or(u.Language, t.Language)
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

// overdue is the age of the last message from which the cleanup missed a reminder: the service was
// down, and the owner could not cancel.
const overdue = 2 * account.RecoveryReminder

// Step does what a request has due: a reminder, or the removal. The request of a banned or locked
// user ends, and so does each one while the settings have no recovery. Longer days of the settings
// hold for a request under way; shorter ones do not. After a reminder that came too late, a request
// waits for another day. Step reports whether it removed the second factors: the caller then ends
// the user's sessions.
func Step(t *tx.Tx, u *account.User) (removed bool) {
	if u.Recovery == nil {
		return false
	}
	r := t.State.Settings.RecoveryOf(u)
	if r == nil || u.Banned || u.LockedUntil > t.Now || !u.TwoFactorEnabled() {
		Cancel(t, u)
		return false
	}
	t.Language = r.Language
	r.CompletesAt = max(r.CompletesAt, r.RequestedAt.Add(t.State.Settings.RecoveryTime()))
	if r.ToldAt.Add(overdue) <= t.Now {
		r.CompletesAt = max(r.CompletesAt, t.Now.Add(account.RecoveryReminder))
	}
	switch {
	case r.CompletesAt <= t.Now:
		complete(t, u)
		return true
	case r.NextStep() <= t.Now:
		r.ToldAt = t.Now
		record(t, u, eventtype.RecoveryReminder)
	}
	return false
}

// complete removes the second factors. The next sign-in asks for a new one. Passkeys stay: with
// them the owner gets in again.
func complete(t *tx.Tx, u *account.User) {
	u.Recovery = nil
	codes := u.Backup
	u.LoseNumbers()
	u.RemoveSecondFactors()
	u.SettleFactors(t.Now)
	if u.RequiredFrom == 0 || u.RequiredFrom > t.Now {
		u.RequiredFrom = t.Now
	}
	record(t, u, eventtype.RecoveryCompleted)
	if codes != nil {
		audit.Record(t, u, eventtype.BackupRemoved, codes.Subject())
	}
}

func record(t *tx.Tx, u *account.User, name eventtype.Name) {
	u.Touch(t.Now)
	t.Put(u)
	audit.Record(t, u, name, account.Subject{})
}
