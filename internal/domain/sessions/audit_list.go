package sessions

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// ownPages is how much of its trail a user is shown.
const ownPages = 3

// OwnAuditTrail reads the newest part of the trail of the caller's user.
func (s *Service) OwnAuditTrail(ctx context.Context, from tx.Caller) (*audit.Trail, *Snapshot, error) {
	var out *audit.Trail
	snap, err := s.RunClient(ctx, from, from.KeysFor(from.Session), func(t *tx.Tx, p *tx.ClientSession) error {
		caller, err := RequireSession(t, p, from.Session, authority.ReadAuditLog)
		if err != nil {
			return err
		}
		out, err = audit.ReadTrail(t, caller.User, caller.User.ID, ownPages)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return out, snap, nil
}
