package mfa

import (
	"fmt"
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// A set of backup codes has a key of its own, derived from the ring: a tag is HMAC-SHA-256 of the canonical code under that key, cut to 96
// bits, which is plenty for codes of 50. So a set can move to another instance, or to another program, with its codes good and
// no key of the ring given away: the set's key goes along, and is kept sealed where it arrives.
//
// Sets from before that have tags of another length and no key of their own.

// backupTagSize is the length of a tag.
const backupTagSize = 12

func (b *BackupSet) hasKey() bool { return b.Version != 0 || len(b.Key) > 0 }

func (b *BackupSet) tagSize() int {
	if b.hasKey() {
		return backupTagSize
	}
	return seal.TagSize
}

// backupTags makes and compares the tags of one set.
type backupTags struct {
	size int
	of   func(code string) []byte
	is   func(tag []byte, code string) bool
}

func (s *Service) backupTags(u *User, b *BackupSet) (backupTags, error) {
	if !b.hasKey() {
		parts := func(code string) []string { return []string{"backup-code", u.ID, b.ID, code} }
		return backupTags{
			seal.TagSize,
			func(code string) []byte { return s.ring.MAC(parts(code)...) },
			func(tag []byte, code string) bool { return s.ring.CheckMAC(tag, parts(code)...) },
		}, nil
	}
	key, err := s.backupKey(u, b)
	if err != nil {
		return backupTags{}, fmt.Errorf("key of backup codes: %w", err)
	}
	return backupTags{backupTagSize, func(code string) []byte { return key.MAC(code)[:backupTagSize] }, key.Check}, nil
}

// backupKey is a set's key, and where a key that came from elsewhere is sealed for.
func (s *Service) backupKey(u *User, b *BackupSet) (key seal.OwnerKey, err error) {
	if len(b.Key) == 0 {
		return s.ring.OwnerKey(b.Version, recentOwner(u, b))
	}
	text, err := s.ring.Open(backupKeyOwner(u, b), b.Key)
	if err != nil {
		return key, err
	}
	if copy(key[:], text.Reveal()) != len(key) {
		return key, seal.ErrOpen
	}
	return key, nil
}

func backupKeyOwner(u *User, b *BackupSet) string { return recentOwner(u, b) + "/key" }

// verifyBackupCode uses up the code that matches. Codes have 50 bits, so a keyed hash is enough (SP 800-63B-4 section 3.1.2.2).
// A used code is refused without being a failure, like a replayed code of an app.
func (t *txn) verifyBackupCode(u *User, code string) (bool, error) {
	b := u.Backup
	canonical, ours := backupcode.Normalize(code)
	if !ours {
		canonical = code
	}
	tags, err := t.s.backupTags(u, b)
	if err != nil {
		return false, err
	}
	if tags.find(b.Used, canonical) >= 0 {
		return false, replayedError{wrongCode()}
	}
	if i := tags.find(b.Tags, canonical); i >= 0 {
		b.Used = append(b.Used, b.Tags[i:i+tags.size]...)
		b.Tags = slices.Delete(b.Tags, i, i+tags.size)
		return true, t.burned(u)
	}
	i, err := t.compareImported(u, code)
	if err != nil || i < 0 {
		return false, err
	}
	b.Used = append(b.Used, tags.of(canonical)...)
	b.Imported = slices.Delete(b.Imported, i, i+1)
	return true, t.burned(u)
}

// find returns where in stored tags the one of a code begins, or -1.
func (a backupTags) find(stored []byte, code string) int {
	for i := 0; i+a.size <= len(stored); i += a.size {
		if a.is(stored[i:i+a.size], code) {
			return i
		}
	}
	return -1
}

// burned forgets the plain set: it must never be shown again once one of its codes is gone. A key that came from elsewhere moves on to the newest key here.
func (t *txn) burned(u *User) (err error) {
	b := u.Backup
	b.Recent, b.RecentTo = nil, 0
	t.record(u, EventBackupUsed, u.Backup.subject())
	if len(b.Key) == 0 || t.s.ring.Current(b.Key) {
		return nil
	}
	key, err := t.s.backupKey(u, b)
	if err == nil {
		err = t.s.sealBackupKey(u, b, key)
	}
	return err
}

func (s *Service) sealBackupKey(u *User, b *BackupSet, key seal.OwnerKey) (err error) {
	if b.Key, err = s.ring.Seal(backupKeyOwner(u, b), secret.New(string(key[:]))); err != nil {
		return fmt.Errorf("seal key of backup codes: %w", err)
	}
	return nil
}
