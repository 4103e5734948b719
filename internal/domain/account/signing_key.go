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

type SigningKey struct {
	ID       string  `json:"i"` // RFC 7638 thumbprint
	Sealed   []byte  `json:"s"`
	SignFrom Instant `json:"f"`
	// Until is when the key leaves the key set; 0 while no successor exists.
	Until Instant `json:"u,omitempty"`
}

func (k *SigningKeys) NextExpiry() time.Time {
	for _, key := range k.Keys {
		if key.Until != 0 {
			return key.Until.Time()
		}
	}
	return time.Time{}
}

// Current is the key that signs now, or nil when there is none at all. By a clock that went back, every key may be of the future: then the oldest
// signs, which everybody knows, and no other is made for the time before it.
func (k *SigningKeys) Current(now Instant) *SigningKey {
	var found *SigningKey
	for i := range k.Keys {
		if i == 0 || k.Keys[i].SignFrom <= now {
			found = &k.Keys[i]
		}
	}
	return found
}

func (k *SigningKeys) RemoveExpired(now Instant) {
	k.Keys = slices.DeleteFunc(k.Keys, func(key SigningKey) bool { return key.Until != 0 && key.Until <= now })
}
