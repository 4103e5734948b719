package boltstore

import (
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/countersign-mfa/countersign/internal/store"
)

// A batch is a transaction that applies requests one after the other.
type batch struct {
	tx       *bolt.Tx
	expires  *bolt.Bucket
	counters *bolt.Bucket
	due      *bolt.Bucket
	entries  *bolt.Bucket
	journal  *bolt.Bucket
}

func newBatch(tx *bolt.Tx) *batch {
	return &batch{
		tx:       tx,
		expires:  tx.Bucket(bucketExpires),
		counters: tx.Bucket(bucketCounters),
		due:      tx.Bucket(bucketCountersDue),
		entries:  tx.Bucket(bucketEntries),
		journal:  tx.Bucket(bucketJournal),
	}
}

// check decides whether the request can be applied after the earlier requests of the batch. It
// stores nothing, but sets found in the request's writes.
func (b *batch) check(r *request) (refusal, err error) {
	for i := range r.writes {
		w := &r.writes[i]
		w.found = header{}
		if bucket := b.tx.Bucket(w.bucket); bucket != nil {
			if w.found, _, err = parseHeader(bucket.Get(w.name)); err != nil {
				return nil, err
			}
		}
		if w.found.number != w.want {
			return store.ErrConflict, nil
		}
	}
	for _, inc := range r.increments {
		h, _, err := parseHeader(b.counters.Get([]byte(inc.Counter)))
		if err != nil {
			return nil, err
		}
		if store.Exceeds(int64(h.number), inc) { //nolint:gosec // it was an int64
			return &store.LimitReachedError{Counter: inc.Counter}, nil
		}
	}
	return nil, nil
}

// apply applies a request that check accepted. After an error, the batch must not be committed.
func (b *batch) apply(r *request) error {
	for i := range r.writes {
		if err := b.write(&r.writes[i]); err != nil {
			return fmt.Errorf("write: %w", err)
		}
	}
	for i := range r.increments {
		if err := b.increment(&r.increments[i]); err != nil {
			return fmt.Errorf("increment: %w", err)
		}
	}
	return nil
}

func (b *batch) write(w *write) error {
	bucket, err := b.tx.CreateBucketIfNotExists(w.bucket)
	if err != nil {
		return err
	}
	if w.found.expires != w.due {
		if err := b.reindex(w); err != nil {
			return err
		}
	}
	if err := b.enter(w); err != nil {
		return err
	}
	if err := b.note(w.note); err != nil {
		return err
	}
	if !w.remove {
		if w.want == 0 {
			binary.BigEndian.PutUint64(w.value, bucket.Sequence()+1)
		}
		return bucket.Put(w.name, w.value)
	}
	if bucket.Sequence() < w.want {
		if err := bucket.SetSequence(w.want); err != nil {
			return err
		}
	}
	return bucket.Delete(w.name)
}

// enter changes the entries of a write's record.
func (b *batch) enter(w *write) error {
	for _, entry := range w.added {
		if err := b.entries.Put(entry, nil); err != nil {
			return err
		}
	}
	for _, entry := range w.removed {
		if err := b.entries.Delete(entry); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) reindex(w *write) error {
	if w.found.expires != 0 {
		if err := b.expires.Delete(expiresKey(w.found.expires, w.key)); err != nil {
			return err
		}
	}
	if w.due == 0 {
		return nil
	}
	return b.expires.Put(expiresKey(w.due, w.key), nil)
}

func (b *batch) increment(inc *store.Increment) error {
	counter := []byte(inc.Counter)
	old := b.counters.Get(counter)
	h, _, err := parseHeader(old)
	if err != nil {
		return err
	}
	due := instantOf(inc.Expires)
	switch {
	case old == nil:
		if due != 0 {
			err = b.due.Put(dueKey(due, counter), nil)
		}
		h.expires = due
	case h.expires != 0 && (due == 0 || due > h.expires):
		// A counter expires with the last of its increments to expire.
		if err = b.due.Delete(dueKey(h.expires, counter)); err == nil && due != 0 {
			err = b.due.Put(dueKey(due, counter), nil)
		}
		h.expires = due
	}
	if err != nil {
		return err
	}
	h.number = uint64(int64(h.number) + inc.By) //nolint:gosec // checked by store.Exceeds
	return b.counters.Put(counter, h.append(nil))
}

// sweep removes up to limit counters that expired before now, and returns how many.
func (b *batch) sweep(now time.Time, limit int) (int, error) {
	bound := firstNotBefore(now)
	var outdated [][]byte
	c := b.due.Cursor()
	for k, _ := c.First(); k != nil && len(outdated) < limit; k, _ = c.Next() {
		if len(k) <= 8 {
			return 0, damaged("a counter's expiry has %d bytes", len(k))
		}
		if instant(binary.BigEndian.Uint64(k)) >= bound {
			break
		}
		outdated = append(outdated, append([]byte(nil), k...))
	}
	for _, k := range outdated {
		if err := b.due.Delete(k); err != nil {
			return 0, err
		}
		if err := b.counters.Delete(k[8:]); err != nil {
			return 0, err
		}
	}
	return len(outdated), nil
}
