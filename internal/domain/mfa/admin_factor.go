package mfa

import (
	"context"
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Lock locks a user for an hour; Unlock ends every lock and wait and clears the failure log, but re-enables no authenticator that
// too many failures disabled (SP 800-63B-4 section 3.2.2).
func (s *Service) Lock(ctx context.Context, id string) (*User, error) {
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		u.LockedUntil = t.now.Add(lockTime)
		u.touch(t.now)
		t.record(u, EventUserLocked, subject{})
		return nil
	})
}

// Unlock is the opposite of [Service.Lock].
func (s *Service) Unlock(ctx context.Context, id string) (*User, error) {
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		u.LockedUntil, u.FailureLog = 0, nil
		u.FirstFailures.clear()
		u.SecondFailures.clear()
		u.touch(t.now)
		t.record(u, EventUserUnlocked, subject{})
		return nil
	})
}

// Ban keeps a user out and ends its sessions, or lets it in again.
func (s *Service) Ban(ctx context.Context, id string, on bool) (*User, error) {
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		u.Banned = on
		name := EventUserUnbanned
		if on {
			name = EventUserBanned
			t.signOutAll(u)
		}
		u.touch(t.now)
		t.record(u, name, subject{})
		return nil
	})
}

// VerifyTOTP checks an authenticator or backup code for the team's own server and uses it up. It counts like a guess of an unknown client.
func (s *Service) VerifyTOTP(ctx context.Context, id string, code secret.Value) (Strategy, error) {
	by := TOTPCode
	if !isCode(code.Reveal()) {
		by = BackupCode
	}
	err := s.admin(ctx, id, func(t *txn, u *User) error {
		if u.Banned {
			return apierr.New(apierr.UserBanned)
		}
		if by == TOTPCode && !u.TOTPEnabled() {
			return apierr.New(apierr.TOTPDisabled)
		}
		return t.verifySecondFactor(u, false, Proof{Strategy: by, Code: code}, secondFactorAttempt{Attempt: &Attempt{}})
	})
	return by, err
}

// VerifyPassword checks a password for the team's own server.
func (s *Service) VerifyPassword(ctx context.Context, id string, given secret.Value) error {
	var memo passwordMemo
	return s.admin(ctx, id, func(t *txn, u *User) error {
		if given.IsZero() {
			return apierr.New(apierr.FormParamNil).Param("password")
		}
		if u.Password == "" {
			return apierr.New(apierr.NoPasswordSet)
		}
		return t.verifyPassword(u, false, given, &memo, apierr.FormPasswordIncorrect)
	})
}

// RemoveTOTP removes the authenticator app.
func (s *Service) RemoveTOTP(ctx context.Context, id string) (*User, error) {
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		if u.TOTP == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		t.dropApp(u)
		return nil
	})
}

// RemoveBackupCodes removes the unused backup codes.
func (s *Service) RemoveBackupCodes(ctx context.Context, id string) (*User, error) {
	return s.removeFactor(ctx, id, func(u *User) (EventName, subject) {
		if u.Backup == nil {
			return "", subject{}
		}
		was := u.Backup.subject()
		u.Backup = nil
		return EventBackupRemoved, was
	})
}

// RemoveMFA removes every second factor; numbers stay, but no longer as second factors.
func (s *Service) RemoveMFA(ctx context.Context, id string) (*User, error) {
	return s.removeFactor(ctx, id, func(u *User) (EventName, subject) {
		if !u.TwoFactorEnabled() && u.Backup == nil && u.TOTP == nil {
			return "", subject{}
		}
		u.TOTP, u.Backup = nil, nil
		u.Phones = slices.Clone(u.Phones)
		for i := range u.Phones {
			u.Phones[i].Reserved, u.Phones[i].Default, u.Phones[i].Failures = false, false, 0
		}
		return EventFactorReset, subject{}
	})
}

func (s *Service) removeFactor(ctx context.Context, id string, remove func(*User) (EventName, subject)) (*User, error) {
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		name, what := remove(u)
		if name == "" {
			return apierr.New(apierr.ResourceNotFound)
		}
		t.factorRemoved(u, name, what)
		return nil
	})
}
