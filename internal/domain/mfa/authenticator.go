package mfa

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	// codesShownAgain is how long a repeated request gets the same backup codes. React runs effects twice,
	// and two sets whose answers cross would leave a dead one on the page. It is short, because the plain
	// set is kept, sealed, for that long.
	codesShownAgain = 5 * time.Second
)

// TOTPResult is an authenticator app with what its answer shows.
type TOTPResult struct {
	TOTP        *account.TOTP
	Secret, URI secret.Value // caller the creating answer only
	BackupCodes []string
	sessions.WithSnapshot
}

// CreateTOTP begins the enrolment of an authenticator app. The secret belongs to the session: the same
// Session gets the same secret again, another one gets its own, and the older secret is dead.
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
		return &TOTPResult{TOTP: &shown, Secret: key, URI: totp.URI(t.State.Settings.AppName(s.AppName), totpLabel(u), key)}, nil
	})
}

// totpLabel names the account in an authenticator app.
func totpLabel(u *account.User) string {
	switch {
	case len(u.Emails) > 0:
		return u.Emails[0].Address
	case u.Username != "":
		return u.Username
	}
	return u.WireID()
}

// pendingSecret returns the secret of the session's enrolment in progress, or begins one.
func pendingSecret(t *tx.Tx, caller *tx.SignedIn) (secret.Value, error) {
	if sessions.PendingApp(t, caller) != nil {
		return OpenSecret(t, caller.User)
	}
	key, err := totp.Generate(t.S.Rand)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate authenticator secret: %w", err)
	}
	if err := BindSecret(t, caller.User, key); err != nil {
		return secret.Value{}, err
	}
	caller.User.TOTP.By = caller.Nonce()
	return key, nil
}

func BindSecret(t *tx.Tx, u *account.User, key secret.Value) error {
	id, err := t.S.RandomID()
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

// SealSecret seals the bytes and not the text: a write is billed by the kilobyte.
func SealSecret(t *tx.Tx, u *account.User, key secret.Value) error {
	raw, err := totp.Bytes(key)
	if err != nil {
		return fmt.Errorf("authenticator secret: %w", err)
	}
	if u.TOTP.Sealed, err = t.S.Ring.Seal(totpOwner(u, u.TOTP), raw); err != nil {
		return fmt.Errorf("seal authenticator secret: %w", err)
	}
	return nil
}

func OpenSecret(t *tx.Tx, u *account.User) (secret.Value, error) {
	raw, err := t.S.Ring.Open(totpOwner(u, u.TOTP), u.TOTP.Sealed)
	if err != nil {
		return secret.Value{}, fmt.Errorf("open authenticator secret: %w", err)
	}
	key, err := totp.FromBytes(raw)
	if err != nil {
		return secret.Value{}, fmt.Errorf("authenticator secret: %w", err)
	}
	return key, nil
}

// ConfirmTOTP verifies the app that the session began to enrol with its first code, which is thereby
// used up. Five wrong codes end the enrolment. They do not count against the user: this session was
// Proof the secret, so a guess gives nothing away, and a phone's wrong clock must not lock its owner out.
func (s *Service) ConfirmTOTP(ctx context.Context, from tx.Caller, code secret.Value) (*TOTPResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.ConfirmApp, func(t *tx.Tx, caller *tx.SignedIn) (*TOTPResult, error) {
		u := caller.User
		if err := (Proof{Strategy: account.TOTPCode, Code: code}).wellFormed(); err != nil {
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
		right, err := verifyTOTP(t, u, code.Reveal())
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
		sessions.RememberDevice(t, caller.Client, u)
		sessions.Stage(caller, t)
		shown := *u.TOTP
		return &TOTPResult{TOTP: &shown, BackupCodes: codes}, nil
	})
}

// wrongPending counts a wrong code for an app that is not confirmed yet. The last one ends the enrolment.
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

// DropApp removes the authenticator app. One that was never confirmed was no factor, so none is removed.
func DropApp(t *tx.Tx, u *account.User) {
	was := u.TOTP
	u.TOTP = nil
	if was.Verified != 0 {
		FactorRemoved(t, u, account.EventFactorRemoved, was.Subject())
		return
	}
	u.Touch(t.Now)
	t.Put(u)
}

// BackupResult is a new set of backup codes.
type BackupResult struct {
	Set   *account.BackupSet
	Codes []string
	sessions.WithSnapshot
}

// CreateBackupCodes replaces the user's backup codes. The former set is void with the same commit.
func (s *Service) CreateBackupCodes(ctx context.Context, from tx.Caller) (*BackupResult, error) {
	return sessions.RunSession(ctx, s.Service, from, from.Session, authority.MakeBackupCodes, func(t *tx.Tx, caller *tx.SignedIn) (*BackupResult, error) {
		if !t.State.Settings.BackupCodes {
			return nil, apierr.New(apierr.FeatureNotEnabled)
		}
		if !caller.User.TwoFactorEnabled() {
			return nil, apierr.New(apierr.BackupCodesNotAvailable)
		}
		codes, err := repeatedCodes(t, caller.User)
		if err == nil && codes == nil {
			codes, err = makeBackupCodes(t, caller.User)
		}
		if err != nil {
			return nil, err
		}
		shown := *caller.User.Backup
		return &BackupResult{Set: &shown, Codes: codes}, nil
	})
}

// WireID is the id that clients see.
func WireID(b *account.BackupSet) string { return account.PrefixBackup + b.ID }

func recentOwner(u *account.User, b *account.BackupSet) string {
	return "user/" + u.ID + "/backup/" + b.ID
}

// repeatedCodes returns the set made a moment ago, or nil.
func repeatedCodes(t *tx.Tx, u *account.User) ([]string, error) {
	if u.Backup == nil || len(u.Backup.Recent) == 0 || u.Backup.RecentTo <= t.Now {
		return nil, nil
	}
	text, err := t.S.Ring.Open(recentOwner(u, u.Backup), u.Backup.Recent)
	if err != nil {
		return nil, fmt.Errorf("open recent backup codes: %w", err)
	}
	var codes []string
	if err := json.Unmarshal([]byte(text.Reveal()), &codes); err != nil {
		return nil, fmt.Errorf("decode recent backup codes: %w", err)
	}
	return codes, nil
}

// makeBackupCodes replaces the set and returns the codes, which are never shown again.
func makeBackupCodes(t *tx.Tx, u *account.User) ([]string, error) {
	values, err := backupcode.Generate(t.S.Rand, backupcode.Count)
	if err != nil {
		return nil, fmt.Errorf("generate backup codes: %w", err)
	}
	codes := make([]string, len(values))
	for i, v := range values {
		codes[i] = v.Reveal()
	}
	if err := BindBackupCodes(t, u, codes); err != nil {
		return nil, err
	}
	text, err := json.Marshal(codes)
	if err != nil {
		return nil, fmt.Errorf("encode backup codes: %w", err)
	}
	b := u.Backup
	b.RecentTo = t.Now.Add(codesShownAgain)
	if b.Recent, err = t.S.Ring.Seal(recentOwner(u, b), secret.New(string(text))); err != nil {
		return nil, fmt.Errorf("seal backup codes: %w", err)
	}
	audit.Record(t, u, account.EventBackupMade, b.Subject())
	return codes, nil
}

// setIDLen is the length of a set's id, which tells a user's sets apart: 50 bits.
const setIDLen = 10

// BindBackupCodes makes codes the user's set.
func BindBackupCodes(t *tx.Tx, u *account.User, codes []string) error {
	id, err := t.S.RandomID()
	if err != nil {
		return err
	}
	b := &account.BackupSet{ID: id[:setIDLen], Version: t.S.Ring.Version(), CreatedAt: t.Now}
	tags, err := OpenTags(t.S, u, b)
	if err != nil {
		return err
	}
	for _, code := range codes {
		canonical, ok := backupcode.Normalize(code)
		if !ok {
			canonical, b.Foreign = code, true
		}
		b.Tags = append(b.Tags, tags.Of(canonical)...)
	}
	u.Backup = b
	u.Touch(t.Now)
	t.Put(u)
	return nil
}
