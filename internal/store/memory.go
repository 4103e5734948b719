package store

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Memory is a [Store] in memory, for tests and simulations. It has no clock, so it never forgets
// counters. It is safe for concurrent use; see [NewMemory].
type Memory struct {
	mu       sync.RWMutex
	records  map[Key]Record
	counters map[string]int64
	lists    map[string][]string // sorted positions
	journal  []Noted             // that were not trimmed
	noted    int                 // notes ever made
	// retired has, by kind, the highest version of a deleted record.
	retired map[Kind]uint64
}

var _ Store = (*Memory)(nil)

// NewMemory returns an empty store.
func NewMemory() *Memory {
	return &Memory{
		records:  make(map[Key]Record),
		counters: make(map[string]int64),
		lists:    make(map[string][]string),
		retired:  make(map[Kind]uint64),
	}
}

// Get implements [Store].
func (m *Memory) Get(ctx context.Context, keys ...Key) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	records := make([]Record, len(keys))
	for i, key := range keys {
		records[i] = detached(m.records[key])
		records[i].Key = key
	}
	return records, nil
}

// Commit implements [Store]. It returns an error that wraps [ErrMalformed] for a commit that
// [Validate] refuses.
func (m *Memory) Commit(ctx context.Context, writes []Write, increments ...Increment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := Validate(writes, increments); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.check(writes, increments); err != nil {
		return err
	}
	for _, w := range writes {
		m.apply(w)
	}
	for _, inc := range increments {
		m.counters[inc.Counter] += inc.By
	}
	return nil
}

// Reserve implements [Store]. It adds all increments or none.
func (m *Memory) Reserve(ctx context.Context, increments ...Increment) error {
	return m.Commit(ctx, nil, increments...)
}

func (m *Memory) check(writes []Write, increments []Increment) error {
	for _, w := range writes {
		if m.records[w.Key].Version != w.Version {
			return ErrConflict
		}
	}
	for _, inc := range increments {
		if Exceeds(m.counters[inc.Counter], inc) {
			return &LimitReachedError{Counter: inc.Counter}
		}
	}
	return nil
}

func (m *Memory) apply(w Write) {
	m.enter(w)
	if w.Note != "" {
		m.noted++
		m.journal = append(m.journal, Noted{strconv.Itoa(m.noted), w.Note})
	}
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
	record.Expires, record.Ends = wholeSeconds(record.Expires), wholeSeconds(record.Ends)
	m.records[w.Key] = record
}

// enter changes the entries of a write's record.
func (m *Memory) enter(w Write) {
	for _, e := range w.Add {
		at := string(Listed{w.Key, e.Rank}.Position())
		if i, found := slices.BinarySearch(m.lists[e.List], at); !found {
			m.lists[e.List] = slices.Insert(m.lists[e.List], i, at)
		}
	}
	for _, e := range w.Remove {
		at := string(Listed{w.Key, e.Rank}.Position())
		if i, found := slices.BinarySearch(m.lists[e.List], at); found {
			m.lists[e.List] = slices.Delete(m.lists[e.List], i, i+1)
		}
	}
}

// Notes returns up to limit notes of the journal that were not trimmed, the oldest first.
func (m *Memory) Notes(ctx context.Context, limit int) ([]Noted, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return slices.Clone(m.journal[:min(len(m.journal), max(limit, 0))]), nil
}

// Trim forgets the notes of the journal up to a sequence that Notes returned.
func (m *Memory) Trim(through string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if last, err := strconv.Atoi(through); err == nil {
		trimmed := m.noted - len(m.journal)
		m.journal = m.journal[min(max(last-trimmed, 0), len(m.journal)):]
	}
}

func wholeSeconds(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return time.Unix(at.Unix(), 0).UTC()
}

// Forget deletes every record whose Ends is not after now, as a store may by itself. It returns
// their keys.
func (m *Memory) Forget(now time.Time) []Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	var gone []Key
	for key, record := range m.records {
		if !record.Ends.IsZero() && !record.Ends.After(now) {
			m.apply(Write{Record: record, Delete: true})
			gone = append(gone, key)
		}
	}
	return gone
}

// Expired implements [Store].
func (m *Memory) Expired(ctx context.Context, kind Kind, before time.Time, limit int) ([]Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []Record
	for key, record := range m.records {
		if key.Kind == kind && !record.Expires.IsZero() && record.Expires.Before(before) {
			found = append(found, record)
		}
	}
	slices.SortFunc(found, func(a, b Record) int { return a.Expires.Compare(b.Expires) })
	var keys []Key
	for _, record := range found[:min(len(found), max(limit, 0))] {
		keys = append(keys, record.Key)
	}
	return keys, nil
}

// Latest implements [Store].
func (m *Memory) Latest(ctx context.Context, kind Kind, before time.Time, limit int) ([]Record, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var records []Record
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

// Sums implements [Store].
func (m *Memory) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	sums := make([]int64, len(counters))
	for i, counter := range counters {
		sums[i] = m.counters[counter]
	}
	return sums, nil
}

// List implements [Store]. It lists records by id.
func (m *Memory) List(ctx context.Context, kind Kind, after Position, limit int) ([]Record, Position, error) {
	if err := ctx.Err(); err != nil {
		return nil, "", err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var records []Record
	for key, record := range m.records {
		if key.Kind == kind && listPosition(key) > after {
			records = append(records, record)
		}
	}
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.Key.ID, b.Key.ID) })
	var next Position
	if n := max(limit, 0); n < len(records) {
		if records = records[:n]; n > 0 {
			next = listPosition(records[n-1].Key)
		}
	}
	for i := range records {
		records[i] = detached(records[i])
	}
	return records, next, nil
}

// listPosition returns the position after a record in its kind. An id may be empty, a position not.
func listPosition(k Key) Position { return Position("." + k.ID) }

// Entries implements [Store].
func (m *Memory) Entries(ctx context.Context, r Range) ([]Listed, error) {
	if err := cmp.Or(ctx.Err(), r.Validate()); err != nil {
		return nil, err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	from, to, some := r.Bounds()
	if !some {
		return nil, nil
	}
	list := m.lists[r.List]
	first, _ := slices.BinarySearch(list, from)
	last := len(list)
	if to != "" {
		last, _ = slices.BinarySearch(list, to)
	}
	n := min(r.Limit, last-first)
	found := make([]Listed, n)
	for i := range found {
		at := first + i
		if r.Order == Descending {
			at = last - 1 - i
		}
		found[i], _ = ParsePosition(list[at])
	}
	return found, nil
}

// detached returns the record with its own copy of the data.
func detached(r Record) Record {
	r.Data = bytes.Clone(r.Data)
	return r
}
