package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// DataExport is everything stored about a user, except secrets and values that help to guess them.
type DataExport struct {
	User     *account.User
	Sessions []sessions.Result
	Devices  []sessions.RememberedDevice
	Trail    *audit.Trail
	Now      account.Instant
}

// DataExport reads everything stored about a user, as of one moment.
func (s *Service) DataExport(ctx context.Context, user string) (*DataExport, error) {
	var out *DataExport
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		out = &DataExport{User: u, Now: t.Now}
		var err error
		if out.Sessions, err = sessions.UserSessions(t, u); err != nil {
			return err
		}
		if out.Devices, err = sessions.DevicesOf(t, u); err != nil {
			return err
		}
		for i := range out.Sessions {
			out.Sessions[i].Snapshot = &sessions.Snapshot{Now: t.Now, Settings: t.State.Settings, Users: map[string]*account.User{u.ID: u}}
		}
		out.Trail, err = audit.ReadTrail(t, u, u.ID, account.PagesKept)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Counts returns how many codes of a set are unused and how many were used.
func Counts(b *account.BackupSet) (unused, used int) { return b.Count(), b.CountUsed() }
