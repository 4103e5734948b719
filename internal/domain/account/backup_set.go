package account

import "github.com/countersign-mfa/countersign/internal/crypto/seal"

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

// BackupSet is a user's backup codes. Only keyed hashes are kept, bound to the set by its random id; Recent holds the codes themselves, sealed, for the
// few seconds in which a repeated request must get the same set.
type BackupSet struct {
	ID        string   `json:"i"`
	Version   uint32   `json:"k,omitempty"`  // of the ring, whose key for this set the tags are made with
	Key       []byte   `json:"ks,omitempty"` // of a set from another instance, its key there, sealed
	Tags      []byte   `json:"t,omitempty"`  // of unused codes, one after another: see backup_tags.go
	Used      []byte   `json:"d,omitempty"`  // the same of used ones: giving one twice is no guess
	Foreign   bool     `json:"x,omitempty"`  // some imported codes do not have our form
	Imported  []string `json:"b,omitempty"`  // bcrypt digests from another service
	Recent    []byte   `json:"r,omitempty"`
	RecentTo  Instant  `json:"re,omitempty"`
	Failures  int      `json:"f,omitempty"`
	CreatedAt Instant  `json:"c"`
}

func (b *BackupSet) Count() int { return len(b.Tags)/b.TagSize() + len(b.Imported) }

func (b *BackupSet) Usable() bool { return b != nil && b.Count() > 0 && b.Failures < FailuresPerFactor }

// BackupCodesEnabled says whether unused backup codes exist.
func (u *User) BackupCodesEnabled() bool { return u.Backup != nil && u.Backup.Count() > 0 }
