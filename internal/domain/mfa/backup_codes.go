package mfa

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// codesShownAgain is how long a repeated request gets the same backup codes. React runs effects
// twice, and two sets whose answers cross would leave a dead one on the page. It is short, because
// the plain set is kept, sealed, for that long.
const codesShownAgain = 5 * time.Second

// BackupResult is a new set of backup codes.
type BackupResult struct {
	Set   *account.BackupSet
	Codes []string
	sessions.WithSnapshot
}

// CreateBackupCodes replaces the user's backup codes. The same commit makes the former set invalid.
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

// WireID returns the id of a set that clients see.
func WireID(b *account.BackupSet) string { return account.PrefixBackup + b.ID }

// setOwner is the name of a set as an owner: its plain codes are sealed for it, and its key is
// derived for it.
func setOwner(u *account.User, b *account.BackupSet) string {
	return "user/" + u.ID + "/backup/" + b.ID
}

// repeatedCodes returns the codes of a set made within [codesShownAgain], or nil.
func repeatedCodes(t *tx.Tx, u *account.User) ([]string, error) {
	if u.Backup == nil || len(u.Backup.Recent) == 0 || u.Backup.RecentTo <= t.Now {
		return nil, nil
	}
	text, err := t.Engine.Ring.Open(setOwner(u, u.Backup), u.Backup.Recent)
	if err != nil {
		return nil, fmt.Errorf("open recent backup codes: %w", err)
	}
	var codes []string
	if err := json.Unmarshal([]byte(text.Reveal()), &codes); err != nil {
		return nil, fmt.Errorf("decode recent backup codes: %w", err)
	}
	return codes, nil
}

// makeBackupCodes replaces the user's set and returns its codes.
func makeBackupCodes(t *tx.Tx, u *account.User) ([]string, error) {
	values, err := backupcode.Generate(t.Engine.Rand, backupcode.Count)
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
	if b.Recent, err = t.Engine.Ring.Seal(setOwner(u, b), secret.New(string(text))); err != nil {
		return nil, fmt.Errorf("seal backup codes: %w", err)
	}
	audit.Record(t, u, eventtype.BackupMade, b.Subject())
	return codes, nil
}

// setIDLen is the length of a set's id, 50 bits. It distinguishes the sets of one user.
const setIDLen = 10

// BindBackupCodes makes codes the user's set.
func BindBackupCodes(t *tx.Tx, u *account.User, codes []string) error {
	id, err := t.Engine.RandomID()
	if err != nil {
		return err
	}
	b := &account.BackupSet{ID: id[:setIDLen], Version: t.Engine.Ring.Version(), CreatedAt: t.Now}
	tags, err := OpenTags(t.Engine, u, b)
	if err != nil {
		return err
	}
	forms, foreign := storedForms(codes)
	for _, form := range forms {
		b.Tags = append(b.Tags, tags.Of(form)...)
	}
	b.Foreign = foreign
	u.Backup = b
	u.Touch(t.Now)
	t.Put(u)
	return nil
}

// backupTags makes and compares the tags of one set.
type backupTags struct {
	size int
	Of   func(code string) []byte
	is   func(tag []byte, code string) bool
}

// OpenTags returns the tags of a set: under the set's own key, or under the ring for a set without
// one.
func OpenTags(s *tx.Engine, u *account.User, b *account.BackupSet) (backupTags, error) {
	if !b.HasKey() {
		parts := func(code string) []string { return []string{"backup-code", u.ID, b.ID, code} }
		return backupTags{
			seal.TagSize,
			func(code string) []byte { return s.Ring.MAC(parts(code)...) },
			func(tag []byte, code string) bool { return s.Ring.CheckMAC(tag, parts(code)...) },
		}, nil
	}
	key, err := BackupKey(s, u, b)
	if err != nil {
		return backupTags{}, fmt.Errorf("key of backup codes: %w", err)
	}
	return backupTags{account.BackupTagSize, func(code string) []byte { return key.MAC(code)[:account.BackupTagSize] }, key.Check}, nil
}

// BackupKey returns the key of a set. A set from another instance has its key sealed in the record;
// others derive it from the ring.
func BackupKey(s *tx.Engine, u *account.User, b *account.BackupSet) (key seal.OwnerKey, err error) {
	if len(b.Key) == 0 {
		return s.Ring.OwnerKey(b.Version, setOwner(u, b))
	}
	text, err := s.Ring.Open(backupKeyOwner(u, b), b.Key)
	if err != nil {
		return key, err
	}
	if copy(key[:], text.Reveal()) != len(key) {
		return key, seal.ErrOpen
	}
	return key, nil
}

// backupKeyOwner is the owner that an imported set's key is sealed for.
func backupKeyOwner(u *account.User, b *account.BackupSet) string { return setOwner(u, b) + "/key" }

// verifyBackupCode uses the code that matches. Codes have 50 bits, so a keyed hash is enough (SP
// 800-63B-4 section 3.1.2.2). A code that was used before is a replayedError.
func verifyBackupCode(t *tx.Tx, u *account.User, code string) (bool, error) {
	b := u.Backup
	tags, err := OpenTags(t.Engine, u, b)
	if err != nil {
		return false, err
	}
	for _, form := range formsOf(code) {
		if tags.Find(b.Used, form) >= 0 {
			return false, replayedError{wrongCode()}
		}
		if i := tags.Find(b.Tags, form); i >= 0 {
			b.Used = append(b.Used, b.Tags[i:i+tags.size]...)
			b.Tags = slices.Delete(b.Tags, i, i+tags.size)
			return true, recordUse(t, u)
		}
	}
	i, err := t.CompareImported(u, spellings(code)...)
	if err != nil || i < 0 {
		return false, err
	}
	form, _ := canonical(code)
	b.Used = append(b.Used, tags.Of(form)...)
	b.Imported = slices.Delete(b.Imported, i, i+1)
	return true, recordUse(t, u)
}

// Find returns the index at which the tag of a code begins in stored tags, or -1.
func (a backupTags) Find(stored []byte, code string) int {
	for i := 0; i+a.size <= len(stored); i += a.size {
		if a.is(stored[i:i+a.size], code) {
			return i
		}
	}
	return -1
}

// recordUse records that a code of a set was used, and deletes the plain codes of the set. An
// imported set's key is sealed again under the newest key.
func recordUse(t *tx.Tx, u *account.User) (err error) {
	b := u.Backup
	b.Recent, b.RecentTo = nil, 0
	audit.Record(t, u, eventtype.BackupUsed, u.Backup.Subject())
	if len(b.Key) == 0 || t.Engine.Ring.Current(b.Key) {
		return nil
	}
	key, err := BackupKey(t.Engine, u, b)
	if err == nil {
		err = SealBackupKey(t.Engine, u, b, key)
	}
	return err
}

// SealBackupKey stores the key of an imported set in its record, sealed.
func SealBackupKey(s *tx.Engine, u *account.User, b *account.BackupSet, key seal.OwnerKey) (err error) {
	if b.Key, err = s.Ring.Seal(backupKeyOwner(u, b), secret.New(string(key[:]))); err != nil {
		return fmt.Errorf("seal key of backup codes: %w", err)
	}
	return nil
}
