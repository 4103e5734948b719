package mfa

import (
	"fmt"
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// OpenTags makes and compares the tags of one set.
type backupTags struct {
	size int
	Of   func(code string) []byte
	is   func(tag []byte, code string) bool
}

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

// BackupKey is a set's key, and where a key that came from elsewhere is sealed for.
func BackupKey(s *tx.Engine, u *account.User, b *account.BackupSet) (key seal.OwnerKey, err error) {
	if len(b.Key) == 0 {
		return s.Ring.OwnerKey(b.Version, recentOwner(u, b))
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

func backupKeyOwner(u *account.User, b *account.BackupSet) string { return recentOwner(u, b) + "/key" }

// verifyBackupCode uses up the code that matches. Codes have 50 bits, so a keyed hash is enough (SP 800-63B-4 section 3.1.2.2).
// A used code is refused without being a failure, like a replayed code of an app.
func verifyBackupCode(t *tx.Tx, u *account.User, code string) (bool, error) {
	b := u.Backup
	canonical, ours := backupcode.Normalize(code)
	if !ours {
		canonical = code
	}
	tags, err := OpenTags(t.S, u, b)
	if err != nil {
		return false, err
	}
	if tags.Find(b.Used, canonical) >= 0 {
		return false, replayedError{wrongCode()}
	}
	if i := tags.Find(b.Tags, canonical); i >= 0 {
		b.Used = append(b.Used, b.Tags[i:i+tags.size]...)
		b.Tags = slices.Delete(b.Tags, i, i+tags.size)
		return true, burned(t, u)
	}
	i, err := t.CompareImported(u, code)
	if err != nil || i < 0 {
		return false, err
	}
	b.Used = append(b.Used, tags.Of(canonical)...)
	b.Imported = slices.Delete(b.Imported, i, i+1)
	return true, burned(t, u)
}

// Find returns where in stored tags the one of a code begins, or -1.
func (a backupTags) Find(stored []byte, code string) int {
	for i := 0; i+a.size <= len(stored); i += a.size {
		if a.is(stored[i:i+a.size], code) {
			return i
		}
	}
	return -1
}

// burned forgets the plain set: it must never be shown again once one of its codes is gone. A key that came from elsewhere moves on to the newest key here.
func burned(t *tx.Tx, u *account.User) (err error) {
	b := u.Backup
	b.Recent, b.RecentTo = nil, 0
	audit.Record(t, u, account.EventBackupUsed, u.Backup.Subject())
	if len(b.Key) == 0 || t.S.Ring.Current(b.Key) {
		return nil
	}
	key, err := BackupKey(t.S, u, b)
	if err == nil {
		err = SealBackupKey(t.S, u, b, key)
	}
	return err
}

func SealBackupKey(s *tx.Engine, u *account.User, b *account.BackupSet, key seal.OwnerKey) (err error) {
	if b.Key, err = s.Ring.Seal(backupKeyOwner(u, b), secret.New(string(key[:]))); err != nil {
		return fmt.Errorf("seal key of backup codes: %w", err)
	}
	return nil
}
