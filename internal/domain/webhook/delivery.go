package webhook

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Webhooks and the event bus get every event at least once. What is to be delivered is a record that is committed with the act itself: it cannot be
// Lost between the two. A worker finds what is due, takes it for a while, so that two rarely send the same, sends, and notes the outcome.

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

// targetBus is the target that is the event bus.
const targetBus = "bus"

// StageDelivery stages the delivery of a commit's events to whoever wants one of them.
func StageDelivery(t *tx.Tx) error {
	j := t.Logged
	if j == nil {
		return nil
	}
	d := &account.DeliveryRecord{Base: account.Base{ID: store.Key{Kind: store.KindDelivery, ID: j.ID.ID}}}
	if t.Engine.Bus {
		d.To = append(d.To, account.DeliveryTarget{ID: targetBus, Next: t.Now})
	}
	for i := range t.State.Settings.Endpoints {
		if e := &t.State.Settings.Endpoints[i]; slices.ContainsFunc(j.Events, func(a account.StoredEvent) bool { return e.Wants(a.Name) && a.IsFor(e) }) {
			d.To = append(d.To, account.DeliveryTarget{ID: e.ID, Next: t.Now})
		}
	}
	stageNotice(t, j, d)
	if len(d.To) > 0 {
		t.Put(d)
	}
	return nil
}

// Delivery is an event on its way to one place.
type Delivery struct {
	URL     string // "" for the event bus
	ID      string
	Type    account.EventName
	At      time.Time // of this try
	Body    []byte
	Secrets []secret.Value
}

// Sender hands over one delivery, once. An error means that it may not have arrived.
type Sender interface {
	Deliver(ctx context.Context, p Delivery) error
}

// Dispatcher delivers events.
type Dispatcher struct {
	Service   *Service
	Endpoints Sender
	Bus       Sender // nil: none
	// Describe is the body of an event. The user is as it is now, or nil when it is gone.
	Describe func(account.Event, *account.User, account.Instant) ([]byte, error)
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
	due, err := d.Service.Store.Latest(ctx, store.KindDelivery, d.Service.Clock().Add(time.Millisecond), limit)
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
	target     account.DeliveryTarget
	deliveries []Delivery
	tried      account.Instant
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
	keys := []store.Key{{Kind: store.KindDelivery, ID: id}, {Kind: store.KindEvent, ID: id}}
	err := d.Service.Update(ctx, keys, func(t *tx.Tx) error {
		batches = nil
		t.BySystem = true
		due, err := tx.Load[*account.DeliveryRecord](t, keys[0])
		if err != nil || due == nil {
			return err
		}
		j, err := tx.Load[*account.EventRecord](t, keys[1])
		if err != nil {
			return err
		}
		if j == nil { // older than the event log: nobody can tell any more
			t.Delete(due)
			return nil
		}
		bodies, err := d.bodies(t, j)
		if err != nil {
			return err
		}
		for i := range due.To {
			to := &due.To[i]
			if to.ID == targetUser || to.Next > t.Now {
				continue
			}
			to.Tries++
			to.Next = t.Now.Add(deliveryLease)
			deliveries, err := deliveries(t, to, j, bodies)
			if err != nil {
				return err
			}
			batches = append(batches, batch{*to, deliveries, t.Now})
		}
		if len(batches) > 0 {
			t.Put(due)
		}
		return nil
	})
	return batches, err
}

// bodies describes a record's events as they look now.
func (d *Dispatcher) bodies(t *tx.Tx, j *account.EventRecord) ([][]byte, error) {
	var users []store.Key
	for _, a := range j.Events {
		users = append(users, store.Key{Kind: store.KindUser, ID: a.User})
	}
	if err := t.Read(users...); err != nil {
		return nil, err
	}
	out := make([][]byte, len(j.Events))
	for i, e := range j.All() {
		u, err := t.User(j.Events[i].User)
		if err != nil {
			return nil, err
		}
		if out[i], err = d.Describe(e, u, t.Now); err != nil {
			return nil, fmt.Errorf("describe %s: %w", e.Name, err)
		}
	}
	return out, nil
}

// deliveries are what a target does not have yet. Of what it does not want there are none, nor for an endpoint that is gone or switched off.
func deliveries(t *tx.Tx, to *account.DeliveryTarget, j *account.EventRecord, bodies [][]byte) ([]Delivery, error) {
	endpoint := &account.Endpoint{}
	var secrets []secret.Value
	if to.ID != targetBus {
		if endpoint = findEndpoint(&t.State.Settings, account.PrefixHook+to.ID); endpoint == nil {
			return nil, nil
		}
		var err error
		if secrets, err = signingSecrets(t, endpoint); err != nil {
			return nil, err
		}
	}
	var out []Delivery
	skip := to.Done
	for i, e := range j.All() {
		if to.ID != targetBus && (!endpoint.Wants(e.Name) || !j.Events[i].IsFor(endpoint)) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		out = append(out, Delivery{URL: endpoint.URL, ID: e.ID, Type: e.Name, At: t.Now.Time(), Body: bodies[i], Secrets: secrets})
	}
	return out, nil
}

// recordOutcome notes what became of the deliveries that were taken. What another worker took since is left to it.
func (d *Dispatcher) recordOutcome(ctx context.Context, id string, batches []batch) (givenUp int, err error) {
	key := store.Key{Kind: store.KindDelivery, ID: id}
	err = d.Service.Update(ctx, []store.Key{key}, func(t *tx.Tx) error {
		givenUp = 0
		t.BySystem = true
		due, err := tx.Load[*account.DeliveryRecord](t, key)
		if err != nil || due == nil {
			return err
		}
		for _, trip := range batches {
			to := due.Target(trip.target.ID)
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
				audit.Publish(t, account.Event{Name: account.EventHookFailed, Subject: trip.wireID()})
			default:
				to.Next = t.Now.Add(retryAfter[to.Tries-1])
			}
		}
		due.To = slices.DeleteFunc(due.To, func(to account.DeliveryTarget) bool { return to.Next == 0 })
		if len(due.To) == 0 {
			t.Delete(due)
			return nil
		}
		t.Put(due)
		return nil
	})
	return givenUp, err
}

func (tr batch) wireID() string {
	if tr.target.ID == targetBus {
		return targetBus
	}
	return account.PrefixHook + tr.target.ID
}
