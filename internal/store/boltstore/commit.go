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

// A request is one commit on its way to the writer. It shares no memory with its caller, which may
// have returned before the writer gets to it.
type request struct {
	writes     []write
	increments []store.Increment
	// answer receives the outcome. Its buffer of one keeps the writer from waiting.
	answer chan error
	// withdrawn says that the caller gave up. The writer skips the request if it sees that in time.
	withdrawn atomic.Bool
	// refusal is why the request takes no part in its batch.
	refusal error
}

// A write is one [store.Write] in the form of the file.
type write struct {
	key    store.Key
	bucket []byte
	name   []byte // the record's key in the bucket
	want   uint64 // the version that the record must have
	remove bool
	value  []byte // with the version after want
	due    instant
	// added and removed are the keys of entries.
	added, removed [][]byte
	note           []byte

	found header // the record's version when the batch reached it
}

func newRequest(writes []store.Write, increments []store.Increment) *request {
	r := &request{
		writes:     make([]write, len(writes)),
		increments: append([]store.Increment(nil), increments...),
		answer:     make(chan error, 1),
	}
	for i := range writes {
		w := &writes[i]
		r.writes[i] = write{
			key:    w.Key,
			bucket: bucketOf(w.Key.Kind),
			name:   recordKey(w.Key.ID),
			want:   w.Version,
			remove: w.Delete,

			added: entryKeys(w.Key, w.Add), removed: entryKeys(w.Key, w.Remove), note: []byte(w.Note),
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

func entryKeys(of store.Key, entries []store.Entry) [][]byte {
	var keys [][]byte
	for _, e := range entries {
		keys = append(keys, entryKey(e.List, string(store.Listed{Key: of, Rank: e.Rank}.Position())))
	}
	return keys
}

// Commit implements [store.Store]. It returns an error that wraps [store.ErrMalformed] for a commit
// that [store.Validate] refuses. When the context ends first, Commit returns the context's error
// and the outcome is unknown.
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

// Reserve implements [store.Store]. It adds all increments or none.
func (s *Store) Reserve(ctx context.Context, increments ...store.Increment) error {
	return s.Commit(ctx, nil, increments...)
}

// write is the writer's goroutine. It writes everything in the queue together, until the queue is
// closed.
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

// writeAll writes the requests in one transaction, except those that it refuses. After an error
// none is written.
func (s *Store) writeAll(requests []*request) error {
	trimmed := s.trimmed.Load()
	err := s.update(func(tx *bolt.Tx) (bool, error) {
		b := newBatch(tx)
		applied, err := s.applyAll(b, requests)
		if err != nil || !applied {
			return false, err
		}
		return true, b.trim(trimmed, trimmedAtOnce)
	})
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

// update calls fn with a transaction and commits it to disk if fn changed anything.
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
	increments := 0
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
		increments += len(r.increments)
		applied = true
	}
	if increments == 0 {
		return applied, nil
	}
	// Removing more counters than the batch adds makes their number go down.
	_, err = b.sweep(s.now(), 2*increments+sweepExtra)
	return applied, err
}

// trimmedAtOnce is how many notes a batch removes at most.
const trimmedAtOnce = 2000

// sweepExtra is how many expired counters a batch removes beyond twice the number of its
// increments.
const sweepExtra = 8

// isFull reports whether a write failed because the disk is full. The file is then unchanged.
func isFull(err error) bool {
	return errors.Is(err, bolterrors.ErrMaxSizeReached) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
