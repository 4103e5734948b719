package lincheck

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// A turn belongs to one client in a run where one client runs at a time. The client gives it back
// at every call of the store.
type turn struct {
	resume chan struct{}
	given  chan<- *turn
	over   bool
}

type turnKey struct{}

// yield lets another client run, if the context belongs to a client that takes turns.
func yield(ctx context.Context) {
	if t, ok := ctx.Value(turnKey{}).(*turn); ok {
		t.given <- t
		<-t.resume
	}
}

// inTurns runs clients until all are done, in an order that rng alone decides.
func inTurns(ctx context.Context, rng *rand.Rand, clients []func(context.Context)) {
	given := make(chan *turn)
	var waiting []*turn
	for _, run := range clients {
		t := &turn{resume: make(chan struct{}), given: given}
		waiting = append(waiting, t)
		go func() {
			<-t.resume
			run(context.WithValue(ctx, turnKey{}, t))
			t.over = true
			given <- t
		}()
	}
	for len(waiting) > 0 {
		i := rng.IntN(len(waiting))
		waiting[i].resume <- struct{}{}
		if t := <-given; t.over {
			waiting = append(waiting[:i], waiting[i+1:]...)
		}
	}
}

// turnStore is a store whose callers yield before each call, and after a commit. After a commit
// others may act on the stored data before the caller sees its answer.
type turnStore struct{ store.Store }

func (p turnStore) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	yield(ctx)
	return p.Store.Get(ctx, keys...)
}

func (p turnStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	yield(ctx)
	err := p.Store.Commit(ctx, writes, increments...)
	yield(ctx)
	return err
}

func (p turnStore) Reserve(ctx context.Context, increments ...store.Increment) error {
	yield(ctx)
	err := p.Store.Reserve(ctx, increments...)
	yield(ctx)
	return err
}

func (p turnStore) Expired(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Key, error) {
	yield(ctx)
	return p.Store.Expired(ctx, kind, before, limit)
}

func (p turnStore) List(ctx context.Context, kind store.Kind, after store.Position, limit int) ([]store.Record, store.Position, error) {
	yield(ctx)
	return p.Store.List(ctx, kind, after, limit)
}

func (p turnStore) Entries(ctx context.Context, r store.Range) ([]store.Listed, error) {
	yield(ctx)
	return p.Store.Entries(ctx, r)
}
