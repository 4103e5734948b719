package webhook

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/deliverylog"
	"github.com/countersign-mfa/countersign/internal/store"
)

// unreadableFor is how long a record that cannot be read is left alone.
const unreadableFor = 24 * time.Hour

// Run delivers up to limit records that are due, those that wait longest first, and returns the
// first error. The targets are tried side by side, so a slow one delays no other. Further
// deliveries of a target that does not answer are put off.
func (d *Dispatcher) Run(ctx context.Context, limit int) (DeliveryResult, error) {
	due, err := d.Service.Store.Expired(ctx, store.KindDelivery, d.Service.Now().Add(time.Millisecond), limit)
	if err != nil {
		return DeliveryResult{}, fmt.Errorf("find deliveries: %w", err)
	}
	r := &deliveryRun{
		Dispatcher: d, result: DeliveryResult{Found: len(due), More: len(due) >= limit},
		queues: map[string][]queued{}, tried: map[string][]deliverylog.Try{},
	}
	leased := r.leaseAll(ctx, due) // the first error; the other records are delivered all the same
	sent := r.sendAll(ctx)
	return r.result, errors.Join(leased, sent, r.logAll(ctx))
}

// deliveryRun is one run. Its methods are safe for concurrent use.
type deliveryRun struct {
	*Dispatcher

	mu     sync.Mutex
	result DeliveryResult
	queues map[string][]queued          // by target, in order
	tried  map[string][]deliverylog.Try // by endpoint
}

// work is a record whose deliveries are leased. Its outcome is stored after the last try.
type work struct {
	id      string
	batches []batch
	untried int // batches
}

// queued is one batch of a record in the queue of its target: of.batches[at].
type queued struct {
	of *work
	at int
}

func (r *deliveryRun) add(done DeliveryResult) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.add(done)
}

// leaseAll notifies users and leases the deliveries of records.
func (r *deliveryRun) leaseAll(ctx context.Context, due []store.Key) error {
	works := make([]*work, len(due))
	var group errgroup.Group
	group.SetLimit(leasesAtOnce)
	for i, key := range due {
		group.Go(func() error {
			batches, err := r.leaseOne(ctx, key)
			works[i] = &work{id: key.ID, batches: batches, untried: len(batches)}
			return err
		})
	}
	err := group.Wait()
	for _, w := range works {
		for i := range w.batches {
			target := w.batches[i].target.ID
			r.queues[target] = append(r.queues[target], queued{w, i})
		}
	}
	return err
}

// leaseOne notifies the user of a record and leases its deliveries. A record that cannot be read is
// set aside for a day, so that it does not stand before all others.
func (r *deliveryRun) leaseOne(ctx context.Context, key store.Key) ([]batch, error) {
	notified, err := r.Service.notifyUser(ctx, key.ID)
	if broken, ok := errors.AsType[*account.UnreadableError](err); ok && broken.Record == key {
		return nil, errors.Join(err, r.setAside(ctx, key))
	}
	if err != nil {
		return nil, err
	}
	r.add(DeliveryResult{Delivered: notified})
	return r.lease(ctx, key.ID)
}

func (r *deliveryRun) setAside(ctx context.Context, key store.Key) error {
	records, err := r.Service.Store.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("read a delivery: %w", err)
	}
	record := records[0]
	record.Expires, record.Ends = r.Service.Now().Add(unreadableFor), time.Time{}
	err = r.Service.Store.Commit(ctx, []store.Write{{Record: record}})
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("set a delivery aside: %w", err)
	}
	return nil
}

// sendAll sends what is leased, to all targets at once.
func (r *deliveryRun) sendAll(ctx context.Context) error {
	var targets errgroup.Group
	for _, queue := range r.queues {
		targets.Go(func() error {
			var group errgroup.Group
			group.SetLimit(sendsAtOnce)
			for _, q := range queue {
				group.Go(func() error { return r.carryOut(ctx, q) })
			}
			return group.Wait()
		})
	}
	return targets.Wait()
}

// carryOut sends one batch, and stores the outcome of its record if it was the last.
func (r *deliveryRun) carryOut(ctx context.Context, q queued) error {
	b := &q.of.batches[q.at]
	var done DeliveryResult
	now := account.At(r.Service.Now())
	if until := r.silent.until(b.target.ID); until > now {
		b.later = until
	} else {
		done = r.sendBatch(ctx, b)
	}
	r.add(done)
	r.mu.Lock()
	q.of.untried--
	last := q.of.untried == 0
	r.mu.Unlock()
	if !last {
		return nil
	}
	givenUp, err := r.recordOutcome(ctx, q.of.id, q.of.batches)
	r.add(DeliveryResult{GivenUp: givenUp})
	return err
}

// sendBatch sends one batch and notes a target that does not answer.
func (r *deliveryRun) sendBatch(ctx context.Context, b *batch) (done DeliveryResult) {
	began := r.Service.Now()
	sent, tries := r.send(ctx, b)
	r.noteTries(b, tries)
	b.target.Done += sent
	done.Delivered = sent
	if sent == len(b.deliveries) {
		b.target.Next = 0
		return done
	}
	done.Failed = 1
	if now := r.Service.Now(); now.Sub(began) >= slowTry {
		r.silent.note(b.target.ID, account.At(now.Add(putOff)))
	}
	return done
}

// silent holds the targets that did not answer, and the time until which this process does not try
// them.
type silent struct {
	mu sync.Mutex
	of map[string]account.Instant
}

func (s *silent) until(target string) account.Instant {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[target]
}

func (s *silent) note(target string, until account.Instant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[string]account.Instant{}
	}
	s.of[target] = until
}
