package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
)

// EventsList is GET /v1/events.
func EventsList() operation.Operation {
	return row("events-list", "GET /v1/events",
		"What was done in the last 30 days, newest first", operation.Latest, listEvents)
}

// Events is a page of events, newest first.
type Events struct {
	Data []wire.Event `json:"data"`
	// HasMore reports that there are older events: ask for those before the last id.
	HasMore bool `json:"has_more"`
}

type eventListInput struct {
	Limit  int    `query:"limit" rules:"min=1 max=500 default=10"`
	Before string `query:"before" rules:"pattern=^evt_[0-9a-v]{26}$" doc:"the id of an event; older ones follow"`
}

func listEvents(c *operation.Call, in eventListInput) (Events, error) {
	found, more, err := c.Service.Audit.Events(c, in.Before, in.Limit)
	if err != nil {
		return Events{}, err
	}
	out := Events{Data: make([]wire.Event, len(found)), HasMore: more}
	for i, e := range found {
		out.Data[i] = wire.NewEvent(e)
	}
	return out, nil
}
