package frontend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
)

// MeGet is GET /v1/me.
func MeGet() operation.Operation {
	return row("me-get", "GET /v1/me", "The user", 0, getMe)
}

// MeAuditEventsList is GET /v1/me/audit_events.
func MeAuditEventsList() operation.Operation {
	return row("me-audit-events-list", "GET /v1/me/audit_events",
		"What was done to the user of late, newest first", 0, listOwnAuditEvents,
		notPending)
}

func getMe(c *operation.Call, _ operation.Empty) (Wrapped[wire.User], error) {
	r, err := c.Service.Sessions.Me(c, c.Caller)
	if err != nil {
		return Wrapped[wire.User]{}, err
	}
	return wrap(c, wire.NewUser(r.User, r.Snapshot.Now), r.Snapshot), nil
}

func listOwnAuditEvents(c *operation.Call, _ operation.Empty) ([]wire.AuditEvent, error) {
	trail, _, err := c.Service.Sessions.OwnAuditTrail(c, c.Caller)
	if err != nil {
		return nil, err
	}
	return wire.NewAuditEvents(trail, 0, len(trail.Events)).Data, nil
}
