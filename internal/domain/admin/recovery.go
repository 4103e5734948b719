package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/recovery"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// CancelRecovery cancels a user's request to remove the second factors. The error is
// [apierr.ResourceNotFound] without one.
func (s *Service) CancelRecovery(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		if !recovery.Cancel(t, u) {
			return apierr.New(apierr.ResourceNotFound)
		}
		return nil
	})
}
