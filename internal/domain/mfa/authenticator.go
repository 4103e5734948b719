package mfa

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

const (
	// codesShownAgain is how long a repeated request gets the same backup codes. React runs effects twice,
	// and two sets whose answers cross would leave a dead one on the page. It is short, because the plain
	// set is kept, sealed, for that long.
	codesShownAgain = 5 * time.Second
)

// TOTPResult is an authenticator app with what its answer shows.
type TOTPResult struct {
	TOTP        *TOTP
	Secret, URI secret.Value // caller the creating answer only
	BackupCodes []string
	Snapshot    *Snapshot
}

// CreateTOTP begins the enrolment of an authenticator app. The secret belongs to the session: the same
// session gets the same secret again, another one gets its own, and the older secret is dead.
func (s *Service) CreateTOTP(ctx context.Context, from Caller) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.runSession(ctx, from, from.Session, authority.BeginApp, func(t *txn, caller *signedIn) error {
		if !t.state.settings.AuthenticatorApp {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		u := caller.user
		if u.TOTPEnabled() {
			return apierr.New(apierr.TOTPAlreadyEnabled)
		}
		key, err := t.pendingSecret(caller)
		if err != nil {
			return err
		}
		shown := *u.TOTP
		out = TOTPResult{TOTP: &shown, Secret: key, URI: totp.URI(t.state.settings.AppName(s.appName), u.totpLabel(), key)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// totpLabel names the account in an authenticator app.
func (u *User) totpLabel() string {
	switch {
	case len(u.Emails) > 0:
		return u.Emails[0].Address
	case u.Username != "":
		return u.Username
	}
	return u.WireID()
}

// pendingSecret returns the secret of the session's enrolment in progress, or begins one.
func (t *txn) pendingSecret(caller *signedIn) (secret.Value, error) {
	if t.pendingApp(caller) != nil {
		return t.openSecret(caller.user)
	}
	key, err := totp.Generate(t.s.rand)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate authenticator secret: %w", err)
	}
	if err := t.bindSecret(caller.user, key); err != nil {
		return secret.Value{}, err
	}
	caller.user.TOTP.By = caller.nonce()
	return key, nil
}

func (t *txn) bindSecret(u *User, key secret.Value) error {
	id, err := t.s.randomID()
	if err != nil {
		return err
	}
	u.TOTP = &TOTP{ID: id, CreatedAt: t.now}
	if err := t.sealSecret(u, key); err != nil {
		return err
	}
	u.touch(t.now)
	t.put(u)
	return nil
}

// sealSecret seals the bytes and not the text: a write is billed by the kilobyte.
func (t *txn) sealSecret(u *User, key secret.Value) error {
	raw, err := totp.Bytes(key)
	if err != nil {
		return fmt.Errorf("authenticator secret: %w", err)
	}
	if u.TOTP.Sealed, err = t.s.ring.Seal(totpOwner(u, u.TOTP), raw); err != nil {
		return fmt.Errorf("seal authenticator secret: %w", err)
	}
	return nil
}

func (t *txn) openSecret(u *User) (secret.Value, error) {
	raw, err := t.s.ring.Open(totpOwner(u, u.TOTP), u.TOTP.Sealed)
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
// proof the secret, so a guess gives nothing away, and a phone's wrong clock must not lock its owner out.
func (s *Service) ConfirmTOTP(ctx context.Context, from Caller, code secret.Value) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.runSession(ctx, from, from.Session, authority.ConfirmApp, func(t *txn, caller *signedIn) error {
		u := caller.user
		if err := (Proof{Strategy: TOTPCode, Code: code}).wellFormed(); err != nil {
			return err
		}
		if !t.state.settings.AuthenticatorApp {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		switch {
		case u.TOTPEnabled():
			return apierr.New(apierr.VerificationAlreadyVerified)
		case t.pendingApp(caller) == nil:
			return apierr.New(apierr.ResourceNotFound)
		}
		t.countAddress(from, attemptLimits)
		right, err := t.verifyTOTP(u, code.Reveal())
		if err != nil {
			return err
		}
		if !right {
			return t.wrongPending(u)
		}
		u.TOTP.Verified, u.TOTP.By, u.TOTP.Wrong = u.TOTP.CreatedAt.after(t.now), "", 0
		if out.BackupCodes, err = t.factorEnrolled(u, u.TOTP.subject()); err != nil {
			return err
		}
		caller.proof = authority.Proof{Method: string(TOTPCode), At: t.now.Time()}
		t.rememberDevice(caller.client, u)
		caller.stage(t)
		shown := *u.TOTP
		out.TOTP = &shown
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// wrongPending counts a wrong code for an app that is not confirmed yet. The last one ends the enrolment.
func (t *txn) wrongPending(u *User) error {
	u.TOTP.Wrong++
	if u.TOTP.Wrong >= authority.PendingTries {
		u.TOTP = nil
	}
	u.touch(t.now)
	t.put(u)
	return t.refuse(wrongCode())
}

// DeleteTOTP removes the authenticator app, or ends the session's own enrolment of one.
func (s *Service) DeleteTOTP(ctx context.Context, from Caller) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.runSession(ctx, from, from.Session, authority.RemoveApp, func(t *txn, caller *signedIn) error {
		if !caller.user.TOTPEnabled() && t.pendingApp(caller) == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		if err := t.checkMayRemove(caller.user, func(u *User) { u.TOTP = nil }); err != nil {
			return err
		}
		shown := *caller.user.TOTP
		out.TOTP = &shown
		t.dropApp(caller.user)
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// dropApp removes the authenticator app. One that was never confirmed was no factor, so none is removed.
func (t *txn) dropApp(u *User) {
	was := u.TOTP
	u.TOTP = nil
	if was.Verified != 0 {
		t.factorRemoved(u, EventFactorRemoved, was.subject())
		return
	}
	u.touch(t.now)
	t.put(u)
}

// BackupResult is a new set of backup codes.
type BackupResult struct {
	Set      *BackupSet
	Codes    []string
	Snapshot *Snapshot
}

// CreateBackupCodes replaces the user's backup codes. The former set is void with the same commit.
func (s *Service) CreateBackupCodes(ctx context.Context, from Caller) (*BackupResult, error) {
	var out BackupResult
	snap, err := s.runSession(ctx, from, from.Session, authority.MakeBackupCodes, func(t *txn, caller *signedIn) error {
		if !t.state.settings.BackupCodes {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if !caller.user.TwoFactorEnabled() {
			return apierr.New(apierr.BackupCodesNotAvailable)
		}
		var err error
		if out.Codes, err = t.repeatedCodes(caller.user); err != nil {
			return err
		}
		if out.Codes == nil {
			if out.Codes, err = t.makeBackupCodes(caller.user); err != nil {
				return err
			}
		}
		shown := *caller.user.Backup
		out.Set = &shown
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// WireID is the id that clients see.
func (b *BackupSet) WireID() string { return prefixBackup + b.ID }

func recentOwner(u *User, b *BackupSet) string { return "user/" + u.ID + "/backup/" + b.ID }

// repeatedCodes returns the set made a moment ago, or nil.
func (t *txn) repeatedCodes(u *User) ([]string, error) {
	if u.Backup == nil || len(u.Backup.Recent) == 0 || u.Backup.RecentTo <= t.now {
		return nil, nil
	}
	text, err := t.s.ring.Open(recentOwner(u, u.Backup), u.Backup.Recent)
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
func (t *txn) makeBackupCodes(u *User) ([]string, error) {
	values, err := backupcode.Generate(t.s.rand, backupcode.Count)
	if err != nil {
		return nil, fmt.Errorf("generate backup codes: %w", err)
	}
	codes := make([]string, len(values))
	for i, v := range values {
		codes[i] = v.Reveal()
	}
	if err := t.bindBackupCodes(u, codes); err != nil {
		return nil, err
	}
	text, err := json.Marshal(codes)
	if err != nil {
		return nil, fmt.Errorf("encode backup codes: %w", err)
	}
	b := u.Backup
	b.RecentTo = t.now.Add(codesShownAgain)
	if b.Recent, err = t.s.ring.Seal(recentOwner(u, b), secret.New(string(text))); err != nil {
		return nil, fmt.Errorf("seal backup codes: %w", err)
	}
	t.record(u, EventBackupMade, b.subject())
	return codes, nil
}

// setIDLen is the length of a set's id, which tells a user's sets apart: 50 bits.
const setIDLen = 10

// bindBackupCodes makes codes the user's set.
func (t *txn) bindBackupCodes(u *User, codes []string) error {
	id, err := t.s.randomID()
	if err != nil {
		return err
	}
	b := &BackupSet{ID: id[:setIDLen], Version: t.s.ring.Version(), CreatedAt: t.now}
	tags, err := t.s.backupTags(u, b)
	if err != nil {
		return err
	}
	for _, code := range codes {
		canonical, ok := backupcode.Normalize(code)
		if !ok {
			canonical, b.Foreign = code, true
		}
		b.Tags = append(b.Tags, tags.of(canonical)...)
	}
	u.Backup = b
	u.touch(t.now)
	t.put(u)
	return nil
}
