package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
)

// UserExport is GET /v1/users/{user_id}/export.
func UserExport() operation.Operation {
	return row("user-export", "GET /v1/users/{user_id}/export",
		"Everything that is held about a user, but secrets", 0, exportUser,
		operation.NotFound)
}

// ExportedUser is everything stored about a user, without secrets and without anything that helps
// to guess one.
type ExportedUser struct {
	Object           string           `json:"object"`
	ExportedAt       int64            `json:"exported_at"`
	User             wire.AdminUser   `json:"user"`
	Numbers          []HeldNumber     `json:"numbers"`
	AuthenticatorApp *HeldApp         `json:"authenticator_app"`
	BackupCodes      *HeldBackupCodes `json:"backup_codes"`
	Passkeys         []HeldPasskey    `json:"passkeys"`
	FirstFactor      HeldFailures     `json:"first_factor"`
	SecondFactor     HeldFailures     `json:"second_factor"`
	// UnknownClients are the times of wrong second factors from clients that never passed one.
	UnknownClients []int64 `json:"failures_from_unknown_clients"`
	// StrandedAt is the last sign-in that found no second factor to prove.
	StrandedAt   *int64        `json:"stranded_at"`
	TextsSent    []int64       `json:"texts_sent"`
	NoticesSent  []int64       `json:"notices_sent"`
	NumbersAdded []int64       `json:"numbers_added"`
	Sessions     []HeldSession `json:"sessions"`
	// RememberedDevices are the devices on which the user signs in without a second factor.
	RememberedDevices []wire.RememberedDevice `json:"remembered_devices"`
	AuditEvents       []wire.AdminAuditEvent  `json:"audit_events"`
	AuditChain        wire.AuditChain         `json:"audit_chain"`
}

// HeldNumber has the fields of a number that the user's own list leaves out.
type HeldNumber struct {
	ID          string  `json:"id"`
	PhoneNumber string  `json:"phone_number"`
	Country     *string `json:"country"`
	Line        string  `json:"line"`
	Name        *string `json:"name"`
	LastUsedAt  *int64  `json:"last_used_at"`
	VerifiedAt  *int64  `json:"verified_at"`
	Failures    int     `json:"failures"`
}

// HeldApp is an authenticator app without its secret.
type HeldApp struct {
	ID         string  `json:"id"`
	Name       *string `json:"name"`
	VerifiedAt *int64  `json:"verified_at"`
	LastUsedAt *int64  `json:"last_used_at"`
	Failures   int     `json:"failures"`
	CreatedAt  int64   `json:"created_at"`
}

// HeldBackupCodes counts the codes of a set.
type HeldBackupCodes struct {
	ID        string `json:"id"`
	Unused    int    `json:"unused"`
	Used      int    `json:"used"`
	Failures  int    `json:"failures"`
	CreatedAt int64  `json:"created_at"`
}

// HeldPasskey is a passkey. Its public key is no secret, and no data of the user's.
type HeldPasskey struct {
	ID         string   `json:"id"`
	Name       string   `json:"name"`
	RPID       string   `json:"rp_id"`
	Transports []string `json:"transports"`
	Counter    uint32   `json:"counter"`
	BackedUp   bool     `json:"backed_up"` // synchronized between devices
	VerifiedAt *int64   `json:"verified_at"`
	LastUsedAt *int64   `json:"last_used_at"`
	// BlockedAt is when the counter went back.
	BlockedAt *int64 `json:"blocked_at"`
	CreatedAt int64  `json:"created_at"`
}

// HeldFailures are consecutive failures and the lock that followed.
type HeldFailures struct {
	Failures    int    `json:"failures"`
	WaitUntil   *int64 `json:"wait_until"`
	LockedUntil *int64 `json:"locked_until"`
}

// HeldSession is a session with its user agent and network.
type HeldSession struct {
	wire.AdminSession
	UserAgent string `json:"user_agent"`
	Network   string `json:"network"` // a /24, or a /48 for IPv6
}

func exportUser(c *operation.Call, in userInput) (ExportedUser, error) {
	held, err := c.Service.Admin.DataExport(c, in.ID)
	if err != nil {
		return ExportedUser{}, err
	}
	u := held.User
	trail := wire.NewAuditEvents(held.Trail, 0, len(held.Trail.Events))
	out := ExportedUser{
		Object: "user_export", ExportedAt: int64(held.Now), User: wire.NewAdminUser(u, held.Now), Numbers: []HeldNumber{}, Passkeys: heldPasskeys(u), Sessions: []HeldSession{},
		FirstFactor: heldFailures(u.FirstFailures.FailureCounter), SecondFactor: heldFailures(u.SecondFailures.FailureCounter), UnknownClients: []int64{}, StrandedAt: wire.Milliseconds(u.StrandedAt),
		TextsSent: append([]int64{}, u.SMSLog...), NoticesSent: append([]int64{}, u.Notices...), NumbersAdded: append([]int64{}, u.NewNumberLog...), AuditEvents: trail.Data, AuditChain: trail.Chain,
	}
	out.RememberedDevices = wire.NewRememberedDevices(held.Devices)
	for _, at := range u.FailureLog {
		out.UnknownClients = append(out.UnknownClients, at*1000)
	}
	for i := range u.Phones {
		p := &u.Phones[i]
		out.Numbers = append(out.Numbers, HeldNumber{
			ID: p.ID, PhoneNumber: p.Number, Country: wire.Nullable(p.Country), Line: p.Line.String(), Name: wire.Nullable(p.Name), LastUsedAt: wire.Milliseconds(p.Used), VerifiedAt: wire.Milliseconds(p.Verified), Failures: p.Failures,
		})
	}
	if t := u.TOTP; t != nil {
		out.AuthenticatorApp = &HeldApp{ID: t.WireID(), Name: wire.Nullable(t.Name), VerifiedAt: wire.Milliseconds(t.Verified), LastUsedAt: wire.Milliseconds(t.Used), Failures: t.Failures, CreatedAt: int64(t.CreatedAt)}
	}
	if b := u.Backup; b != nil {
		unused, used := admin.Counts(b)
		out.BackupCodes = &HeldBackupCodes{ID: mfa.WireID(b), Unused: unused, Used: used, Failures: b.Failures, CreatedAt: int64(b.CreatedAt)}
	}
	for i := range held.Sessions {
		out.Sessions = append(out.Sessions, HeldSession{wire.NewAdminSession(&held.Sessions[i]), held.Sessions[i].Session.Agent, held.Sessions[i].Session.Network})
	}
	return out, nil
}

func heldPasskeys(u *account.User) []HeldPasskey {
	held := []HeldPasskey{}
	for _, p := range u.Passkeys {
		held = append(held, HeldPasskey{
			ID: p.WireID(), Name: p.Name, RPID: p.RPID, Transports: append([]string{}, passkeys.OpenTransports(p.Transports)...), Counter: p.Counter, BackedUp: p.BackedUp,
			VerifiedAt: wire.Milliseconds(p.Verified), LastUsedAt: wire.Milliseconds(p.Used), BlockedAt: wire.Milliseconds(p.Copied), CreatedAt: int64(p.CreatedAt),
		})
	}
	return held
}

func heldFailures(b account.FailureCounter) HeldFailures {
	return HeldFailures{Failures: b.Failures, WaitUntil: wire.Milliseconds(b.WaitUntil), LockedUntil: wire.Milliseconds(b.LockedUntil)}
}
