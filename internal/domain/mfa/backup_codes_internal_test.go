package mfa

import (
	"crypto/rand"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestABackupTagIsComparedWhole: a stored tag that is cut, or changed in any byte, matches no code,
// for sets with and without a key of their own.
func TestABackupTagIsComparedWhole(t *testing.T) {
	ring, err := seal.NewRing(1, map[uint32]seal.Key{1: {9}}, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]*account.BackupSet{"a key of its own": {ID: "set", Version: 1}, "none": {ID: "set"}} {
		tags, err := OpenTags((&tx.Engine{Ring: ring}), &account.User{ID: "user"}, set)
		if err != nil {
			t.Fatal(err)
		}
		const code = "abcdefghjk"
		stored := append(tags.Of("another"), tags.Of(code)...)
		if at := tags.Find(stored, code); at != tags.size || len(stored) != 2*tags.size {
			t.Fatalf("%s: the second of two tags, %d bytes, is found at %d", name, len(stored), at)
		}
		for i := range tags.size {
			changed := tags.Of(code)
			changed[i] ^= 1
			if tags.Find(changed, code) >= 0 {
				t.Errorf("%s: byte %d of a tag is not compared", name, i)
			}
			if tags.Find(tags.Of(code)[:i], code) >= 0 {
				t.Errorf("%s: %d bytes are taken for a tag", name, i)
			}
		}
	}
}
