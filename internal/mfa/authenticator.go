package mfa

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/apierr"
	"github.com/countersign-mfa/countersign/internal/backupcode"
	"github.com/countersign-mfa/countersign/internal/secret"
	"github.com/countersign-mfa/countersign/internal/totp"
)

const (
	// secretShownAgain is how long a repeated request gets the same unverified secret: React runs effects twice, and
	// two secrets whose answers cross would leave a dead one on the page.
	secretShownAgain = 10 * time.Minute
	// codesShownAgain is the same for backup codes. It is short, because the plain set is kept, sealed, for that long.
	codesShownAgain = 5 * time.Second
)

// TOTPResult is an authenticator app with what its answer shows.
type TOTPResult struct {
	TOTP        *TOTP
	Secret, URI secret.Value // in the creating answer only
	BackupCodes []string
	Snapshot    *Snapshot
}

// CreateTOTP binds a new authenticator app that is still to be verified.
func (s *Service) CreateTOTP(ctx context.Context, from Caller) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.act(ctx, from, from.Session, func(t *txn, in *signedIn) error {
		if !t.state.settings.AuthenticatorApp {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if err := t.sensitive(in); err != nil {
			return err
		}
		u := in.user
		if u.TOTPEnabled() {
			return apierr.New(apierr.TOTPAlreadyEnabled)
		}
		key, err := t.pendingSecret(u)
		if err != nil {
			return err
		}
		shown := *u.TOTP
		out = TOTPResult{TOTP: &shown, Secret: key, URI: totp.URI(t.state.settings.AppName(s.appName), u.label(), key)}
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
}

// label names the account in an authenticator app.
func (u *User) label() string {
	switch {
	case len(u.Emails) > 0:
		return u.Emails[0].Address
	case u.Username != "":
		return u.Username
	}
	return u.wireID()
}

func (t *txn) pendingSecret(u *User) (secret.Value, error) {
	if u.TOTP != nil && t.now.Sub(u.TOTP.CreatedAt) < secretShownAgain {
		return t.openSecret(u)
	}
	key, err := totp.Generate(t.s.rand)
	if err != nil {
		return secret.Value{}, fmt.Errorf("generate authenticator secret: %w", err)
	}
	return key, t.bindSecret(u, key)
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

// ConfirmTOTP verifies the new authenticator app with its first code, which is thereby used up. A wrong code costs nothing: whoever
// asks has just been shown the secret.
func (s *Service) ConfirmTOTP(ctx context.Context, from Caller, code secret.Value) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.act(ctx, from, from.Session, func(t *txn, in *signedIn) error {
		u := in.user
		if err := (Guess{Strategy: TOTPCode, Code: code}).wellFormed(); err != nil {
			return err
		}
		if !t.state.settings.AuthenticatorApp {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		switch {
		case u.TOTP == nil:
			return apierr.New(apierr.ResourceNotFound)
		case u.TOTP.Verified != 0:
			return apierr.New(apierr.VerificationAlreadyVerified)
		}
		right, err := t.judgeTOTP(u, code.Reveal())
		if err != nil {
			return err
		}
		if !right {
			return wrongCode()
		}
		u.TOTP.Verified = u.TOTP.CreatedAt.after(t.now)
		if out.BackupCodes, err = t.enrolled(u, u.TOTP.subject()); err != nil {
			return err
		}
		in.session.SecondAt = t.now
		t.learn(in.client, u)
		in.changed(t)
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

// DeleteTOTP removes the authenticator app, verified or not.
func (s *Service) DeleteTOTP(ctx context.Context, from Caller) (*TOTPResult, error) {
	var out TOTPResult
	snap, err := s.act(ctx, from, from.Session, func(t *txn, in *signedIn) error {
		if in.user.TOTP == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		if err := t.sensitive(in); err != nil {
			return err
		}
		if err := t.mayLose(in.user, func(u *User) { u.TOTP = nil }); err != nil {
			return err
		}
		shown := *in.user.TOTP
		out.TOTP = &shown
		in.user.TOTP = nil
		t.removed(in.user, EventFactorRemoved, shown.subject())
		return nil
	})
	if err != nil {
		return nil, err
	}
	out.Snapshot = snap
	return &out, nil
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
	snap, err := s.act(ctx, from, from.Session, func(t *txn, in *signedIn) error {
		if !t.state.settings.BackupCodes {
			return apierr.New(apierr.FeatureNotEnabled)
		}
		if err := t.sensitive(in); err != nil {
			return err
		}
		if !in.user.TwoFactorEnabled() {
			return apierr.New(apierr.BackupCodesNotAvailable)
		}
		var err error
		if out.Codes, err = t.sameCodes(in.user); err != nil {
			return err
		}
		if out.Codes == nil {
			if out.Codes, err = t.makeBackupCodes(in.user); err != nil {
				return err
			}
		}
		shown := *in.user.Backup
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

// sameCodes returns the set made a moment ago, or nil.
func (t *txn) sameCodes(u *User) ([]string, error) {
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
	t.note(u, EventBackupMade, b.subject())
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
