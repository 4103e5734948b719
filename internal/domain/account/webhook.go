package account

import (
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// Endpoint is a target of webhooks. Endpoints are part of the settings, because every commit must
// know whether there are any.
type Endpoint struct {
	ID          string           `json:"i"`
	URL         string           `json:"w"`
	Description string           `json:"d,omitempty"`
	Events      []eventtype.Name `json:"e,omitempty"` // none: all
	Disabled    bool             `json:"x,omitempty"`
	Secrets     []HookSecret     `json:"s"` // the newest first
	CreatedAt   Instant          `json:"c"`
	UpdatedAt   Instant          `json:"u"`
}

// HookSecret is a key that signs webhooks until it ends.
type HookSecret struct {
	Sealed []byte  `json:"s"`
	Ends   Instant `json:"e,omitempty"`
}

// WireID returns the id that clients see.
func (e *Endpoint) WireID() string { return PrefixHook + e.ID }

// Wants reports whether the endpoint subscribed to an event.
func (e *Endpoint) Wants(name eventtype.Name) bool {
	return !e.Disabled && (len(e.Events) == 0 || slices.Contains(e.Events, name) || name == eventtype.HookTest)
}

// DeliveryRecord lists the targets that still lack events of the event record with the same id.
type DeliveryRecord struct {
	Base
	To []DeliveryTarget `json:"d"`
	// Language is that of the acting user, for a notice.
	Language language.Tag `json:"g,omitempty"`
}

// DeliveryTarget is one target of a delivery, with its progress.
type DeliveryTarget struct {
	ID    string  `json:"i"` // of an endpoint, or targetBus
	Tries int     `json:"n,omitempty"`
	Next  Instant `json:"x"`
	Done  int     `json:"o,omitempty"` // how many of the record's events it has
	// Only is the place of the one event that is sent again, counted from 1; 0: all events.
	Only int `json:"p,omitempty"`
}

// NextExpiry implements [Entity]: the time of the next try.
func (d *DeliveryRecord) NextExpiry() time.Time {
	next := d.To[0].Next
	for _, to := range d.To {
		next = min(next, to.Next)
	}
	return next.Time()
}

// Target returns a target by its id, or nil.
func (d *DeliveryRecord) Target(id string) *DeliveryTarget {
	for i := range d.To {
		if d.To[i].ID == id {
			return &d.To[i]
		}
	}
	return nil
}

// Gets reports whether an event goes to the endpoint: one that it subscribed to. A test goes to its
// own endpoint only, and the failure of an endpoint to none.
func (e *Endpoint) Gets(a StoredEvent) bool {
	switch a.Name {
	case eventtype.HookFailed:
		return false
	case eventtype.HookTest:
		return e.Wants(a.Name) && a.Subject == e.WireID()
	}
	return e.Wants(a.Name)
}

// DeliveryLog is the log of the endpoint with the same id.
type DeliveryLog struct {
	Base
	deliverylog.Log
}

// NextExpiry implements [Entity].
func (l *DeliveryLog) NextExpiry() time.Time { return l.EndsAt() }

// EndsAt implements [Entity]: when no event of the log can be sent again.
func (l *DeliveryLog) EndsAt() time.Time { return Instant(l.Last()).Add(EventKept).Time() }
