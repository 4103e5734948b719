package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

// EventsList is GET /v1/events.
func EventsList() operation.Operation {
	return row("events-list", "GET /v1/events",
		"What was done in the last 30 days, newest first", operation.Latest, listEvents)
}

// Events is a page of events, newest first.
type Events struct {
	Data []wire.Event `json:"data"`
	// HasMore reports that there may be older events: ask for those before Next. Beside a filter a
	// page may have few events, or none, although more follow.
	HasMore bool `json:"has_more"`
	// Next is the value of before for the next page, or null.
	Next *string `json:"next"`
}

type eventListInput struct {
	Limit  int         `query:"limit" rules:"min=1 max=500 default=10"`
	Before string      `query:"before" rules:"pattern=^evt_[0-9a-v]{26}$" doc:"next of the page before, or the id of an event; older ones follow"`
	Types  []hookEvent `query:"type" doc:"events of these types"`
	User   string      `query:"user_id" rules:"pattern=^user_[a-z2-7]{26}$" doc:"events of this user, also of one who is deleted"`
	createdPeriod
}

// createdPeriod narrows a log to a period, whose bounds are not part of it. A time is limited to
// 2^50, which is far beyond every time.
type createdPeriod struct {
	After int `query:"created_at_after" rules:"min=0 max=1125899906842624" doc:"milliseconds since 1970"`
	Until int `query:"created_at_before" rules:"min=1 max=1125899906842624" doc:"milliseconds since 1970"`
}

func listEvents(c *operation.Call, in eventListInput) (Events, error) {
	q := audit.EventQuery{Before: in.Before, User: in.User, After: account.Instant(in.After), Until: account.Instant(in.Until), Limit: in.Limit}
	for _, name := range in.Types {
		q.Types = append(q.Types, eventtype.Name(name))
	}
	found, err := c.Service.Audit.Events(c, q)
	if err != nil {
		return Events{}, err
	}
	out := Events{Data: make([]wire.Event, len(found.Events)), HasMore: found.Next != "", Next: wire.Nullable(found.Next)}
	for i, e := range found.Events {
		out.Data[i] = wire.NewEvent(e)
	}
	return out, nil
}
