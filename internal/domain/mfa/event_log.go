package mfa

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// The event log lists what was done in the whole instance, newest first. Every act that is not routine is committed with its entry; it is what
// webhooks are made from, and what remains of a user that was deleted. A commit's acts share one record, because a record is a write.

// eventKept is how long an event can be listed and replayed.
const eventKept = 30 * 24 * time.Hour

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
func (e Event) SessionEnds() Instant { return e.Began.Add(sessionLife) }

// eventRecord is the record of a commit's acts.
type eventRecord struct {
	base
	At      Instant       `json:"t"`
	By      Actor         `json:"b"`
	Address string        `json:"a,omitempty"`
	Events  []storedEvent `json:"e"`
}

type storedEvent struct {
	Name    EventName `json:"k"`
	User    string    `json:"u,omitempty"`
	Subject string    `json:"s,omitempty"`
	Method  Strategy  `json:"m,omitempty"`
	Fields  []string  `json:"f,omitempty"`
	Began   Instant   `json:"c,omitempty"`
}

func (j *eventRecord) expires() time.Time { return j.At.Add(eventKept).Time() }
func (j *eventRecord) ends() time.Time    { return j.expires() }

// events are the record's acts in their order.
func (j *eventRecord) events() []Event {
	out := make([]Event, len(j.Events))
	for i, a := range j.Events {
		out[i] = Event{
			ID: eventID(j.id.ID, i), Name: a.Name, Subject: a.Subject, Method: a.Method, By: j.By, Address: j.Address, Fields: a.Fields, Began: a.Began, At: j.At.Time(),
		}
		if a.User != "" {
			out[i].User = prefixUser + a.User
		}
	}
	return out
}

// An event's id is the time in milliseconds, 72 random bits and its place in the commit, as text that sorts as they do.
const (
	eventRecordIDLen = 24
	eventsPerRecord  = 1 << 10
)

var sortedEncoding = base32.HexEncoding.WithPadding(base32.NoPadding)

func (s *Service) newEventRecordID(now Instant) (string, error) {
	var b [15]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now)<<16) //nolint:gosec // a time after 1970
	if _, err := io.ReadFull(s.rand, b[6:]); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return strings.ToLower(sortedEncoding.EncodeToString(b[:])), nil
}

func eventID(record string, place int) string {
	const digits = "0123456789abcdefghijklmnopqrstuv"
	return prefixEvent + record + string([]byte{digits[place>>5&31], digits[place&31]})
}

// eventTime is the time that an event's id holds.
func eventTime(id string) (Instant, bool) {
	rest, ok := strings.CutPrefix(id, prefixEvent)
	if !ok || len(rest) != eventRecordIDLen+2 {
		return 0, false
	}
	b, err := sortedEncoding.DecodeString(strings.ToUpper(rest[:eventRecordIDLen]))
	if err != nil {
		return 0, false
	}
	return Instant(binary.BigEndian.Uint64(b[:8]) >> 16), true //nolint:gosec // 48 bits
}

// actor is who the operation is done by.
func (t *txn) actor() Actor {
	switch {
	case t.bySystem:
		return BySystem
	case t.byBackend:
		return ByBackend
	}
	return ByUser
}

// publish tells of an act by an event.
func (t *txn) publish(e Event) {
	e.At = t.now.Time()
	t.events = append(t.events, e)
}

// stageEvents puts the operation's events into the event log, and what carries them to the team.
func (t *txn) stageEvents() error {
	if !slices.ContainsFunc(t.events, func(e Event) bool { return !e.Name.Kind().LogOnly }) {
		return nil
	}
	id, err := t.s.newEventRecordID(t.now)
	if err != nil {
		return err
	}
	j := &eventRecord{base: base{id: Key{KindEvent, id}}, At: t.now, By: t.actor()}
	if j.By == ByUser && t.address.IsValid() {
		j.Address = maskNetwork(t.address)
	}
	for _, e := range t.events {
		j.Events = append(j.Events, storedEvent{e.Name, strings.TrimPrefix(e.User, prefixUser), e.Subject, e.Method, e.Fields, e.Began})
	}
	if len(j.Events) > eventsPerRecord {
		return fmt.Errorf("mfa: %d acts in one commit", len(j.Events))
	}
	t.events = j.events()
	t.put(j)
	t.logged = j
	return nil
}

// Events lists the newest events before the one with the given id, "" for the newest of all, and says whether there are more.
func (s *Service) Events(ctx context.Context, before string, limit int) (found []Event, more bool, err error) {
	until := s.now().Add(eventKept + time.Hour) // another process's clock may be ahead
	if before != "" {
		at, ok := eventTime(before)
		if !ok {
			return nil, false, apierr.New(apierr.FormParamValueInvalid).Param("before")
		}
		until = at.Add(eventKept + time.Second).Time() // some of the same second may be older
	}
	for len(found) <= limit {
		page, err := s.eventRecords(ctx, until, limit+1)
		if err != nil {
			return nil, false, err
		}
		if len(page) == 0 {
			break
		}
		for _, j := range page {
			events := j.events()
			for i := len(events) - 1; i >= 0; i-- {
				if before == "" || events[i].ID < before {
					found = append(found, events[i])
				}
			}
		}
		until = page[len(page)-1].expires().Truncate(time.Second)
	}
	more = len(found) > limit
	return found[:min(limit, len(found))], more, nil
}

// eventRecords reads the newest records that run out before a time.
func (s *Service) eventRecords(ctx context.Context, until time.Time, limit int) ([]*eventRecord, error) {
	records, err := s.store.Latest(ctx, KindEvent, until, limit)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	out := make([]*eventRecord, len(records))
	for i, r := range records {
		j := &eventRecord{}
		if err := json.Unmarshal(r.Data, j); err != nil {
			return nil, fmt.Errorf("decode %s record: %w", KindEvent, err)
		}
		j.setKey(r.Key, r.Version)
		out[i] = j
	}
	return out, nil
}
