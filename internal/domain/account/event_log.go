package account

import (
	"encoding/base32"
	"encoding/binary"
	"strings"
	"time"
)

// The event log lists what was done in the whole instance, newest first. Every act that is not routine is committed with its entry; it is what
// webhooks are made from, and what remains of a user that was deleted. A commit's acts share one record, because a record is a write.

// EventKept is how long an event can be listed and replayed.
const EventKept = 30 * 24 * time.Hour

// Actor is who acted.
type Actor string

// The actors: a user's own client, the team's servers, or Countersign by itself.
const (
	ByUser    Actor = "user"
	ByBackend Actor = "backend"
	BySystem  Actor = "system"
)

// Event is something that happened. It holds ids only.
type Event struct {
	ID      string
	Name    EventName
	User    string // "" when it was done to nobody
	Subject string // the id of the factor, number, session, ticket or endpoint that it was done to, or ""
	Method  Strategy
	By      Actor
	Address string   // the network that it was done from, or ""
	Fields  []string // of the settings
	Began   Instant  // of a session
	At      time.Time
}

// SessionEnds is when the session of the event ends at the latest.
func (e Event) SessionEnds() Instant { return e.Began.Add(SessionLife) }

// EventRecord is the record of a commit's acts.
type EventRecord struct {
	Base
	At      Instant       `json:"t"`
	By      Actor         `json:"b"`
	Address string        `json:"a,omitempty"`
	Events  []StoredEvent `json:"e"`
}

type StoredEvent struct {
	Name    EventName `json:"k"`
	User    string    `json:"u,omitempty"`
	Subject string    `json:"s,omitempty"`
	Method  Strategy  `json:"m,omitempty"`
	Fields  []string  `json:"f,omitempty"`
	Began   Instant   `json:"c,omitempty"`
}

func (j *EventRecord) NextExpiry() time.Time { return j.At.Add(EventKept).Time() }

func (j *EventRecord) EndsAt() time.Time { return j.NextExpiry() }

// All are the record's acts in their order.
func (j *EventRecord) All() []Event {
	out := make([]Event, len(j.Events))
	for i, a := range j.Events {
		out[i] = Event{
			ID: eventID(j.ID.ID, i), Name: a.Name, Subject: a.Subject, Method: a.Method, By: j.By, Address: j.Address, Fields: a.Fields, Began: a.Began, At: j.At.Time(),
		}
		if a.User != "" {
			out[i].User = PrefixUser + a.User
		}
	}
	return out
}

// An event's id is the time in milliseconds, 72 random bits and its place in the commit, as text that sorts as they do.
const (
	eventRecordIDLen = 24
	EventsPerRecord  = 1 << 10
)

var SortedEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func eventID(record string, place int) string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	return prefixEvent + record + string([]byte{digits[place>>5&31], digits[place&31]})
}

// EventTime is the time that an event's id holds.
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
