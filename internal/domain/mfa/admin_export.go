package mfa

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// DataExport is what is held about a user, for the user to see: all but secrets, and what could be used to guess them.
type DataExport struct {
	User     *User
	Sessions []SessionResult
	Trail    *AuditTrail
	Now      Instant
}

// DataExport reads it, as of one moment.
func (s *Service) DataExport(ctx context.Context, user string) (*DataExport, error) {
	var out *DataExport
	err := s.admin(ctx, user, func(t *txn, u *User) error {
		out = &DataExport{User: u, Now: t.now}
		var err error
		if out.Sessions, err = t.sessionsOf(u); err != nil {
			return err
		}
		for i := range out.Sessions {
			out.Sessions[i].Snapshot = &Snapshot{Now: t.now, Settings: t.state.settings, Users: map[string]*User{u.ID: u}}
		}
		out.Trail, err = t.trail(u, u.ID, pagesKept)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Counts are how many codes of a set work and how many were used.
func (b *BackupSet) Counts() (unused, used int) { return b.count(), len(b.Used) / b.tagSize() }

// LastUsed is the moment of the last accepted code, to half a minute, or 0.
func (t *TOTP) LastUsed() Instant { return Instant(t.LastStep * totp.Period.Milliseconds()) }
