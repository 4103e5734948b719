package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/mfa"
)

// Memory is an [mfa.Store] in memory, for tests and benchmarks. It has no clock, so it never
// forgets the counters of takes. It is safe for concurrent use; see [NewMemory].
type Memory struct {
	mu       sync.RWMutex
	records  map[mfa.Key]mfa.Record
	counters map[string]int64
	// retired has, by kind, the highest version of a record that was deleted.
	retired map[mfa.Kind]uint64
}

var _ mfa.Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		records:  make(map[mfa.Key]mfa.Record),
		counters: make(map[string]int64),
		retired:  make(map[mfa.Kind]uint64),
	}
}

// Get implements [mfa.Store].
func (m *Memory) Get(ctx context.Context, keys ...mfa.Key) ([]mfa.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	records := make([]mfa.Record, len(keys))
	for i, key := range keys {
		records[i] = detached(m.records[key])
		records[i].Key = key
	}
	return records, nil
}

// Commit implements [mfa.Store]. It returns an error that wraps [ErrMalformed] for a commit that
// [Validate] refuses.
func (m *Memory) Commit(ctx context.Context, writes []mfa.Write, takes ...mfa.Take) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := Validate(writes, takes); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(writes, takes); err != nil {
		return err
	}
	for _, w := range writes {
		m.apply(w)
	}
	for _, take := range takes {
		m.counters[take.Budget] += take.Cost
	}
	return nil
}

func (m *Memory) check(writes []mfa.Write, takes []mfa.Take) error {
	for _, w := range writes {
		if m.records[w.Key].Version != w.Version {
			return mfa.ErrConflict
		}
	}
	for _, take := range takes {
		if Exceeds(m.counters[take.Budget], take) {
			return &mfa.ExhaustedError{Budget: take.Budget}
		}
	}
	return nil
}

func (m *Memory) apply(w mfa.Write) {
	kind := w.Key.Kind
	if w.Delete {
		delete(m.records, w.Key)
		m.retired[kind] = max(m.retired[kind], w.Version)
		return
	}
	record := detached(w.Record)
	record.Version++
	if w.Version == 0 {
		record.Version += m.retired[kind]
	}
	if !record.Expires.IsZero() {
		record.Expires = time.Unix(record.Expires.Unix(), 0).UTC()
	}
	m.records[w.Key] = record
}

// Expired implements [mfa.Store].
func (m *Memory) Expired(ctx context.Context, kind mfa.Kind, before time.Time, limit int) ([]mfa.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var keys []mfa.Key
	for key, record := range m.records {
		if len(keys) >= limit {
			break
		}
		if key.Kind == kind && !record.Expires.IsZero() && record.Expires.Before(before) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// Latest implements [mfa.Store].
func (m *Memory) Latest(ctx context.Context, kind mfa.Kind, before time.Time, limit int) ([]mfa.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var records []mfa.Record
	for key, record := range m.records {
		if key.Kind == kind && !record.Expires.IsZero() && record.Expires.Before(before) {
			records = append(records, record)
		}
	}
	records = LatestFirst(records, limit)
	for i := range records {
		records[i] = detached(records[i])
	}
	return records, nil
}

// Sums implements [mfa.Store].
func (m *Memory) Sums(ctx context.Context, budgets ...string) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	sums := make([]int64, len(budgets))
	for i, budget := range budgets {
		sums[i] = m.counters[budget]
	}
	return sums, nil
}

// List implements [mfa.Store].
func (m *Memory) List(ctx context.Context, kind mfa.Kind, after string, limit int) ([]mfa.Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var records []mfa.Record
	for key, record := range m.records {
		if key.Kind == kind && key.ID > after {
			records = append(records, record)
		}
	}
	slices.SortFunc(records, func(a, b mfa.Record) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
	records = records[:min(max(limit, 0), len(records))]
	for i := range records {
		records[i] = detached(records[i])
	}
	return records, nil
}

// detached returns the record with data of its own.
func detached(r mfa.Record) mfa.Record {
	r.Data = bytes.Clone(r.Data)
	return r
}
