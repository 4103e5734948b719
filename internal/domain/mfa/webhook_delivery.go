package mfa

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// Webhooks and the event bus get every event at least once. What is to be delivered is a record that is committed with the act itself: it cannot be
// lost between the two. A worker finds what is due, takes it for a while, so that two rarely send the same, sends, and notes the outcome.

const (
	// deliveryLease is how long a worker that took a delivery has to send it before another may.
	deliveryLease = 2 * time.Minute
	// deliveriesAtOnce bounds how many are sent at a time.
	deliveriesAtOnce = 8
)

// retryAfter is how long after a failed try the next one comes; after the last it is given up.
var retryAfter = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// deliveryRecord says where the events of a journal's record still have to go. Both have the same id.
type deliveryRecord struct {
	base
	To []deliveryTarget `json:"d"`
	// Language is the one that who acted reads; a notice is in it.
	Language language.Tag `json:"g,omitempty"`
}

// targetBus is the target that is the event bus.
const targetBus = "bus"

type deliveryTarget struct {
	ID    string  `json:"i"` // of an endpoint, or targetBus
	Tries int     `json:"n,omitempty"`
	Next  Instant `json:"x"`
	Done  int     `json:"o,omitempty"` // how many of the record's events it has
}

func (d *deliveryRecord) expires() time.Time {
	next := d.To[0].Next
	for _, to := range d.To {
		next = min(next, to.Next)
	}
	return next.Time()
}

func (d *deliveryRecord) target(id string) *deliveryTarget {
	for i := range d.To {
		if d.To[i].ID == id {
			return &d.To[i]
		}
	}
	return nil
}

// stageDelivery stages the delivery of a commit's events to whoever wants one of them.
func (t *txn) stageDelivery() error {
	j := t.logged
	if j == nil {
		return nil
	}
	d := &deliveryRecord{base: base{id: Key{KindDelivery, j.id.ID}}}
	if t.s.bus {
		d.To = append(d.To, deliveryTarget{ID: targetBus, Next: t.now})
	}
	for i := range t.state.settings.Endpoints {
		if e := &t.state.settings.Endpoints[i]; slices.ContainsFunc(j.Events, func(a storedEvent) bool { return e.wants(a.Name) && a.isFor(e) }) {
			d.To = append(d.To, deliveryTarget{ID: e.ID, Next: t.now})
		}
	}
	t.stageNotice(j, d)
	if len(d.To) > 0 {
		t.put(d)
	}
	return nil
}

// isFor says whether an act is for an endpoint: a test is for its own only, and that an endpoint does not answer is not told to endpoints.
func (a storedEvent) isFor(e *Endpoint) bool {
	switch a.Name {
	case EventHookFailed:
		return false
	case EventHookTest:
		return a.Subject == e.WireID()
	}
	return true
}

// Delivery is an event on its way to one place.
type Delivery struct {
	URL     string // "" for the event bus
	ID      string
	Type    EventName
	At      time.Time // of this try
	Body    []byte
	Secrets []secret.Value
}

// EventSender hands over one delivery, once. An error means that it may not have arrived.
type EventSender interface {
	Deliver(ctx context.Context, p Delivery) error
}

// Dispatcher delivers events.
type Dispatcher struct {
	Service   *Service
	Endpoints EventSender
	Bus       EventSender // nil: none
	// Describe is the body of an event. The user is as it is now, or nil when it is gone.
	Describe func(Event, *User, Instant) ([]byte, error)
}

// DeliveryResult says what a run delivered.
type DeliveryResult struct {
	Found, Delivered, Failed, GivenUp int
	// More is true when the limit was reached and another run would find more.
	More bool
}

func (r *DeliveryResult) add(other DeliveryResult) {
	r.Delivered, r.Failed, r.GivenUp = r.Delivered+other.Delivered, r.Failed+other.Failed, r.GivenUp+other.GivenUp
}

// Run delivers up to limit records that are due.
func (d *Dispatcher) Run(ctx context.Context, limit int) (DeliveryResult, error) {
	var sum DeliveryResult
	due, err := d.Service.store.Latest(ctx, KindDelivery, d.Service.now().Add(time.Millisecond), limit)
	if err != nil {
		return sum, fmt.Errorf("find deliveries: %w", err)
	}
	sum.Found, sum.More = len(due), len(due) >= limit
	var (
		mu    sync.Mutex
		group sync.WaitGroup
		first error
		place = make(chan struct{}, deliveriesAtOnce)
	)
	for _, r := range due {
		place <- struct{}{}
		group.Go(func() {
			defer func() { <-place }()
			done, err := d.deliver(ctx, r.Key.ID)
			mu.Lock()
			defer mu.Unlock()
			sum.add(done)
			if first == nil {
				first = err
			}
		})
	}
	group.Wait()
	return sum, first
}

// batch is what a worker took: deliveries for each target, in order.
type batch struct {
	target     deliveryTarget
	deliveries []Delivery
	tried      Instant
}

// deliver takes, sends and notes the deliveries of one record.
func (d *Dispatcher) deliver(ctx context.Context, id string) (DeliveryResult, error) {
	var result DeliveryResult
	told, err := d.Service.notifyUser(ctx, id)
	if err != nil {
		return result, err
	}
	if told {
		result.Delivered++
	}
	batches, err := d.lease(ctx, id)
	if err != nil || len(batches) == 0 {
		return result, err
	}
	for i := range batches {
		to := &batches[i]
		courier := d.Endpoints
		if to.target.ID == targetBus {
			courier = d.Bus
		}
		failed := false
		for _, p := range to.deliveries {
			if courier == nil || courier.Deliver(ctx, p) != nil {
				failed = true
				break
			}
			to.target.Done++
			result.Delivered++
		}
		if failed {
			result.Failed++
		} else {
			to.target.Next = 0
		}
	}
	result.GivenUp, err = d.recordOutcome(ctx, id, batches)
	return result, err
}

// lease leases what is due of a record: only then may it be sent.
func (d *Dispatcher) lease(ctx context.Context, id string) ([]batch, error) {
	var batches []batch
	keys := []Key{{KindDelivery, id}, {KindEvent, id}}
	err := d.Service.update(ctx, keys, func(t *txn) error {
		batches = nil
		t.bySystem = true
		due, err := load[*deliveryRecord](t, keys[0])
		if err != nil || due == nil {
			return err
		}
		j, err := load[*eventRecord](t, keys[1])
		if err != nil {
			return err
		}
		if j == nil { // older than the event log: nobody can tell any more
			t.delete(due)
			return nil
		}
		bodies, err := d.bodies(t, j)
		if err != nil {
			return err
		}
		for i := range due.To {
			to := &due.To[i]
			if to.ID == targetUser || to.Next > t.now {
				continue
			}
			to.Tries++
			to.Next = t.now.Add(deliveryLease)
			deliveries, err := t.deliveries(to, j, bodies)
			if err != nil {
				return err
			}
			batches = append(batches, batch{*to, deliveries, t.now})
		}
		if len(batches) > 0 {
			t.put(due)
		}
		return nil
	})
	return batches, err
}

// bodies describes a record's events as they look now.
func (d *Dispatcher) bodies(t *txn, j *eventRecord) ([][]byte, error) {
	var users []Key
	for _, a := range j.Events {
		users = append(users, Key{KindUser, a.User})
	}
	if err := t.read(users...); err != nil {
		return nil, err
	}
	out := make([][]byte, len(j.Events))
	for i, e := range j.events() {
		u, err := t.user(j.Events[i].User)
		if err != nil {
			return nil, err
		}
		if out[i], err = d.Describe(e, u, t.now); err != nil {
			return nil, fmt.Errorf("describe %s: %w", e.Name, err)
		}
	}
	return out, nil
}

// deliveries are what a target does not have yet. Of what it does not want there are none, nor for an endpoint that is gone or switched off.
func (t *txn) deliveries(to *deliveryTarget, j *eventRecord, bodies [][]byte) ([]Delivery, error) {
	endpoint := &Endpoint{}
	var secrets []secret.Value
	if to.ID != targetBus {
		if endpoint = t.state.settings.endpoint(prefixHook + to.ID); endpoint == nil {
			return nil, nil
		}
		var err error
		if secrets, err = t.secrets(endpoint); err != nil {
			return nil, err
		}
	}
	var out []Delivery
	skip := to.Done
	for i, e := range j.events() {
		if to.ID != targetBus && (!endpoint.wants(e.Name) || !j.Events[i].isFor(endpoint)) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		out = append(out, Delivery{URL: endpoint.URL, ID: e.ID, Type: e.Name, At: t.now.Time(), Body: bodies[i], Secrets: secrets})
	}
	return out, nil
}

// recordOutcome notes what became of the deliveries that were taken. What another worker took since is left to it.
func (d *Dispatcher) recordOutcome(ctx context.Context, id string, batches []batch) (givenUp int, err error) {
	key := Key{KindDelivery, id}
	err = d.Service.update(ctx, []Key{key}, func(t *txn) error {
		givenUp = 0
		t.bySystem = true
		due, err := load[*deliveryRecord](t, key)
		if err != nil || due == nil {
			return err
		}
		for _, trip := range batches {
			to := due.target(trip.target.ID)
			if to == nil || to.Tries != trip.target.Tries {
				continue
			}
			to.Done = trip.target.Done
			switch {
			case trip.target.Next == 0:
				to.Next = 0
			case to.Tries > len(retryAfter):
				to.Next = 0
				givenUp++
				t.publish(Event{Name: EventHookFailed, Subject: trip.wireID()})
			default:
				to.Next = t.now.Add(retryAfter[to.Tries-1])
			}
		}
		due.To = slices.DeleteFunc(due.To, func(to deliveryTarget) bool { return to.Next == 0 })
		if len(due.To) == 0 {
			t.delete(due)
			return nil
		}
		t.put(due)
		return nil
	})
	return givenUp, err
}

func (tr batch) wireID() string {
	if tr.target.ID == targetBus {
		return targetBus
	}
	return prefixHook + tr.target.ID
}
