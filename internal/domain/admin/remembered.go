package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Devices lists the remembered devices of a user.
func (s *Service) Devices(ctx context.Context, user string) ([]sessions.RememberedDevice, error) {
	var all []sessions.RememberedDevice
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) (err error) {
		all, err = sessions.DevicesOf(t, u)
		return err
	})
	return all, err
}

// ForgetDevice forgets a remembered device of a user, by its wire id.
func (s *Service) ForgetDevice(ctx context.Context, user, id string) (account.RememberedDevice, error) {
	var gone account.RememberedDevice
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) (err error) {
		gone, err = sessions.ForgetDevice(t, u, id)
		return err
	})
	return gone, err
}
