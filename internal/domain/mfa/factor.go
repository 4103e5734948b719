package mfa

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// factorEnrolled settles a user's factors after one was added. It returns new backup codes if the
// user has none.
func factorEnrolled(t *tx.Tx, u *account.User, what account.Subject) ([]string, error) {
	u.SettleFactors(t.Now)
	audit.Record(t, u, eventtype.FactorAdded, what)
	if u.BackupCodesEnabled() || !t.State.Settings.BackupCodes {
		return nil, nil
	}
	return makeBackupCodes(t, u)
}

// checkMayRemove refuses a change that would leave a user without a second factor while one is
// required.
func checkMayRemove(t *tx.Tx, u *account.User, change func(*account.User)) error {
	if !u.NeedsMFA(t.Now) || !u.TwoFactorEnabled() {
		return nil
	}
	after := *u
	after.Phones = slices.Clone(u.Phones)
	change(&after)
	if after.TwoFactorEnabled() {
		return nil
	}
	return apierr.New(apierr.SecondFactorDeletionNotAllowed)
}

// FactorRemoved settles a user's factors after one was removed, and records the event name. Backup
// codes go with the last factor.
func FactorRemoved(t *tx.Tx, u *account.User, name eventtype.Name, what account.Subject) {
	codes := u.Backup
	u.SettleFactors(t.Now)
	audit.Record(t, u, name, what)
	if codes != nil && u.Backup == nil {
		audit.Record(t, u, eventtype.BackupRemoved, codes.Subject())
	}
}
