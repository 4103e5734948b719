package webhook

import (
	"context"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

const (
	// replayMost bounds the records that one replay reads.
	replayMost = 1000
	// replayBatch bounds the records of one commit.
	replayBatch = 25
)

// TestEndpoint publishes a test event to an endpoint and returns the event's id.
func (s *Service) TestEndpoint(ctx context.Context, id string) (string, error) {
	var event string
	err := s.Update(ctx, []store.Key{account.SettingsKey}, func(t *tx.Tx) error {
		t.ByBackend = true
		t.State.Settings = *t.Seen[account.SettingsKey].(*account.Settings)
		if e := findEndpoint(&t.State.Settings, id); e == nil || e.Disabled {
			return apierr.New(apierr.ResourceNotFound)
		}
		audit.Publish(t, account.Event{Name: eventtype.HookTest, Subject: id})
		t.After = append(t.After, func() error { event = t.Events[0].ID; return nil })
		return nil
	})
	return event, err
}

// ReplayEndpoint redelivers a period's events to an endpoint, newest first, and returns their
// number. If the period has more than one replay takes, reached is the time of the oldest one
// taken.
func (s *Service) ReplayEndpoint(ctx context.Context, id string, since, until time.Time) (count int, reached time.Time, err error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	e := findEndpoint(&set, id)
	if e == nil || e.Disabled {
		return 0, time.Time{}, apierr.New(apierr.ResourceNotFound)
	}
	before := until.Add(account.EventKept).Truncate(time.Second).Add(time.Second)
	for records := 0; ; {
		page, err := audit.EventRecords(ctx, s.Engine, before, replayBatch)
		if err != nil || len(page) == 0 {
			return count, time.Time{}, err
		}
		before = page[len(page)-1].NextExpiry().Truncate(time.Second)
		again := slices.DeleteFunc(slices.Clone(page), func(j *account.EventRecord) bool {
			return j.At < account.At(since) || j.At > account.At(until) || countFor(j, e) == 0
		})
		for batch := range slices.Chunk(again, replayBatch) { // a page has all records of its last second
			if err := s.replay(ctx, e, batch); err != nil {
				return count, time.Time{}, err
			}
			for _, j := range batch {
				count += countFor(j, e)
			}
		}
		oldest := page[len(page)-1].At
		if records += len(page); oldest < account.At(since) {
			return count, time.Time{}, nil
		} else if records >= replayMost {
			return count, oldest.Time(), nil
		}
	}
}

// ResendEvent delivers one event of the last 30 days to an endpoint again, at once. If the endpoint
// still waits for events of that commit, it gets those from this one on.
func (s *Service) ResendEvent(ctx context.Context, endpoint, event string) error {
	record := account.EventRecordOf(event)
	if record == "" {
		return apierr.New(apierr.ResourceNotFound)
	}
	keys := []store.Key{{Kind: store.KindDelivery, ID: record}, {Kind: store.KindEvent, ID: record}, account.SettingsKey}
	return s.Update(ctx, keys, func(t *tx.Tx) error {
		e := findEndpoint(t.Seen[account.SettingsKey].(*account.Settings), endpoint)
		j, err := tx.Load[*account.EventRecord](t, keys[1])
		if err != nil {
			return err
		}
		if e == nil || e.Disabled || j == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		place := slices.IndexFunc(j.All(), func(one account.Event) bool { return one.ID == event })
		if place < 0 {
			return apierr.New(apierr.ResourceNotFound)
		}
		if !e.Gets(j.Events[place]) {
			return apierr.New(apierr.FormParamValueInvalid).Param("event_id")
		}
		d := t.Seen[keys[0]].(*account.DeliveryRecord)
		if waiting := d.Target(e.ID); waiting != nil {
			before := 0
			for _, a := range j.Events[:place] {
				if e.Gets(a) {
					before++
				}
			}
			if waiting.Only != place+1 {
				waiting.Only, waiting.Done = 0, min(before, waiting.Done)
			}
			waiting.Tries, waiting.Next = 0, t.Now
		} else {
			d.To = append(d.To, account.DeliveryTarget{ID: e.ID, Next: t.Now, Only: place + 1})
		}
		t.Put(d)
		return nil
	})
}

// countFor returns how many of a record's events an endpoint is subscribed to.
func countFor(j *account.EventRecord, e *account.Endpoint) (n int) {
	for _, a := range j.Events {
		if e.Gets(a) && a.Name != eventtype.HookTest {
			n++
		}
	}
	return n
}

// replay stages the delivery of records from their first event on, pending or not.
func (s *Service) replay(ctx context.Context, e *account.Endpoint, again []*account.EventRecord) error {
	keys := make([]store.Key, len(again))
	for i, j := range again {
		keys[i] = store.Key{Kind: store.KindDelivery, ID: j.ID.ID}
	}
	return s.Update(ctx, keys, func(t *tx.Tx) error {
		for _, k := range keys {
			d := t.Seen[k].(*account.DeliveryRecord)
			fresh := account.DeliveryTarget{ID: e.ID, Next: t.Now}
			if waiting := d.Target(e.ID); waiting != nil {
				*waiting = fresh
			} else {
				d.To = append(d.To, fresh)
			}
			t.Put(d)
		}
		return nil
	})
}
