package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
)

// UserAuditEventsList is GET /v1/users/{user_id}/audit_events.
func UserAuditEventsList() operation.Operation {
	return row("user-audit-events-list", "GET /v1/users/{user_id}/audit_events",
		"What was done to a user, newest first", 0, listAuditEvents,
		operation.NotFound)
}

// InstanceAuditEventsList is GET /v1/instance/audit_events.
func InstanceAuditEventsList() operation.Operation {
	return row("instance-audit-events-list", "GET /v1/instance/audit_events",
		"Changes of the settings, newest first", 0, listSettingsAuditEvents)
}

type auditInput struct {
	ID string `path:"user_id"`
	page
}

func listAuditEvents(c *operation.Call, in auditInput) (wire.AuditEvents, error) {
	trail, err := c.Service.Audit.UserTrail(c, in.ID)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	return wire.NewAuditEvents(trail, in.Offset, in.Limit), nil
}

func listSettingsAuditEvents(c *operation.Call, in page) (wire.AuditEvents, error) {
	trail, err := c.Service.Audit.SettingsTrail(c)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	return wire.NewAuditEvents(trail, in.Offset, in.Limit), nil
}
