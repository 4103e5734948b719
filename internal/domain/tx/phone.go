package tx

import (
	"errors"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Number parses a phone number that is to be added, as people of a region write it. The region is
// two letters of ISO 3166-1, or "" for a number with + and a country code.
func (s *Engine) Number(text, region string) (phone.Number, error) {
	if s.numbers == nil {
		return phone.Number{}, errors.New("tx: no parser of phone numbers is configured")
	}
	n, err := s.numbers(text, region)
	if err != nil {
		return phone.Number{}, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return n, nil
}

// NewPhone returns an unverified phone of a user.
func (s *Engine) NewPhone(u *account.User, n phone.Number, now account.Instant) account.Phone {
	tail := s.maskNumber(u.ID, s.NumberKey(n.E164()).ID)
	return account.Phone{ID: account.PrefixID + u.ID + tail, Tail: tail, Number: n.E164(), Country: n.Country(), Line: n.Line(), CreatedAt: now, UpdatedAt: now}
}

// maskNumber masks or unmasks the number's key in a phone id. A phone id is the user's id followed
// by the key of the number's record, masked with a keyed hash of the user. The service finds both
// records in one round trip, and a client cannot tell that two accounts hold one number.
func (s *Engine) maskNumber(user, key string) string {
	k, _ := account.IDEncoding.DecodeString(key)
	m, _ := account.IDEncoding.DecodeString(s.Digest("phone-id", user))
	for i := range k {
		k[i] ^= m[i]
	}
	return account.IDEncoding.EncodeToString(k)
}

// NumberKey returns the key of a number's record. A phone id leads to it before the user is read.
// The id of a phone imported from another instance does not, because keyed hashes differ: then
// sending takes one more round trip.
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
