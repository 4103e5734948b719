package boltstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime/debug"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Get implements [store.Store].
func (s *Store) Get(ctx context.Context, keys ...store.Key) ([]store.Record, error) {
	records := make([]store.Record, len(keys))
	err := s.view(ctx, func(tx *bolt.Tx) error {
		for i, key := range keys {
			records[i].Key = key
			bucket := tx.Bucket(bucketOf(key.Kind))
			if bucket == nil {
				continue
			}
			if err := fill(&records[i], bucket.Get(recordKey(key.ID))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// Expired implements [store.Store]. It returns the keys that expired first.
func (s *Store) Expired(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Key, error) {
	var keys []store.Key
	bound := firstNotBefore(before)
	err := s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketExpires).Cursor()
		for k, _ := c.First(); k != nil && len(keys) < limit; k, _ = c.Next() {
			at, key, err := parseExpiresKey(k)
			if err != nil {
				return err
			}
			if at >= bound {
				return nil
			}
			if key.Kind == kind {
				keys = append(keys, key)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return keys, nil
}

// Latest implements [store.Store].
func (s *Store) Latest(ctx context.Context, kind store.Kind, before time.Time, limit int) ([]store.Record, error) {
	var records []store.Record
	err := s.view(ctx, func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketOf(kind))
		if bucket == nil {
			return nil
		}
		c := tx.Bucket(bucketExpires).Cursor()
		for k := lastBefore(c, firstNotBefore(before)); k != nil && limit > 0; k, _ = c.Prev() {
			at, key, err := parseExpiresKey(k)
			if err != nil {
				return err
			}
			if len(records) >= limit && !at.time().Equal(records[len(records)-1].Expires) {
				return nil
			}
			if key.Kind != kind {
				continue
			}
			record := store.Record{Key: key}
			if err := fill(&record, bucket.Get(recordKey(key.ID))); err != nil {
				return err
			}
			records = append(records, record)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return records, nil
}

// lastBefore moves the cursor to the last expiry before an instant.
func lastBefore(c *bolt.Cursor, bound instant) []byte {
	return before(c, binary.BigEndian.AppendUint64(nil, uint64(bound)))
}

// Sums implements [store.Store].
func (s *Store) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	sums := make([]int64, len(counters))
	err := s.view(ctx, func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketCounters)
		for i, counter := range counters {
			h, _, err := parseHeader(bucket.Get([]byte(counter)))
			if err != nil {
				return err
			}
			sums[i] = int64(h.number) //nolint:gosec // as it was put there
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return sums, nil
}

// List implements [store.Store]. It lists records by id and reads no more than it returns.
func (s *Store) List(ctx context.Context, kind store.Kind, after store.Position, limit int) (records []store.Record, next store.Position, err error) {
	err = s.view(ctx, func(tx *bolt.Tx) error {
		bucket := tx.Bucket(bucketOf(kind))
		if bucket == nil || limit <= 0 {
			return nil
		}
		c := bucket.Cursor()
		from := []byte(after) // a record's key in the bucket
		k, v := c.Seek(from)
		if bytes.Equal(k, from) {
			k, v = c.Next()
		}
		for ; k != nil && len(records) < limit; k, v = c.Next() {
			record := store.Record{Key: store.Key{Kind: kind, ID: recordID(k)}}
			if err := fill(&record, v); err != nil {
				return err
			}
			records = append(records, record)
		}
		if k != nil {
			next = store.Position(recordKey(records[len(records)-1].Key.ID))
		}
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return records, next, nil
}

// Entries implements [store.Store]. It reads no more than it returns.
func (s *Store) Entries(ctx context.Context, r store.Range) ([]store.Listed, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	first, end, some := r.Bounds()
	if !some {
		return nil, ctx.Err()
	}
	from, to := entryKey(r.List, first), entryKey(r.List, end)
	if end == "" {
		to = append([]byte(r.List), 1) // after all keys of the list, which go on with a NUL
	}
	var found []store.Listed
	err := s.view(ctx, func(tx *bolt.Tx) error {
		c := tx.Bucket(bucketEntries).Cursor()
		k, step := seek(c, from), c.Next
		if r.Order == store.Descending {
			k, step = before(c, to), c.Prev
		}
		for ; k != nil && len(found) < r.Limit; k, _ = step() {
			if bytes.Compare(k, from) < 0 || bytes.Compare(k, to) >= 0 {
				return nil
			}
			listed, ok := store.ParsePosition(string(k[len(r.List)+1:]))
			if !ok {
				return damaged("an entry has %d bytes", len(k))
			}
			found = append(found, listed)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return found, nil
}

// seek moves the cursor to the first key that is not before the given one.
func seek(c *bolt.Cursor, key []byte) []byte {
	k, _ := c.Seek(key)
	return k
}

// before moves the cursor to the last key before the given one.
func before(c *bolt.Cursor, key []byte) []byte {
	if k, _ := c.Seek(key); k == nil {
		k, _ = c.Last()
		return k
	}
	k, _ := c.Prev()
	return k
}

// fill sets everything of a record except its key, from a value that is valid during the
// transaction only.
func fill(record *store.Record, value []byte) error {
	h, data, err := parseHeader(value)
	if err != nil {
		return err
	}
	record.Version = h.number
	record.Expires = h.expires.time()
	record.Data = bytes.Clone(data)
	return nil
}

// view calls fn with a transaction that sees all confirmed commits.
func (s *Store) view(ctx context.Context, fn func(*bolt.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	err := s.guard(func() error { return s.db.View(fn) })
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return errClosed
	}
	return err
}

// guard calls fn and returns an error where bbolt panics or reads beyond its mapping, as it does
// with a damaged file. The store cannot be used afterwards; opening it again finds the damage.
func (s *Store) guard(fn func() error) (err error) {
	if s.broken.Load() {
		return errBroken
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			s.broken.Store(true)
			err = damaged("%v", p)
		}
	}()
	return fn()
}
