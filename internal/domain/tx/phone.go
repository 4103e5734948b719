package tx

import (
	"errors"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
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
