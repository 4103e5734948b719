package boltstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"syscall"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/countersign-mfa/countersign/internal/store"
)

// A request is one commit on its way to the writer. It shares no memory with the caller, who may be
// gone by the time that it is written.
type request struct {
	writes []write
	takes  []store.Increment
	// answer gets the outcome; it has room for it, so the writer never waits.
	answer chan error
	// withdrawn says that the caller has gone. The writer leaves out what was withdrawn in time.
	withdrawn atomic.Bool
	// refusal is why the request is not part of its batch.
	refusal error
}

// A write is one write as the file will have it.
type write struct {
	key    store.Key
	bucket []byte
	name   []byte // in the bucket
	want   uint64 // the version that the record must be at
	remove bool
	value  []byte // with the version that follows want
	due    instant

	found header // what the record was at when the batch got to it
}

func newRequest(writes []store.Write, increments []store.Increment) *request {
	r := &request{
		writes: make([]write, len(writes)),
		takes:  append([]store.Increment(nil), increments...),
		answer: make(chan error, 1),
	}
	for i := range writes {
		w := &writes[i]
		r.writes[i] = write{
			key:    w.Key,
			bucket: bucketOf(w.Key.Kind),
			name:   recordKey(w.Key.ID),
			want:   w.Version,
			remove: w.Delete,
		}
		if w.Delete {
			continue
		}
		due := instantOf(w.Expires)
		value := make([]byte, 0, headerLength+len(w.Data))
		value = header{number: w.Version + 1, expires: due}.append(value)
		r.writes[i].due = due
		r.writes[i].value = append(value, w.Data...)
	}
	return r
}

// Commit implements [mfa.Store]. It returns an error that wraps [store.ErrMalformed] for a commit that
// [store.Validate] refuses. When the context ends first, its error is returned and the outcome is unknown.
func (s *Store) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := store.Validate(writes, increments); err != nil {
		return err
	}
	r := newRequest(writes, increments)
	if err := s.queue.add(r); err != nil {
		return err
	}
	select {
	case err := <-r.answer:
		return err
	case <-ctx.Done():
		r.withdrawn.Store(true)
		return ctx.Err()
	}
}

// write is the writer: it writes what is in the queue, all at a time, until the queue is closed.
func (s *Store) write() {
	defer close(s.queue.done)
	for requests := s.queue.next(); len(requests) > 0; requests = s.queue.next() {
		err := s.failed
		if err == nil {
			err = s.writeAll(requests)
		}
		for _, r := range requests {
			if err != nil {
				r.answer <- err
			} else {
				r.answer <- r.refusal
			}
		}
	}
}

// writeAll writes the requests in one transaction. Those that are refused take no part in it.
// An error concerns all of them.
func (s *Store) writeAll(requests []*request) error {
	err := s.update(func(tx *bolt.Tx) (bool, error) { return s.applyAll(newBatch(tx), requests) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, ErrDamaged):
		s.failed = err
		return err
	case isFull(err):
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	s.failed = fmt.Errorf("%w: no commit is possible after: %w", store.ErrUnavailable, err)
	return s.failed
}

// update calls fn with a transaction and, if it changed something, brings that to the disk.
func (s *Store) update(fn func(*bolt.Tx) (changed bool, err error)) error {
	return s.guard(func() error {
		tx, err := s.db.Begin(true)
		if err != nil {
			return err
		}
		changed, err := fn(tx)
		if err != nil || !changed {
			return errors.Join(err, tx.Rollback())
		}
		return s.finish(tx)
	})
}

func (s *Store) applyAll(b *batch, requests []*request) (applied bool, err error) {
	takes := 0
	for _, r := range requests {
		if r.withdrawn.Load() {
			continue
		}
		if r.refusal, err = b.check(r); err != nil {
			return false, err
		}
		if r.refusal != nil {
			continue
		}
		if err := b.apply(r); err != nil {
			return false, err
		}
		takes += len(r.takes)
		applied = true
	}
	if takes == 0 {
		return applied, nil
	}
	// More than were taken, so that the number of outdated counters goes down.
	_, err = b.sweep(s.now(), 2*takes+sweepExtra)
	return applied, err
}

// sweepExtra is how many outdated counters are removed beyond those that a batch may have added.
const sweepExtra = 8

// isFull reports whether a write failed for lack of room, in which case the file is as it was before.
func isFull(err error) bool {
	return errors.Is(err, bolterrors.ErrMaxSizeReached) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
