package account

import "github.com/countersign-mfa/countersign/internal/crypto/seal"

// BackupTagSize is the length of a tag: HMAC-SHA-256 of the canonical code under the set's own key,
// cut to 96 bits, which is enough for codes of 50 bits. The set's key is derived from the ring, so
// a set can move to another instance without a key of the ring: its key goes along, sealed. Older
// sets have longer tags and no key of their own.
const BackupTagSize = 12

// HasKey reports whether the set has a key of its own.
func (b *BackupSet) HasKey() bool { return b.Version != 0 || len(b.Key) > 0 }

// TagSize returns the length of the set's tags.
func (b *BackupSet) TagSize() int {
	if b.HasKey() {
		return BackupTagSize
	}
	return seal.TagSize
}

// BackupSet is a user's backup codes. It stores keyed hashes, bound to the set by its random id.
// Recent holds the codes themselves, sealed, for the few seconds in which a repeated request must
// get the same set.
type BackupSet struct {
	ID        string   `json:"i"`
	Version   uint32   `json:"k,omitempty"`  // of the ring whose key made the tags
	Key       []byte   `json:"ks,omitempty"` // of a set from another instance, its key there, sealed
	Tags      []byte   `json:"t,omitempty"`  // of unused codes, concatenated
	Used      []byte   `json:"d,omitempty"`  // the same of used ones: giving one twice is no guess
	Foreign   bool     `json:"x,omitempty"`  // some imported codes do not have our form
	Imported  []string `json:"b,omitempty"`  // bcrypt digests from another service
	Recent    []byte   `json:"r,omitempty"`
	RecentTo  Instant  `json:"re,omitempty"`
	Failures  int      `json:"f,omitempty"`
	CreatedAt Instant  `json:"c"`
}

// Count returns the number of unused codes.
func (b *BackupSet) Count() int { return len(b.Tags)/b.TagSize() + len(b.Imported) }

// CountUsed returns the number of used codes.
func (b *BackupSet) CountUsed() int { return len(b.Used) / b.TagSize() }

// Usable reports whether unused codes are left and failures did not disable the set.
func (b *BackupSet) Usable() bool { return b != nil && b.Count() > 0 && b.Failures < FailuresPerFactor }

// BackupCodesEnabled reports whether unused backup codes exist.
func (u *User) BackupCodesEnabled() bool { return u.Backup != nil && u.Backup.Count() > 0 }
