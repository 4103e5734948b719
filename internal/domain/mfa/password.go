package mfa

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// PasswordChange is the body of a change of the caller's password.
type PasswordChange struct {
	// Current is compared if it is given. The step-up is enough without it: Clerk's UI does not ask
	// for it where a step-up is required.
	Current, New secret.Value
	// SignOutOthers ends the user's other sessions. Without it they live on, without the proof of
	// their first factor.
	SignOutOthers bool
}

// ChangePassword changes the password of the caller's user, or gives the first one to a user
// without. It ends sign-ins, step-ups and enrolments in progress.
func (s *Service) ChangePassword(ctx context.Context, from tx.Caller, in PasswordChange) (*sessions.Result, error) {
	if in.New.IsZero() {
		return nil, apierr.New(apierr.FormParamNil).Param("new_password")
	}
	if err := password.Check(in.New); err != nil {
		return nil, PasswordError(err, "new_password")
	}
	var digest string
	return s.withPassword(ctx, from, in.Current, func(t *tx.Tx, caller *tx.SignedIn) error {
		if digest == "" { // hashing is expensive: only once, and only for a session that may
			var err error
			if digest, err = s.Passwords.Hash(ctx, in.New); err != nil {
				return fmt.Errorf("hash password: %w", err)
			}
		}
		caller.User.Password, caller.User.PasswordAt = digest, t.Now
		if in.SignOutOthers {
			sessions.EndOthers(caller)
		}
		return nil
	})
}

// RemovePassword removes the password of the caller's user, if the user can sign in without it. The
// other sessions of the user lose the proof of their first factor.
func (s *Service) RemovePassword(ctx context.Context, from tx.Caller, current secret.Value) (*sessions.Result, error) {
	return s.withPassword(ctx, from, current, func(t *tx.Tx, caller *tx.SignedIn) error {
		if caller.User.Password == "" {
			return apierr.New(apierr.NoPasswordSet)
		}
		if !signsInWithout(caller.User, &t.State.Settings) {
			return apierr.New(apierr.PasswordRequired)
		}
		caller.User.Password, caller.User.PasswordAt = "", 0
		return nil
	})
}

// signsInWithout reports whether a user can prove a first factor other than a password: by a login
// of the application that makes sign-in tokens, or by SMS.
func signsInWithout(u *account.User, set *account.Settings) bool {
	texted := u.FindPhone(func(p *account.Phone) bool { return p.IsFirstFactor() && set.CanReceiveSMS(p) })
	return set.ReauthURL != "" || set.SMSCode && set.FirstFactorPhoneCode && texted != nil
}

// withPassword runs do, which changes the caller's password, after the comparison of the current
// one. A wrong one counts as at a sign-in, and ends the session when it locks the user.
func (s *Service) withPassword(ctx context.Context, from tx.Caller, current secret.Value, do func(*tx.Tx, *tx.SignedIn) error) (*sessions.Result, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.ChangePassword, func(t *tx.Tx, caller *tx.SignedIn) (*sessions.Result, error) {
		u := caller.User
		t.CountAddress(from, tx.FirstLimits)
		if err := verifyCurrent(t, caller, current); err != nil {
			return nil, endSessionOnLock(t, caller, &u.FirstFailures, err)
		}
		if err := do(t, caller); err != nil {
			return nil, err
		}
		u.FirstFailures.Clear()
		u.CancelEnrolments()
		u.Touch(t.Now)
		audit.Record(t, u, eventtype.PasswordSet, account.Subject{})
		shown := *caller.Session
		return &sessions.Result{Session: &shown, User: u}, nil
	})
}

// verifyCurrent compares the current password of the caller's user, if one was given.
func verifyCurrent(t *tx.Tx, caller *tx.SignedIn, given secret.Value) error {
	device := sessions.DeviceOf(t, caller.Client, caller.User)
	if err := checkFirstLimits(t, caller.User, device); err != nil || given.IsZero() {
		return err
	}
	if caller.User.Password == "" {
		return apierr.New(apierr.NoPasswordSet).Param("current_password")
	}
	err := VerifyPassword(t, caller.User, device, given)
	if t.Refused() {
		return t.Refuse(apierr.New(apierr.FormPasswordIncorrect).Param("current_password"))
	}
	return err
}

// PasswordError returns the error for a new password of the wrong length. param names the
// parameter.
func PasswordError(err error, param string) error {
	if errors.Is(err, password.ErrTooShort) {
		return apierr.New(apierr.FormPasswordLengthTooShort).Param(param)
	}
	return apierr.New(apierr.FormPasswordLengthTooLong).Param(param)
}
