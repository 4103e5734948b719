package store

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// A Fault is one failure of one later call. Make it with [FailGet], [FailCommit], [LoseCommit],
// [SlowGet], [SlowCommit] or [ConflictCommit] and pass it to [Faulty.Inject]. n counts from there:
// 1 is the next call of the method.
type Fault struct {
	commit  bool
	n       int
	err     error
	applied bool
}

// FailGet makes the n-th Get return [ErrUnavailable].
func FailGet(n int) Fault { return Fault{n: n, err: ErrUnavailable} }

// FailCommit makes the n-th Commit or Reserve return [ErrUnavailable] before it is applied.
func FailCommit(n int) Fault { return Fault{commit: true, n: n, err: ErrUnavailable} }

// LoseCommit makes the n-th Commit or Reserve return [ErrUnavailable] after it was applied, as when
// the answer is lost. A commit that the store refuses keeps its own error.
func LoseCommit(n int) Fault {
	return Fault{commit: true, n: n, err: ErrUnavailable, applied: true}
}

// SlowGet makes the n-th Get take too long: it returns [context.DeadlineExceeded].
func SlowGet(n int) Fault { return Fault{n: n, err: context.DeadlineExceeded} }

// SlowCommit makes the n-th Commit or Reserve take too long: it is applied, and returns
// [context.DeadlineExceeded].
func SlowCommit(n int) Fault {
	return Fault{commit: true, n: n, err: context.DeadlineExceeded, applied: true}
}

// ConflictCommit makes the n-th Commit or Reserve return [ErrConflict] although no record changed.
func ConflictCommit(n int) Fault { return Fault{commit: true, n: n, err: ErrConflict} }

// Faulty is a [Store] that passes calls on to another one and fails on purpose. It is safe for
// concurrent use; see [NewFaulty].
type Faulty struct {
	store Store

	mu        sync.Mutex
	faults    []Fault
	throttled bool
}

var _ Store = (*Faulty)(nil)

// NewFaulty returns a store that behaves as s until a fault is injected.
func NewFaulty(s Store) *Faulty { return &Faulty{store: s} }

// Inject adds faults. When several fall on the same call, the one injected first decides its answer
// and all of them are used up.
func (f *Faulty) Inject(faults ...Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, faults...)
}

// Clear forgets the faults that have not happened yet.
func (f *Faulty) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = nil
}

// Pending returns how many injected faults have not happened yet, so that a test can check that all
// did.
func (f *Faulty) Pending() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.faults)
}

// Throttle makes every call return [ErrUnavailable], until [Faulty.Recover]. These calls are
// neither passed on nor counted.
func (f *Faulty) Throttle() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttled = true
}

// Recover undoes [Faulty.Throttle].
func (f *Faulty) Recover() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.throttled = false
}

// Get implements [Store].
func (f *Faulty) Get(ctx context.Context, keys ...Key) ([]Record, error) {
	if fault := f.next(false); fault.err != nil {
		return nil, fmt.Errorf("injected fault: %w", fault.err)
	}
	return f.store.Get(ctx, keys...)
}

// Commit implements [Store].
func (f *Faulty) Commit(ctx context.Context, writes []Write, increments ...Increment) error {
	return f.change(func() error { return f.store.Commit(ctx, writes, increments...) })
}

// Reserve implements [Store]. A fault of a commit happens to it as well.
func (f *Faulty) Reserve(ctx context.Context, increments ...Increment) error {
	return f.change(func() error { return f.store.Reserve(ctx, increments...) })
}

// change makes a change, or fails in its place.
func (f *Faulty) change(apply func() error) error {
	fault := f.next(true)
	if fault.err == nil || fault.applied {
		if err := apply(); err != nil {
			return err
		}
	}
	if fault.err != nil {
		return fmt.Errorf("injected fault: %w", fault.err)
	}
	return nil
}

// Expired implements [Store].
func (f *Faulty) Expired(ctx context.Context, kind Kind, before time.Time, limit int) ([]Key, error) {
	if err := f.throttle(); err != nil {
		return nil, err
	}
	return f.store.Expired(ctx, kind, before, limit)
}

// Latest implements [Store].
func (f *Faulty) Latest(ctx context.Context, kind Kind, before time.Time, limit int) ([]Record, error) {
	if err := f.throttle(); err != nil {
		return nil, err
	}
	return f.store.Latest(ctx, kind, before, limit)
}

// Sums implements [Store].
func (f *Faulty) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	if err := f.throttle(); err != nil {
		return nil, err
	}
	return f.store.Sums(ctx, counters...)
}

// List implements [Store].
func (f *Faulty) List(ctx context.Context, kind Kind, after Position, limit int) ([]Record, Position, error) {
	if err := f.throttle(); err != nil {
		return nil, "", err
	}
	return f.store.List(ctx, kind, after, limit)
}

// Entries implements [Store].
func (f *Faulty) Entries(ctx context.Context, r Range) ([]Listed, error) {
	if err := f.throttle(); err != nil {
		return nil, err
	}
	return f.store.Entries(ctx, r)
}

func (f *Faulty) throttle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.throttled {
		return fmt.Errorf("throttled: %w", ErrUnavailable)
	}
	return nil
}

// next counts one call and returns its fault, whose err is nil if there is none.
func (f *Faulty) next(commit bool) Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.throttled {
		return Fault{err: ErrUnavailable}
	}
	var due Fault
	waiting := f.faults[:0]
	for _, fault := range f.faults {
		if fault.commit != commit {
			waiting = append(waiting, fault)
			continue
		}
		fault.n--
		switch {
		case fault.n > 0:
			waiting = append(waiting, fault)
		case due.err == nil:
			due = fault
		}
	}
	f.faults = waiting
	return due
}
