package account

import (
	"cmp"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Endpoint is a target of webhooks. Endpoints are part of the settings, because every commit must
// know whether there are any.
type Endpoint struct {
	ID          string       `json:"i"`
	URL         string       `json:"w"`
	Description string       `json:"d,omitempty"`
	Events      []EventName  `json:"e,omitempty"` // none: all
	Disabled    bool         `json:"x,omitempty"`
	Secrets     []HookSecret `json:"s"` // the newest first
	CreatedAt   Instant      `json:"c"`
	UpdatedAt   Instant      `json:"u"`
}

// HookSecret is a key that signs webhooks until it ends.
type HookSecret struct {
	Sealed []byte  `json:"s"`
	Ends   Instant `json:"e,omitempty"`
}

// WireID returns the id that clients see.
func (e *Endpoint) WireID() string { return PrefixHook + e.ID }

// Wants reports whether the endpoint subscribed to an event.
func (e *Endpoint) Wants(name EventName) bool {
	return !e.Disabled && (len(e.Events) == 0 || slices.Contains(e.Events, name) || name == EventHookTest)
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
	case EventHookFailed:
		return false
	case EventHookTest:
		return e.Wants(a.Name) && a.Subject == e.WireID()
	}
	return e.Wants(a.Name)
}

// DeliveryLogMost is the number of tries that the log of an endpoint keeps.
const DeliveryLogMost = 50

// DeliveryLog holds the newest tries to deliver events to one endpoint, oldest first. Its key is
// [DeliveryLogKey].
type DeliveryLog struct {
	Base
	Tries []DeliveryTry `json:"t"`
}

// DeliveryTry is one try to deliver one event to one endpoint. It holds nothing of the body or of
// the answer.
type DeliveryTry struct {
	Event   string          `json:"e"` // its id, as clients see it
	Name    EventName       `json:"k"`
	Try     int             `json:"n"` // counted from 1
	At      Instant         `json:"c"`
	Took    int             `json:"d,omitempty"` // milliseconds
	Status  int             `json:"s,omitempty"` // the status code of the answer; 0: no answer
	Problem DeliveryProblem `json:"p,omitempty"` // "": delivered
}

// DeliveryProblem is the reason why a try failed.
type DeliveryProblem string

// The reasons why a try failed.
const (
	ProblemStatus     DeliveryProblem = "status"      // an answer with a status other than 2xx
	ProblemTimeout    DeliveryProblem = "timeout"     // no answer in time
	ProblemAddress    DeliveryProblem = "address"     // no address that webhooks may go to
	ProblemName       DeliveryProblem = "name"        // the host's name does not resolve
	ProblemTLS        DeliveryProblem = "certificate" // no TLS: an expired certificate, or none
	ProblemConnection DeliveryProblem = "connection"  // no connection, or one that broke
	ProblemUnsigned   DeliveryProblem = "unsigned"    // no secret of the endpoint opens
)

// DeliveryLogKey returns the key of the log of the endpoint with an id, without prefix.
func DeliveryLogKey(endpoint string) store.Key {
	return store.Key{Kind: store.KindAttempts, ID: endpoint}
}

// Add appends tries in the order of their times. It drops the oldest beyond [DeliveryLogMost].
func (l *DeliveryLog) Add(tries []DeliveryTry) {
	l.Tries = append(l.Tries, tries...)
	slices.SortStableFunc(l.Tries, func(a, b DeliveryTry) int { return cmp.Compare(a.At, b.At) })
	l.Tries = slices.Clone(l.Tries[max(0, len(l.Tries)-DeliveryLogMost):])
}

// NextExpiry implements [Entity].
func (l *DeliveryLog) NextExpiry() time.Time { return l.EndsAt() }

// EndsAt implements [Entity]: when no event of the log can be sent again.
func (l *DeliveryLog) EndsAt() time.Time {
	var last Instant
	for _, one := range l.Tries {
		last = max(last, one.At)
	}
	return last.Add(EventKept).Time()
}
