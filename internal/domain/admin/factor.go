package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Lock locks a user for an hour.
func (s *Service) Lock(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		u.LockedUntil = t.Now.Add(account.LockTime)
		recovery.Cancel(t, u)
		u.Touch(t.Now)
		audit.Record(t, u, eventtype.UserLocked, account.Subject{})
		return nil
	})
}

// Unlock ends all locks and waits of a user and clears the failure log. An authenticator that too
// many failures disabled stays disabled (SP 800-63B-4 section 3.2.2).
func (s *Service) Unlock(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		u.LockedUntil, u.FailureLog = 0, nil
		u.FirstFailures.Clear()
		u.SecondFailures.Clear()
		u.Touch(t.Now)
		audit.Record(t, u, eventtype.UserUnlocked, account.Subject{})
		return nil
	})
}

// VerifyTOTP verifies an authenticator or backup code for the team's server. The code cannot be
// used again. A wrong one counts like that of an unknown device.
func (s *Service) VerifyTOTP(ctx context.Context, id string, code secret.Value) (account.Strategy, error) {
	by := account.TOTPCode
	if _, ok := sms.ReadCode(code.Reveal()); !ok {
		by = account.BackupCode
	}
	err := s.Admin(ctx, id, func(t *tx.Tx, u *account.User) error {
		if u.Banned {
			return apierr.New(apierr.UserBanned)
		}
		if by == account.TOTPCode && !u.TOTPEnabled() {
			return apierr.New(apierr.TOTPDisabled)
		}
		return mfa.VerifySecondFactor(t, u, account.UnknownDevice, mfa.Proof{Strategy: by, Code: code}, mfa.SecondFactorAttempt{Attempt: &account.Attempt{}})
	})
	return by, err
}

// VerifyPassword verifies a password for the team's server.
func (s *Service) VerifyPassword(ctx context.Context, id string, given secret.Value) error {
	return s.Admin(ctx, id, func(t *tx.Tx, u *account.User) error {
		if given.IsZero() {
			return apierr.New(apierr.FormParamNil).Param("password")
		}
		if u.Password == "" {
			return apierr.New(apierr.NoPasswordSet)
		}
		return mfa.VerifyPassword(t, u, account.UnknownDevice, given)
	})
}

// RemoveTOTP removes the authenticator app.
func (s *Service) RemoveTOTP(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		if u.TOTP == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		mfa.DropApp(t, u)
		return nil
	})
}

// RemoveBackupCodes removes the unused backup codes.
func (s *Service) RemoveBackupCodes(ctx context.Context, id string) (*account.User, error) {
	return s.removeFactor(ctx, id, func(u *account.User) (eventtype.Name, account.Subject) {
		if u.Backup == nil {
			return "", account.Subject{}
		}
		was := u.Backup.Subject()
		u.Backup = nil
		return eventtype.BackupRemoved, was
	})
}

// RemoveMFA removes all second factors and passkeys. Numbers stay, but are no longer second
// factors.
func (s *Service) RemoveMFA(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		if !u.TwoFactorEnabled() && u.Backup == nil && u.TOTP == nil && len(u.Passkeys) == 0 {
			return apierr.New(apierr.ResourceNotFound)
		}
		recovery.Cancel(t, u)
		u.RemoveSecondFactors()
		if err := passkeys.DropAll(t, u); err != nil {
			return err
		}
		mfa.FactorRemoved(t, u, eventtype.FactorReset, account.Subject{})
		return nil
	})
}

// RemovePasskey removes a passkey of a user.
func (s *Service) RemovePasskey(ctx context.Context, id, passkey string) error {
	return s.Admin(ctx, id, func(t *tx.Tx, u *account.User) error {
		p := u.Passkey(passkey)
		if p == nil || p.Verified == 0 {
			return apierr.New(apierr.ResourceNotFound)
		}
		return passkeys.Drop(t, u, p)
	})
}

func (s *Service) removeFactor(ctx context.Context, id string, remove func(*account.User) (eventtype.Name, account.Subject)) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		name, what := remove(u)
		if name == "" {
			return apierr.New(apierr.ResourceNotFound)
		}
		mfa.FactorRemoved(t, u, name, what)
		return nil
	})
}
