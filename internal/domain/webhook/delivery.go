package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

const (
	// deliveryLease is how long a worker that took a delivery has to send it. Then another may take
	// it.
	deliveryLease = 2 * time.Minute
	// leasesAtOnce bounds the records that a run reads or writes at a time, and sendsAtOnce the tries
	// of one target.
	leasesAtOnce = 8
	sendsAtOnce  = 8
	// slowTry is how long a try takes that fails because its target does not answer. So long waits
	// hold up others, so the target's further deliveries are put off.
	slowTry = 3 * time.Second
	// putOff is for how long.
	putOff = time.Minute
)

// retryAfter is the time between a failed try and the next one. After the last, the delivery is
// given up.
var retryAfter = []time.Duration{
	5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 24 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// retryIn returns the time until a delivery is tried again whose try with a number, counted from 1,
// failed. It reports false for the last try: the delivery is given up.
func retryIn(number int) (time.Duration, bool) {
	if number > len(retryAfter) {
		return 0, false
	}
	return retryAfter[number-1], true
}

// targetBus is the id of the event bus as a target.
const targetBus = "bus"

// StageDelivery stages the delivery of a commit's events: to the event bus, to the endpoints that
// subscribed to one of them, and to the user.
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
		if e := &t.State.Settings.Endpoints[i]; slices.ContainsFunc(j.Events, func(a account.StoredEvent) bool { return e.Gets(a) }) {
			d.To = append(d.To, account.DeliveryTarget{ID: e.ID, Next: t.Now})
		}
	}
	stageNotice(t, j, d)
	if len(d.To) > 0 {
		t.Put(d)
	}
	return nil
}

// Delivery is an event on its way to one target.
type Delivery struct {
	URL     string // "" for the event bus
	ID      string
	Type    eventtype.Name
	At      time.Time // of this try
	Body    []byte
	Secrets []secret.Value
}

// Sender delivers events to one kind of target.
type Sender interface {
	// Deliver hands over one event, once. After an error the event may or may not have arrived. The
	// error goes to a log: it has no secret, URL or answer.
	Deliver(ctx context.Context, p Delivery) (Answer, error)
}

// Answer is what a sender learned from a try. The zero value says that it learned nothing.
type Answer struct {
	Status  int // the status code of HTTP, or 0
	Problem deliverylog.Problem
}

// Dispatcher delivers the events that are due.
type Dispatcher struct {
	Service   *Service
	Endpoints Sender
	Bus       Sender // nil: none
	// Describe returns the body of an event. The user is as stored now, or nil when deleted.
	Describe func(account.Event, *account.User, account.Instant) ([]byte, error)
	// Report, unless nil, is called with each failed try. Calls may come at once.
	Report func(Failure)

	silent silent
}

// Failure is a failed try to deliver to one target, for a log.
type Failure struct {
	Target string // the id of an endpoint, or "bus"
	Event  string // the id of the event
	Type   eventtype.Name
	Try    int // counted from 1
	Reason error
}

// Attrs returns the failure as attributes of a log line.
func (f Failure) Attrs() []any {
	return []any{"target", f.Target, "event", f.Event, "type", string(f.Type), "try", f.Try, "reason", f.Reason.Error()}
}

var errNoBus = errors.New("webhook: there is no event bus")

// DeliveryResult counts what a run did.
type DeliveryResult struct {
	Found                      int // records
	Delivered, Failed, GivenUp int // events, targets, targets
	// More says that the run reached its limit, so another run may find more.
	More bool
}

func (r *DeliveryResult) add(other DeliveryResult) {
	r.Delivered, r.Failed, r.GivenUp = r.Delivered+other.Delivered, r.Failed+other.Failed, r.GivenUp+other.GivenUp
}

// batch holds the deliveries of one record to one target, in order. With unsigned set they are not
// sent, because the endpoint's secret does not open: the try fails.
type batch struct {
	target     account.DeliveryTarget
	deliveries []Delivery
	unsigned   bool
	later      account.Instant // unless 0: when the target is tried, as it did not answer another try
}

// send sends the deliveries of a batch in order, up to the first that fails, and returns how many
// arrived, and the tries.
func (d *Dispatcher) send(ctx context.Context, b *batch) (sent int, tries []deliverylog.Try) {
	for _, p := range b.deliveries {
		began := d.Service.Now()
		answer, err := d.deliver(ctx, b, p)
		try := deliverylog.Try{Event: p.ID, Name: string(p.Type), Number: b.target.Tries, At: int64(account.At(began)), Took: int(d.Service.Now().Sub(began).Milliseconds()), Status: answer.Status}
		if err != nil {
			try.Problem = cmp.Or(answer.Problem, deliverylog.Connection)
			d.report(b, p, err)
			return sent, append(tries, try)
		}
		tries = append(tries, try)
		sent++
	}
	return sent, tries
}

func (d *Dispatcher) deliver(ctx context.Context, b *batch, p Delivery) (Answer, error) {
	switch {
	case b.unsigned:
		return Answer{Problem: deliverylog.Unsigned}, errUnsigned
	case b.target.ID != targetBus:
		return d.Endpoints.Deliver(ctx, p)
	case d.Bus == nil:
		return Answer{}, errNoBus
	}
	return d.Bus.Deliver(ctx, p)
}

func (d *Dispatcher) report(b *batch, p Delivery, why error) {
	if d.Report != nil {
		d.Report(Failure{Target: b.wireID(), Event: p.ID, Type: p.Type, Try: b.target.Tries, Reason: why})
	}
}

// lease takes the deliveries of a record that are due. Until the lease ends no other worker sends
// them. It puts off those of targets that do not answer.
func (d *Dispatcher) lease(ctx context.Context, id string) ([]batch, error) {
	var batches []batch
	keys := []store.Key{{Kind: store.KindDelivery, ID: id}, {Kind: store.KindEvent, ID: id}}
	err := d.Service.Update(ctx, keys, func(t *tx.Tx) error {
		batches = nil
		changed := false
		t.BySystem = true
		due, err := tx.Load[*account.DeliveryRecord](t, keys[0])
		if err != nil || due == nil {
			return err
		}
		j, err := tx.Load[*account.EventRecord](t, keys[1])
		if err != nil {
			return err
		}
		if j == nil || len(due.To) == 0 { // the event log has dropped the events, or all are delivered
			t.Delete(due)
			return nil
		}
		bodies, err := d.bodies(t, j)
		if err != nil {
			return err
		}
		for i := range due.To {
			to := &due.To[i]
			if isUser(to.ID) || to.Next > t.Now {
				continue
			}
			changed = true
			if until := d.silent.until(to.ID); until > t.Now {
				to.Next = until
				continue
			}
			to.Tries++
			to.Next = t.Now.Add(deliveryLease)
			deliveries, err := deliveries(t, to, j, bodies)
			batches = append(batches, batch{target: *to, deliveries: deliveries, unsigned: err != nil})
		}
		if changed {
			t.Put(due)
		}
		return nil
	})
	return batches, err
}

// bodies returns the bodies of a record's events, with the users as stored now.
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

// deliveries returns the events that a target does not have yet. Events that an endpoint is not
// subscribed to are skipped. A deleted or disabled endpoint gets none. The error is that of
// [signingSecrets]; the deliveries then have no secret.
func deliveries(t *tx.Tx, to *account.DeliveryTarget, j *account.EventRecord, bodies [][]byte) ([]Delivery, error) {
	endpoint := &account.Endpoint{}
	var secrets []secret.Value
	var err error
	if to.ID != targetBus {
		if endpoint = findEndpoint(&t.State.Settings, account.PrefixHook+to.ID); endpoint == nil {
			return nil, nil
		}
		secrets, err = signingSecrets(t, endpoint)
	}
	var out []Delivery
	skip := to.Done
	for i, e := range j.All() {
		if to.ID != targetBus && !endpoint.Gets(j.Events[i]) || to.Only != 0 && to.Only != i+1 {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		out = append(out, Delivery{URL: endpoint.URL, ID: e.ID, Type: e.Name, At: t.Now.Time(), Body: bodies[i], Secrets: secrets})
	}
	return out, err
}

// recordOutcome stores the outcome of leased deliveries. A target that another worker leased since
// is left alone.
func (d *Dispatcher) recordOutcome(ctx context.Context, id string, batches []batch) (givenUp int, err error) {
	key := store.Key{Kind: store.KindDelivery, ID: id}
	err = d.Service.Update(ctx, []store.Key{key}, func(t *tx.Tx) error {
		givenUp = 0
		t.BySystem = true
		due, err := tx.Load[*account.DeliveryRecord](t, key)
		if err != nil || due == nil {
			return err
		}
		for _, b := range batches {
			to := due.Target(b.target.ID)
			if to == nil || to.Tries != b.target.Tries {
				continue
			}
			to.Done = b.target.Done
			wait, again := retryIn(to.Tries)
			switch {
			case b.later != 0:
				to.Tries--
				to.Next = b.later
			case b.target.Next == 0:
				to.Next = 0
			case !again:
				to.Next = 0
				givenUp++
				audit.Publish(t, account.Event{Name: eventtype.HookFailed, Subject: b.wireID()})
			default:
				to.Next = t.Now.Add(wait)
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

func (b batch) wireID() string {
	if b.target.ID == targetBus {
		return targetBus
	}
	return account.PrefixHook + b.target.ID
}
