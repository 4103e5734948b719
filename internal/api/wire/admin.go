package wire

import (
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
)

// AdminUser is an account as the Backend API shows it.
type AdminUser struct {
	User
	PrivateMetadata json.RawMessage `json:"private_metadata"`
	// MFARequired marks the user as one who has to have a second factor, from MFARequiredFrom on. The
	// settings may require it earlier: mfa_due_at has the earlier date.
	MFARequired     bool   `json:"mfa_required"`
	MFARequiredFrom *int64 `json:"mfa_required_from"`
}

// NewAdminUser returns a user as the Backend API shows it.
func NewAdminUser(u *account.User, now account.Instant) AdminUser {
	out := AdminUser{User: NewUser(u, now), PrivateMetadata: Object(u.Private), MFARequired: u.RequiredFrom != 0, MFARequiredFrom: Milliseconds(u.RequiredFrom)}
	return out
}

// AdminSession is a session as the Backend API shows it.
type AdminSession struct {
	Object       string    `json:"object"`
	ID           string    `json:"id"`
	UserID       string    `json:"user_id"`
	ClientID     string    `json:"client_id"`
	Status       string    `json:"status"`
	Actor        *struct{} `json:"actor"`
	Tasks        []Task    `json:"tasks"`
	LastActiveAt int64     `json:"last_active_at"`
	ExpireAt     int64     `json:"expire_at"`
	AbandonAt    int64     `json:"abandon_at"`
	CreatedAt    int64     `json:"created_at"`
	UpdatedAt    int64     `json:"updated_at"`
	// LatestActivity is the device that last used the session.
	LatestActivity Activity `json:"latest_activity"`
}

// NewAdminSession returns a session as the Backend API shows it.
func NewAdminSession(r *sessions.Result) AdminSession {
	s := NewSession(r.Session, r.User, r.Snapshot)
	return AdminSession{
		Object: "session", ID: s.ID, UserID: r.User.WireID(), ClientID: r.Session.ClientWireID(), Status: s.Status, Tasks: s.Tasks,
		LastActiveAt: s.LastActiveAt, ExpireAt: s.ExpireAt, AbandonAt: s.AbandonAt, CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt,
		LatestActivity: activityOf(r),
	}
}
