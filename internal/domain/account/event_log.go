package account

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
)

// EventKept is how long an event can be listed and replayed.
const EventKept = 30 * 24 * time.Hour

// Actor is the party that acted.
type Actor string

// The actors: a user's own client, the team's servers, or Countersign by itself.
const (
	ByUser    Actor = "user"
	ByBackend Actor = "backend"
	BySystem  Actor = "system"
)

// Event is an act in the instance. It holds ids only.
type Event struct {
	ID      string
	Name    eventtype.Name
	User    string // "" if the event concerns no user
	Subject string // the id of the factor, number, session, ticket or endpoint, or ""
	Method  Strategy
	By      Actor
	Address string   // the network of the caller, or ""
	Fields  []string // of the settings
	Began   Instant  // of a session
	At      time.Time
	Operator
}

// SessionEnds returns the latest end of the event's session.
func (e Event) SessionEnds() Instant { return e.Began.Add(SessionLife) }

// EventRecord is the part of the event log that one commit adds. The event log lists the acts of
// the whole instance; webhooks are made from it, and it outlives a deleted user. A commit's events
// share a record, because a record is a write.
type EventRecord struct {
	Base
	At      Instant `json:"t"`
	By      Actor   `json:"b"`
	Address string  `json:"a,omitempty"`
	Operator
	Events []StoredEvent `json:"e"`
}

// StoredEvent is an event as its record stores it.
type StoredEvent struct {
	Name    eventtype.Name `json:"k"`
	User    string         `json:"u,omitempty"`
	Subject string         `json:"s,omitempty"`
	Method  Strategy       `json:"m,omitempty"`
	Fields  []string       `json:"f,omitempty"`
	Began   Instant        `json:"c,omitempty"`
}

// NextExpiry implements [Entity].
func (j *EventRecord) NextExpiry() time.Time { return j.At.Add(EventKept).Time() }

// EndsAt implements [Entity].
func (j *EventRecord) EndsAt() time.Time { return j.NextExpiry() }

// All returns the record's events in their order.
func (j *EventRecord) All() []Event {
	out := make([]Event, len(j.Events))
	for i, a := range j.Events {
		out[i] = Event{
			ID: eventID(j.ID.ID, i), Name: a.Name, Subject: a.Subject, Method: a.Method, By: j.By, Address: j.Address, Fields: a.Fields, Began: a.Began, At: j.At.Time(), Operator: j.Operator,
		}
		if a.User != "" {
			out[i].User = PrefixUser + a.User
		}
	}
	return out
}

const (
	eventRecordIDLen = 24
	// EventsPerRecord is the number of events that one record of the event log can hold.
	EventsPerRecord = 1 << 10
)

// SortedEncoding is base 32 whose text sorts like the bytes.
var SortedEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

// eventID returns the id of an event: the time in milliseconds, 72 random bits and the place in the
// commit, as text that sorts in that order.
func eventID(record string, place int) string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	return prefixEvent + record + string([]byte{digits[place>>5&31], digits[place&31]})
}

// EventRecordOf returns the id of the record that holds an event, or "" if the id is malformed.
func EventRecordOf(id string) string {
	if _, ok := EventTime(id); !ok {
		return ""
	}
	return id[len(prefixEvent) : len(prefixEvent)+eventRecordIDLen]
}

// EventTime returns the time that an event's id holds.
func EventTime(id string) (Instant, bool) {
	rest, ok := strings.CutPrefix(id, prefixEvent)
	if !ok || len(rest) != eventRecordIDLen+2 {
		return 0, false
	}
	b, err := SortedEncoding.DecodeString(strings.ToUpper(rest[:eventRecordIDLen]))
	if err != nil {
		return 0, false
	}
	return Instant(binary.BigEndian.Uint64(b[:8]) >> 16), true //nolint:gosec // 48 bits
}
