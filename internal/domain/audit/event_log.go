package audit

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// newEventRecordID returns the id of an event record: the time in milliseconds and 72 random bits.
func newEventRecordID(s *tx.Engine, now account.Instant) (string, error) {
	var b [15]byte
	binary.BigEndian.PutUint64(b[:8], uint64(now)<<16) //nolint:gosec // a time after 1970
	if _, err := io.ReadFull(s.Rand, b[6:]); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return strings.ToLower(account.SortedEncoding.EncodeToString(b[:])), nil
}

// actor returns the party that runs the operation.
func actor(t *tx.Tx) account.Actor {
	switch {
	case t.BySystem:
		return account.BySystem
	case t.ByBackend:
		return account.ByBackend
	}
	return account.ByUser
}

// Publish adds an event to the operation.
func Publish(t *tx.Tx, e account.Event) {
	e.At = t.Now.Time()
	t.Events = append(t.Events, e)
}

// StageEvents adds the operation's events to the event log, unless all of them are for the log
// alone.
func StageEvents(t *tx.Tx) error {
	if !slices.ContainsFunc(t.Events, func(e account.Event) bool { return !e.Name.Kind().LogOnly }) {
		return nil
	}
	id, err := newEventRecordID(t.Engine, t.Now)
	if err != nil {
		return err
	}
	j := &account.EventRecord{Base: account.Base{ID: store.Key{Kind: store.KindEvent, ID: id}}, At: t.Now, By: actor(t)}
	switch j.By {
	case account.ByUser:
		j.Address = tx.MaskNetwork(t.Address)
	case account.ByBackend:
		j.Operator = t.Operator
	}
	for _, e := range t.Events {
		j.Events = append(j.Events, account.StoredEvent{Name: e.Name, User: strings.TrimPrefix(e.User, account.PrefixUser), Subject: e.Subject, Method: e.Method, Fields: e.Fields, Began: e.Began})
	}
	if len(j.Events) > account.EventsPerRecord {
		return fmt.Errorf("audit: %d acts in one commit", len(j.Events))
	}
	t.Events = j.All()
	t.Put(j)
	t.Logged = j
	return nil
}

// EventQuery selects events of the event log. The zero value of a field selects all.
type EventQuery struct {
	Before string // the id of an event: older ones
	Types  []eventtype.Name
	User   string // the id of a user, as clients see it
	// After and Until are times, which are not part of the selection themselves.
	After, Until account.Instant
	Limit        int // of a page
}

// EventPage is a page of events, newest first.
type EventPage struct {
	Events []account.Event
	// Next is the value of Before for the next page, or "" at the end. A page may have fewer events
	// than its limit, or none, although more follow.
	Next string
}

const (
	// eventsScanned is about the number of records that one request reads to find the events of a
	// filter.
	eventsScanned = 2000
	// eventsAtOnce is the number of records that a request with a filter reads at a time.
	eventsAtOnce = 500
)

// filters reports whether the query may select few of the events that it reads.
func (q EventQuery) filters() bool { return len(q.Types) > 0 || q.User != "" }

func (q EventQuery) selects(e account.Event) bool {
	at := account.At(e.At)
	return (q.Before == "" || e.ID < q.Before) && at > q.After && (q.Until == 0 || at < q.Until) &&
		(q.User == "" || e.User == q.User) && (len(q.Types) == 0 || slices.Contains(q.Types, e.Name))
}

// begin returns the time before which the first record to read expires.
func (q EventQuery) begin(now time.Time) (time.Time, error) {
	until := now.Add(account.EventKept + time.Hour) // another process's clock may be ahead
	if q.Until != 0 {
		until = earlier(until, q.Until.Add(account.EventKept+time.Second).Time())
	}
	if q.Before == "" {
		return until, nil
	}
	at, ok := account.EventTime(q.Before)
	if !ok {
		return until, apierr.New(apierr.FormParamValueInvalid).Param("before")
	}
	// Some events of the same second may be older.
	return earlier(until, at.Add(account.EventKept+time.Second).Time()), nil
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// Events lists the newest events that a query selects.
func (s *Service) Events(ctx context.Context, q EventQuery) (out EventPage, err error) {
	until, err := q.begin(s.Now())
	if err != nil {
		return out, err
	}
	size := q.Limit + 1
	if q.filters() {
		size = eventsAtOnce
	}
	last := "" // the last event that was looked at
	for scanned := 0; ; {
		page, err := EventRecords(ctx, s.Engine, until, size)
		if err != nil {
			return out, err
		}
		for _, j := range page {
			for _, e := range slices.Backward(j.All()) {
				if q.selects(e) {
					out.Events = append(out.Events, e)
				}
				last = e.ID
			}
		}
		if len(out.Events) > q.Limit {
			out.Events = out.Events[:q.Limit]
			out.Next = out.Events[q.Limit-1].ID
			return out, nil
		}
		if len(page) == 0 || page[len(page)-1].At <= q.After {
			return out, nil
		}
		if scanned += len(page); scanned >= eventsScanned && (q.Before == "" || last < q.Before) {
			out.Next = last
			return out, nil
		}
		until = page[len(page)-1].NextExpiry().Truncate(time.Second)
	}
}

// EventRecords reads the newest records that expire before a time.
func EventRecords(ctx context.Context, s *tx.Engine, until time.Time, limit int) ([]*account.EventRecord, error) {
	records, err := s.Store.Latest(ctx, store.KindEvent, until, limit)
	if err != nil {
		return nil, fmt.Errorf("find events: %w", err)
	}
	out := make([]*account.EventRecord, len(records))
	for i, r := range records {
		j := &account.EventRecord{}
		if err := json.Unmarshal(r.Data, j); err != nil {
			return nil, fmt.Errorf("decode %s record: %w", store.KindEvent, err)
		}
		j.SetKey(r.Key, r.Version)
		out[i] = j
	}
	return out, nil
}
