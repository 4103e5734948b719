package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// UserAuditEventsList is GET /v1/users/{user_id}/audit_events.
func UserAuditEventsList() operation.Operation {
	return row("user-audit-events-list", "GET /v1/users/{user_id}/audit_events",
		"What was done to a user, newest first", 0, listAuditEvents,
		operation.NotFound, []apierr.Code{apierr.FormParamValueInvalid})
}

// InstanceAuditEventsList is GET /v1/instance/audit_events.
func InstanceAuditEventsList() operation.Operation {
	return row("instance-audit-events-list", "GET /v1/instance/audit_events",
		"Changes of the settings, newest first", 0, listSettingsAuditEvents,
		[]apierr.Code{apierr.FormParamValueInvalid})
}

type auditInput struct {
	ID     string `path:"user_id"`
	Limit  *int   `query:"limit" doc:"1 to 500, default 10"`
	Offset int    `query:"offset"`
}

func listAuditEvents(c *operation.Call, in auditInput) (wire.AuditEvents, error) {
	offset, limit, err := page(in.Offset, in.Limit)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	trail, err := c.Service.Audit.UserTrail(c, in.ID)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	return wire.NewAuditEvents(trail, offset, limit), nil
}

type settingsAuditInput struct {
	Limit  *int `query:"limit" doc:"1 to 500, default 10"`
	Offset int  `query:"offset"`
}

func listSettingsAuditEvents(c *operation.Call, in settingsAuditInput) (wire.AuditEvents, error) {
	offset, limit, err := page(in.Offset, in.Limit)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	trail, err := c.Service.Audit.SettingsTrail(c)
	if err != nil {
		return wire.AuditEvents{}, err
	}
	return wire.NewAuditEvents(trail, offset, limit), nil
}
