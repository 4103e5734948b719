package domain_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// selectiveSender accepts the deliveries that takes chooses.
type selectiveSender struct {
	mu    sync.Mutex
	got   []webhook.Delivery
	tries []webhook.Delivery
	takes func(p webhook.Delivery, try int) bool
}

func (p *selectiveSender) Deliver(_ context.Context, delivery webhook.Delivery) (webhook.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tries = append(p.tries, delivery)
	if !p.takes(delivery, len(p.tries)) {
		return webhook.Answer{}, errDown
	}
	p.got = append(p.got, delivery)
	return webhook.Answer{}, nil
}

func names(deliveries []webhook.Delivery) []string {
	var out []string
	for _, p := range deliveries {
		out = append(out, string(p.Type))
	}
	return out
}

// TestARecordGoesOnWhereItStopped: the events of one commit that an endpoint accepted are not sent
// again. Those behind the event that it refused wait for it.
func TestARecordGoesOnWhereItStopped(t *testing.T) {
	o := newWebhookWorld(t, eventtype.FactorRemoved, eventtype.BackupRemoved)
	p := o.imported()
	sender := &selectiveSender{takes: func(_ webhook.Delivery, try int) bool { return try != 2 }}
	o.worker.Endpoints = sender
	_, err := o.Admin.RemoveTOTP(t.Context(), p.id)
	o.Must(err)
	o.run()
	o.Advance(5 * time.Second)
	o.run()
	o.Advance(time.Hour)
	o.run()
	if got := names(sender.got); !slices.Equal(got, []string{"factor.removed", "backup_code.removed"}) || len(sender.tries) != 3 || o.waiting() != 0 {
		t.Errorf("got %v in %d tries, %d wait; want each once, in three tries", got, len(sender.tries), o.waiting())
	}
	sender = &selectiveSender{takes: func(_ webhook.Delivery, try int) bool { return try > 1 }}
	o.worker.Endpoints = sender
	q := o.anotherImported()
	_, err = o.Admin.RemoveTOTP(t.Context(), q.id)
	o.Must(err)
	if o.run(); len(sender.tries) != 1 {
		t.Errorf("after the first was refused, %v were tried", names(sender.tries))
	}
	o.Advance(5 * time.Second)
	if o.run(); !slices.Equal(names(sender.got), []string{"factor.removed", "backup_code.removed"}) {
		t.Errorf("got %v", names(sender.got))
	}
}

// anotherImported returns an imported user with a second factor and backup codes.
func (o *webhookWorld) anotherImported() *person {
	o.Helper()
	p := o.newcomer()
	p.signInWithTicket()
	p.enrolApp()
	o.run()
	return p
}

// TestADeliveryIsFoundWhenItsFirstTargetIsDue: two endpoints that wait for one record get it at
// their own times.
func TestADeliveryIsFoundWhenItsFirstTargetIsDue(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	url := "https://other.example.com/hooks"
	events := []eventtype.Name{eventtype.UserCreated}
	_, err := o.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url, Events: &events})
	o.Must(err)
	down := true
	sender := &selectiveSender{takes: func(webhook.Delivery, int) bool { return !down }}
	o.worker.Endpoints = sender
	began := o.Now()
	o.newcomer()
	o.run()
	o.Advance(5 * time.Second)
	o.run() // both wait for five minutes now
	o.Advance(time.Minute)
	down = false
	n, _, err := o.Webhooks.ReplayEndpoint(t.Context(), o.endpoint, began, o.Now())
	o.Must(err)
	o.run()
	if n != 1 || len(sender.got) != 1 || sender.got[0].URL == url || o.waiting() != 1 {
		t.Errorf("%d promised again, %d sent, %d wait; want one each", n, len(sender.got), o.waiting())
	}
	o.Advance(4 * time.Minute)
	o.run()
	if len(sender.got) != 2 || sender.got[1].URL != url || o.waiting() != 0 {
		t.Errorf("%d sent, %d wait; want two and none", len(sender.got), o.waiting())
	}
}

// TestATestReachesItsEndpointOnly: a test event reaches only the endpoint that is tested.
func TestATestReachesItsEndpointOnly(t *testing.T) {
	o := newWebhookWorld(t)
	url := "https://other.example.com/hooks"
	_, err := o.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url})
	o.Must(err)
	o.run()
	o.got = nil
	_, err = o.Webhooks.TestEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	o.run()
	if len(o.got) != 1 || o.got[0].URL == url || o.waiting() != 0 {
		t.Errorf("%d deliveries %v, %d wait; want the test alone", len(o.got), o.types(), o.waiting())
	}
}

// TestADeliveryThatOutlivedItsEventIsDropped: a delivery is dropped when no worker ran for longer
// than the event log keeps its event.
func TestADeliveryThatOutlivedItsEventIsDropped(t *testing.T) {
	o := newWebhookWorld(t)
	p := o.imported(aNumber)
	_, err := o.Admin.RemoveTOTP(t.Context(), p.id) // for the endpoint, and a notice for the user
	o.Must(err)
	o.got = nil
	o.Advance(29 * 24 * time.Hour)
	_, err = o.Service.Admin.Cleanup(t.Context(), 1000)
	o.Must(err)
	if n := len(o.told(500)); n == 0 || o.waiting() == 0 {
		t.Fatalf("after 29 days %d events are left and %d deliveries wait", n, o.waiting())
	}
	o.Advance(2*24*time.Hour + time.Second)
	_, err = o.Service.Admin.Cleanup(t.Context(), 1000)
	o.Must(err)
	if told := o.told(500); len(told) != 0 {
		t.Errorf("after 31 days the event log has %v", told)
	}
	o.run()
	if len(o.got) != 0 || len(o.Sent()) != 0 || o.waiting() != 0 {
		t.Errorf("%d deliveries, %d messages, %d wait; want none", len(o.got), len(o.Sent()), o.waiting())
	}
}

// TestALateWorkerLeavesTheDeliveryToTheNext: a worker whose lease of two minutes is over does not
// postpone or release the delivery that another worker leased since.
func TestALateWorkerLeavesTheDeliveryToTheNext(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	o.newcomer()
	begun, verdict := make(chan int), map[int]chan bool{1: make(chan bool), 2: make(chan bool)}
	sender := &waitingSender{begun: begun, verdict: verdict}
	o.worker.Endpoints = sender
	var late, next sync.WaitGroup
	late.Go(func() { o.run() })
	<-begun
	o.Advance(2 * time.Minute)
	next.Go(func() { o.run() })
	<-begun
	verdict[1] <- false
	late.Wait()
	o.Advance(time.Minute) // within the second worker's time
	if r := o.run(); r.Found != 0 {
		t.Errorf("a third worker finds %d while the second has its time", r.Found)
	}
	o.Advance(time.Minute)
	if r := o.run(); r.Delivered != 1 {
		t.Errorf("after the second worker's time a third one delivers %d, want 1", r.Delivered)
	}
	verdict[2] <- false
	next.Wait()
	if sender.n != 3 || o.waiting() != 0 {
		t.Errorf("%d tries, %d wait; want three and none", sender.n, o.waiting())
	}
}

// waitingSender is a sender whose n-th try waits for its verdict. A try without a verdict succeeds.
type waitingSender struct {
	mu      sync.Mutex
	n       int
	begun   chan int
	verdict map[int]chan bool
}

func (m *waitingSender) Deliver(ctx context.Context, _ webhook.Delivery) (webhook.Answer, error) {
	m.mu.Lock()
	m.n++
	n := m.n
	m.mu.Unlock()
	if m.verdict[n] == nil {
		return webhook.Answer{}, nil
	}
	m.begun <- n
	select {
	case good := <-m.verdict[n]:
		if good {
			return webhook.Answer{}, nil
		}
		return webhook.Answer{}, errDown
	case <-ctx.Done():
		return webhook.Answer{}, ctx.Err()
	}
}

// TestARunSaysWhetherThereIsMore: a run takes as many deliveries as its limit allows, and the next
// run takes the rest.
func TestARunSaysWhetherThereIsMore(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	for range 5 {
		o.newcomer()
		o.Advance(time.Second) // a store tells seconds apart, and a page holds whole ones
	}
	for i, want := range []webhook.DeliveryResult{{Found: 3, Delivered: 3, More: true}, {Found: 2, Delivered: 2}, {}} {
		r, err := o.worker.Run(t.Context(), 3)
		o.Must(err)
		if r != want {
			t.Errorf("run %d: %+v, want %+v", i+1, r, want)
		}
	}
}
