package mfa

import (
	"context"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

const (
	// replayMost bounds the records of one replay.
	replayMost = 1000
	// replayBatch bounds what one commit holds.
	replayBatch = 25
)

// TestEndpoint has a test event delivered to an endpoint, and returns its id.
func (s *Service) TestEndpoint(ctx context.Context, id string) (string, error) {
	var event string
	err := s.update(ctx, []Key{settingsKey}, func(t *txn) error {
		t.byBackend = true
		t.state.settings = *t.seen[settingsKey].(*Settings)
		if e := t.state.settings.endpoint(id); e == nil || e.Disabled {
			return apierr.New(apierr.ResourceNotFound)
		}
		t.publish(Event{Name: EventHookTest, Subject: id})
		t.after = append(t.after, func() error { event = t.events[0].ID; return nil })
		return nil
	})
	return event, err
}

// ReplayEndpoint has what happened in a period, the newest part of it, delivered to an endpoint again. When there is more, the answer says
// until when it reached back.
func (s *Service) ReplayEndpoint(ctx context.Context, id string, since, until time.Time) (count int, reached time.Time, err error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return 0, time.Time{}, err
	}
	e := set.endpoint(id)
	if e == nil || e.Disabled {
		return 0, time.Time{}, apierr.New(apierr.ResourceNotFound)
	}
	before := until.Add(eventKept).Truncate(time.Second).Add(time.Second)
	for records := 0; ; {
		page, err := s.eventRecords(ctx, before, replayBatch)
		if err != nil || len(page) == 0 {
			return count, time.Time{}, err
		}
		before = page[len(page)-1].expires().Truncate(time.Second)
		for part := range slices.Chunk(page, replayBatch) {
			again := slices.DeleteFunc(slices.Clone(part), func(j *eventRecord) bool { return j.At < At(since) || j.At > At(until) || !j.hasEventsFor(e) })
			if err := s.replay(ctx, e, again); err != nil {
				return count, time.Time{}, err
			}
			for _, j := range again {
				count += j.countFor(e)
			}
		}
		oldest := page[len(page)-1].At
		if records += len(page); oldest < At(since) {
			return count, time.Time{}, nil
		} else if records >= replayMost {
			return count, oldest.Time(), nil
		}
	}
}

func (j *eventRecord) countFor(e *Endpoint) (n int) {
	for _, a := range j.Events {
		if e.wants(a.Name) && a.isFor(e) && a.Name != EventHookTest {
			n++
		}
	}
	return n
}

func (j *eventRecord) hasEventsFor(e *Endpoint) bool { return j.countFor(e) > 0 }

// replay has records delivered from their first event on, whether or not they wait already.
func (s *Service) replay(ctx context.Context, e *Endpoint, again []*eventRecord) error {
	if len(again) == 0 {
		return nil
	}
	keys := make([]Key, len(again))
	for i, j := range again {
		keys[i] = Key{KindDelivery, j.id.ID}
	}
	return s.update(ctx, keys, func(t *txn) error {
		for _, k := range keys {
			d := t.seen[k].(*deliveryRecord)
			fresh := deliveryTarget{ID: e.ID, Next: t.now}
			if waiting := d.target(e.ID); waiting != nil {
				*waiting = fresh
			} else {
				d.To = append(d.To, fresh)
			}
			t.put(d)
		}
		return nil
	})
}
