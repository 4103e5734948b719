package account

import (
	"slices"
	"time"
)

// SigningKeys is the record of all keys that sign session tokens, oldest first.
type SigningKeys struct {
	Base
	Keys []SigningKey `json:"k"`
}

// SigningKey is a key that signs session tokens, sealed.
type SigningKey struct {
	ID       string  `json:"i"` // RFC 7638 thumbprint
	Sealed   []byte  `json:"s"`
	SignFrom Instant `json:"f"`
	// Until is when the key leaves the key set; 0 while it has no successor.
	Until Instant `json:"u,omitempty"`
}

// NextExpiry implements [Entity].
func (k *SigningKeys) NextExpiry() time.Time {
	for _, key := range k.Keys {
		if key.Until != 0 {
			return key.Until.Time()
		}
	}
	return time.Time{}
}

// Current returns the key that signs now, or nil if there is no key. After a clock went back, all
// keys may lie in the future: then the oldest signs, which every verifier knows.
func (k *SigningKeys) Current(now Instant) *SigningKey {
	var found *SigningKey
	for i := range k.Keys {
		if i == 0 || k.Keys[i].SignFrom <= now {
			found = &k.Keys[i]
		}
	}
	return found
}

// RemoveExpired removes the keys that have left the key set.
func (k *SigningKeys) RemoveExpired(now Instant) {
	k.Keys = slices.DeleteFunc(k.Keys, func(key SigningKey) bool { return key.Until != 0 && key.Until <= now })
}
