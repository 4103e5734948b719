package mfa

import (
	"context"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TOTPResult is an authenticator app with what its answer shows.
type TOTPResult struct {
	TOTP        *account.TOTP
	Secret, URI secret.Value // only of an app that is being enrolled
	BackupCodes []string
	sessions.WithSnapshot
}

// CreateTOTP begins the enrolment of an authenticator app. The secret belongs to the session: a
// repeated call returns the same secret. Another session gets its own secret, which replaces the
// older one.
func (s *Service) CreateTOTP(ctx context.Context, from tx.Caller) (*TOTPResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.BeginApp, func(t *tx.Tx, caller *tx.SignedIn) (*TOTPResult, error) {
		if !t.State.Settings.AuthenticatorApp {
			return nil, apierr.New(apierr.FeatureNotEnabled)
		}
		u := caller.User
		if u.TOTPEnabled() {
			return nil, apierr.New(apierr.TOTPAlreadyEnabled)
		}
		key, err := pendingSecret(t, caller)
		if err != nil {
			return nil, err
		}
		shown := *u.TOTP
		return &TOTPResult{TOTP: &shown, Secret: key, URI: totp.URI(t.State.Settings.AppName(s.AppName), u.AccountName(), key)}, nil
	})
}

// pendingSecret returns the secret that the session is enrolling, or begins an enrolment.
func pendingSecret(t *tx.Tx, caller *tx.SignedIn) (secret.Value, error) {
	if sessions.PendingApp(t, caller) != nil {
		return OpenSecret(t, caller.User)
	}
	key, err := totp.Generate(t.Engine.Rand)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate authenticator secret: %w", err)
	}
	if err := BindSecret(t, caller.User, key); err != nil {
		return secret.Value{}, err
	}
	caller.User.TOTP.By = caller.Nonce()
	return key, nil
}

// BindSecret gives the user an unverified authenticator app with a secret.
func BindSecret(t *tx.Tx, u *account.User, key secret.Value) error {
	id, err := t.Engine.RandomID()
	if err != nil {
		return err
	}
	u.TOTP = &account.TOTP{ID: id, CreatedAt: t.Now}
	if err := SealSecret(t, u, key); err != nil {
		return err
	}
	u.Touch(t.Now)
	t.Put(u)
	return nil
}

// SealSecret seals the secret's bytes, not its text: writes are billed by the kilobyte.
func SealSecret(t *tx.Tx, u *account.User, key secret.Value) error {
	raw, err := totp.Bytes(key)
	if err != nil {
		return fmt.Errorf("authenticator secret: %w", err)
	}
	if u.TOTP.Sealed, err = t.Engine.Ring.Seal(totpOwner(u, u.TOTP), raw); err != nil {
		return fmt.Errorf("seal authenticator secret: %w", err)
	}
	return nil
}

// OpenSecret returns the secret of the user's app.
func OpenSecret(t *tx.Tx, u *account.User) (secret.Value, error) {
	raw, err := t.Engine.Ring.Open(totpOwner(u, u.TOTP), u.TOTP.Sealed)
	if err != nil {
		return secret.Value{}, fmt.Errorf("open authenticator secret: %w", err)
	}
	key, err := totp.FromBytes(raw)
	if err != nil {
		return secret.Value{}, fmt.Errorf("authenticator secret: %w", err)
	}
	return key, nil
}

// ConfirmTOTP verifies the app that the session is enrolling with its first code, which cannot be
// used again. Five wrong codes end the enrolment. They do not count on the user: the session was
// shown the secret, so a guess gains nothing, and a wrong clock must not lock the user out.
func (s *Service) ConfirmTOTP(ctx context.Context, from tx.Caller, code secret.Value) (*TOTPResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.ConfirmApp, func(t *tx.Tx, caller *tx.SignedIn) (*TOTPResult, error) {
		u := caller.User
		proof, err := Proof{Strategy: account.TOTPCode, Code: code}.read()
		if err != nil {
			return nil, err
		}
		if !t.State.Settings.AuthenticatorApp {
			return nil, apierr.New(apierr.FeatureNotEnabled)
		}
		switch {
		case u.TOTPEnabled():
			return nil, apierr.New(apierr.VerificationAlreadyVerified)
		case sessions.PendingApp(t, caller) == nil:
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		t.CountAddress(from, tx.AttemptLimits)
		right, err := verifyTOTP(t, u, proof.Code.Reveal())
		if err != nil {
			return nil, err
		}
		if !right {
			return nil, wrongPending(t, u)
		}
		u.TOTP.Verified, u.TOTP.By, u.TOTP.Wrong = u.TOTP.CreatedAt.After(t.Now), "", 0
		codes, err := factorEnrolled(t, u, u.TOTP.Subject())
		if err != nil {
			return nil, err
		}
		caller.Proof = authority.Proof{Method: string(account.TOTPCode), At: t.Now.Time()}
		sessions.MakeKnown(t, caller.Client, u)
		sessions.Stage(t, caller)
		shown := *u.TOTP
		return &TOTPResult{TOTP: &shown, BackupCodes: codes}, nil
	})
}

// wrongPending counts a wrong code for an unverified app. The last one allowed ends the enrolment.
func wrongPending(t *tx.Tx, u *account.User) error {
	u.TOTP.Wrong++
	if u.TOTP.Wrong >= authority.PendingTries {
		u.TOTP = nil
	}
	u.Touch(t.Now)
	t.Put(u)
	return t.Refuse(wrongCode())
}

// DeleteTOTP removes the authenticator app, or ends the session's own enrolment of one.
func (s *Service) DeleteTOTP(ctx context.Context, from tx.Caller) (*TOTPResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.RemoveApp, func(t *tx.Tx, caller *tx.SignedIn) (*TOTPResult, error) {
		if !caller.User.TOTPEnabled() && sessions.PendingApp(t, caller) == nil {
			return nil, apierr.New(apierr.ResourceNotFound)
		}
		if err := checkMayRemove(t, caller.User, func(u *account.User) { u.TOTP = nil }); err != nil {
			return nil, err
		}
		shown := *caller.User.TOTP
		DropApp(t, caller.User)
		return &TOTPResult{TOTP: &shown}, nil
	})
}

// DropApp removes the authenticator app. An unverified app was no factor, so its removal is no
// change of factors.
func DropApp(t *tx.Tx, u *account.User) {
	was := u.TOTP
	u.TOTP = nil
	if was.Verified != 0 {
		FactorRemoved(t, u, eventtype.FactorRemoved, was.Subject())
		return
	}
	u.Touch(t.Now)
	t.Put(u)
}

// totpOwner is the owner that the secret of an app is sealed for.
func totpOwner(u *account.User, f *account.TOTP) string { return "user/" + u.ID + "/totp/" + f.ID }
