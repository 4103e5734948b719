package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// PrepareUserPhone sends a code to any user's number, for a form of the team's server. It returns
// the verification that the code belongs to.
func (s *Service) PrepareUserPhone(ctx context.Context, from tx.Caller, id string) (*account.Code, error) {
	return s.phoneCode(ctx, id, func(t *tx.Tx, u *account.User, p *account.Phone) (*account.Code, error) {
		err := mfa.PrepareBackend(t, u, p, from)
		return p.Backend, err
	})
}

// AttemptUserPhone compares a code with a verification of any user's number, and returns the
// verification. A wrong code is no error.
func (s *Service) AttemptUserPhone(ctx context.Context, id, verification string, code secret.Value) (*account.Code, error) {
	return s.phoneCode(ctx, id, func(t *tx.Tx, u *account.User, p *account.Phone) (*account.Code, error) {
		return mfa.AttemptBackend(t, u, p, verification, code)
	})
}

// phoneCode is adminPhone for operations that answer with a verification. It reads the number's
// record in the same round trip.
func (s *Service) phoneCode(ctx context.Context, id string, do func(*tx.Tx, *account.User, *account.Phone) (*account.Code, error)) (*account.Code, error) {
	_, number, _ := s.ParsePhoneID(id)
	var code *account.Code
	_, err := s.adminPhone(ctx, id, func(t *tx.Tx, u *account.User, p *account.Phone, _ *mfa.PhoneResult) error {
		var err error
		code, err = do(t, u, p)
		return err
	}, store.Key{Kind: store.KindNumber, ID: number})
	if err != nil {
		return nil, err
	}
	return code, nil
}
