package admin

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// DataExport is what is held about a user, for the user to see: all but secrets, and what could be used to guess them.
type DataExport struct {
	User     *account.User
	Sessions []sessions.Result
	Trail    *audit.Trail
	Now      account.Instant
}

// DataExport reads it, as of one moment.
func (s *Service) DataExport(ctx context.Context, user string) (*DataExport, error) {
	var out *DataExport
	err := s.Admin(ctx, user, func(t *tx.Tx, u *account.User) error {
		out = &DataExport{User: u, Now: t.Now}
		var err error
		if out.Sessions, err = sessions.UserSessions(t, u); err != nil {
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

// Counts are how many codes of a set work and how many were used.
func Counts(b *account.BackupSet) (unused, used int) { return b.Count(), len(b.Used) / b.TagSize() }

// LastUsed is the moment of the last accepted code, to half a minute, or 0.
func LastUsed(t *account.TOTP) account.Instant {
	return account.Instant(t.LastStep * totp.Period.Milliseconds())
}
