package account

import (
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
)

// A set of backup codes has a key of its own, derived from the ring: a tag is HMAC-SHA-256 of the canonical code under that key, cut to 96
// bits, which is plenty for codes of 50. So a set can move to another instance, or to another program, with its codes good and
// no key of the ring given away: the set's key goes along, and is kept sealed where it arrives.
//
// Sets from before that have tags of another length and no key of their own.

// BackupTagSize is the length of a tag.
const BackupTagSize = 12

func (b *BackupSet) HasKey() bool { return b.Version != 0 || len(b.Key) > 0 }

func (b *BackupSet) TagSize() int {
	if b.HasKey() {
		return BackupTagSize
	}
	return seal.TagSize
}
