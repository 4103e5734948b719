package domain_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestTheOldestWebhooksComeFirst: a run that cannot deliver everything delivers what waits longest.
// A record that cannot be read is in the way of no other one.
func TestTheOldestWebhooksComeFirst(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	var ids []string
	for range 6 {
		o.newcomer()
		records := o.all(store.KindDelivery)
		for _, r := range records {
			if !slices.Contains(ids, r.Key.ID) {
				ids = append(ids, r.Key.ID)
			}
		}
		o.Advance(2 * time.Second)
	}
	broken := o.all(store.KindDelivery)[slices.IndexFunc(o.all(store.KindDelivery), func(r store.Record) bool { return r.Key.ID == ids[0] })]
	broken.Data = []byte(`{"d":"no list"}`)
	o.Must(o.Config.Store.Commit(t.Context(), []store.Write{{Record: broken}}))
	if _, err := o.worker.Run(t.Context(), 1); err == nil {
		t.Error("a record that cannot be read is no error")
	}
	for _, next := range ids[1:] {
		if r, err := o.worker.Run(t.Context(), 1); err != nil || r.Delivered != 1 || !r.More {
			t.Errorf("%+v, %v", r, err)
		}
		if slices.ContainsFunc(o.all(store.KindDelivery), func(r store.Record) bool { return r.Key.ID == next }) {
			t.Error("a later one came first")
		}
	}
}

// twoEndpoints answers for one endpoint at once, and for the other one not before release is
// closed, with an error.
type twoEndpoints struct {
	slow    string
	release chan struct{}
	fails   func()

	mu    sync.Mutex
	tried map[string]int
}

func (e *twoEndpoints) Deliver(ctx context.Context, d webhook.Delivery) (webhook.Answer, error) {
	e.mu.Lock()
	e.tried[d.URL]++
	if d.URL != e.slow && e.tried[d.URL] == 20 {
		close(e.release)
	}
	e.mu.Unlock()
	if d.URL != e.slow {
		return webhook.Answer{}, nil
	}
	select {
	case <-e.release:
	case <-ctx.Done():
	}
	e.fails()
	return webhook.Answer{}, errDown
}

// TestASlowEndpointHoldsUpNoOther: while an endpoint does not answer, another gets all of its
// events. The slow one is tried a few times; its other deliveries are put off, which counts as no
// try. Later they are all there.
func TestASlowEndpointHoldsUpNoOther(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	other := "https://other.example.com/hooks"
	_, err := o.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &other, Events: &[]eventtype.Name{eventtype.UserCreated}})
	o.Must(err)
	const users = 20
	for range users {
		o.newcomer()
	}
	slow := "https://app.example.com/hooks"
	e := &twoEndpoints{slow: slow, release: make(chan struct{}), tried: map[string]int{}}
	var waited atomic.Int64
	e.fails = func() { waited.CompareAndSwap(0, int64(4*time.Second)) }
	clock := o.Config.Now
	o.Config.Now = func() time.Time { return clock().Add(time.Duration(waited.Load())) }
	o.Restart()
	o.worker.Service, o.worker.Endpoints = o.Service.Webhooks, e
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	r, err := o.worker.Run(ctx, 100)
	o.Must(err)
	if ctx.Err() != nil || e.tried[other] != users || r.Delivered != users {
		t.Fatalf("the other endpoint got %d events of %d: %+v", e.tried[other], users, r)
	}
	if e.tried[slow] < 1 || e.tried[slow] > 8 || r.Failed != e.tried[slow] {
		t.Errorf("the slow one was tried %d times: %+v", e.tried[slow], r)
	}
	o.Advance(10 * time.Second)
	before := e.tried[slow]
	o.newcomer()
	if r, err = o.worker.Run(t.Context(), 100); err != nil || r.Delivered != 1 || e.tried[slow] != before {
		t.Errorf("within the minute the slow one is tried again: %+v, %v", r, err)
	}
	o.worker.Endpoints = o.recordingSender
	o.Advance(2 * time.Minute)
	o.run()
	if len(o.got) != users+1 || o.waiting() != 0 {
		t.Errorf("%d events arrived, %d wait", len(o.got), o.waiting())
	}
}
