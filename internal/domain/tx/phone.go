package tx

import (
	"errors"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Number reads a number that is new to the service.
func (s *Engine) Number(text string) (phone.Number, error) {
	if s.numbers == nil {
		return phone.Number{}, errors.New("mfa: this service takes no new numbers")
	}
	n, err := s.numbers(text)
	if err != nil {
		return phone.Number{}, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return n, nil
}

func (s *Engine) NewPhone(u *account.User, n phone.Number, now account.Instant) account.Phone {
	tail := s.maskNumber(u.ID, s.NumberKey(n.E164()).ID)
	return account.Phone{ID: account.PrefixID + u.ID + tail, Tail: tail, Number: n.E164(), Country: n.Country(), Line: n.Line(), CreatedAt: now, UpdatedAt: now}
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
