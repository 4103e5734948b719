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
	if j.By == account.ByUser {
		j.Address = tx.MaskNetwork(t.Address)
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

// Events lists the newest events before the one with an id, "" for the newest of all, and reports
// whether there are more.
func (s *Service) Events(ctx context.Context, before string, limit int) (found []account.Event, more bool, err error) {
	until := s.Now().Add(account.EventKept + time.Hour) // another process's clock may be ahead
	if before != "" {
		at, ok := account.EventTime(before)
		if !ok {
			return nil, false, apierr.New(apierr.FormParamValueInvalid).Param("before")
		}
		until = at.Add(account.EventKept + time.Second).Time() // some of the same second may be older
	}
	for len(found) <= limit {
		page, err := EventRecords(s.Engine, ctx, until, limit+1)
		if err != nil {
			return nil, false, err
		}
		if len(page) == 0 {
			break
		}
		for _, j := range page {
			events := j.All()
			for i := len(events) - 1; i >= 0; i-- {
				if before == "" || events[i].ID < before {
					found = append(found, events[i])
				}
			}
		}
		until = page[len(page)-1].NextExpiry().Truncate(time.Second)
	}
	more = len(found) > limit
	return found[:min(limit, len(found))], more, nil
}

// EventRecords reads the newest records that expire before a time.
func EventRecords(s *tx.Engine, ctx context.Context, until time.Time, limit int) ([]*account.EventRecord, error) {
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
