package tx

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// RandomID returns 128 random bits as text.
func (s *Engine) RandomID() (string, error) {
	return account.RandomText(s.Rand, 16)
}

// maskNumber masks or unmasks the key in a phone id. A phone id is the user's id followed by the key of the number's sending record, masked with a keyed hash of the user.
// The service finds both records in one round trip; nobody else can tell that two accounts hold one number.
func (s *Engine) maskNumber(user, key string) string {
	k, _ := account.IDEncoding.DecodeString(key)
	m, _ := account.IDEncoding.DecodeString(s.Digest("phone-id", user))
	for i := range k {
		k[i] ^= m[i]
	}
	return account.IDEncoding.EncodeToString(k)
}

// NumberKey is the sending record of a number. The id of a phone leads to it before the user is read, unless the phone came with its user from another
// instance, whose keyed hashes are others: then it is one round trip more.
func (s *Engine) NumberKey(e164 string) store.Key {
	return store.Key{Kind: store.KindNumber, ID: s.Digest("number", e164)}
}

// ParsePhoneID returns the user and the number key inside a phone id.
func (s *Engine) ParsePhoneID(id string) (user, numberKey string, ok bool) {
	rest, found := strings.CutPrefix(id, account.PrefixID)
	if !found || len(rest) != 2*account.IDLen || !account.IsID(rest[:account.IDLen]) || !account.IsID(rest[account.IDLen:]) {
		return "", "", false
	}
	return rest[:account.IDLen], s.maskNumber(rest[:account.IDLen], rest[account.IDLen:]), true
}

// Digest is a lookup key: stable, keyed, 128 bits.
func (s *Engine) Digest(parts ...string) string {
	sum := s.Ring.Digest(parts...)
	if account.IsID(sum) {
		return sum
	}
	panic("mfa: seal.Ring.Digest must return 26 base-32 characters")
}
