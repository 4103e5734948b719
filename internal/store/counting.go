package store

import (
	"context"
	"sync"
	"time"
)

// Counts are the calls that a [Counting] store has seen, successful or not.
type Counts struct {
	// Gets is the number of calls of Get and Sums; KeysRead is the number of keys and counters in
	// them.
	Gets, KeysRead int
	// Commits is the number of calls of Commit; Writes and Increments are the numbers of its
	// arguments.
	Commits, Writes, Increments int
	// Listings is the number of calls of Entries; Entries is the number of entries in their answers.
	Listings, Entries int
	// Moves is the number of entries that commits added and removed.
	Moves int
	// Reserves is the number of calls of Reserve; Reserved is the number of its increments.
	Reserves, Reserved int
	// BytesRead counts the data that Get, Latest and List returned, BytesWritten the data that
	// Commit received.
	BytesRead, BytesWritten int
	// Scans is the number of calls of Expired, Latest and List.
	Scans int
}

// Counting is a [Store] that passes every call on to another one and counts it. Tests use it to
// limit the round trips of an operation. It is safe for concurrent use; see [NewCounting].
type Counting struct {
	store Store

	mu     sync.Mutex
	counts Counts
}

var _ Store = (*Counting)(nil)

// NewCounting returns a store that passes calls on to s and has counted nothing yet.
func NewCounting(s Store) *Counting { return &Counting{store: s} }

// Counts returns the calls since the start or the last Reset.
func (c *Counting) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

// Reset returns the counts and starts again at zero.
func (c *Counting) Reset() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	c.counts = Counts{}
	return counts
}

func (c *Counting) add(d Counts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts.Gets += d.Gets
	c.counts.KeysRead += d.KeysRead
	c.counts.Commits += d.Commits
	c.counts.Writes += d.Writes
	c.counts.Increments += d.Increments
	c.counts.Reserves += d.Reserves
	c.counts.Reserved += d.Reserved
	c.counts.BytesRead += d.BytesRead
	c.counts.BytesWritten += d.BytesWritten
	c.counts.Scans += d.Scans
	c.counts.Listings += d.Listings
	c.counts.Entries += d.Entries
	c.counts.Moves += d.Moves
}

// Get implements [Store].
func (c *Counting) Get(ctx context.Context, keys ...Key) ([]Record, error) {
	records, err := c.store.Get(ctx, keys...)
	c.add(Counts{Gets: 1, KeysRead: len(keys), BytesRead: dataLength(records)})
	return records, err
}

// Commit implements [Store].
func (c *Counting) Commit(ctx context.Context, writes []Write, increments ...Increment) error {
	d := Counts{Commits: 1, Writes: len(writes), Increments: len(increments)}
	for i := range writes {
		d.BytesWritten += len(writes[i].Data)
		d.Moves += len(writes[i].Add) + len(writes[i].Remove)
	}
	c.add(d)
	return c.store.Commit(ctx, writes, increments...)
}

// Reserve implements [Store].
func (c *Counting) Reserve(ctx context.Context, increments ...Increment) error {
	c.add(Counts{Reserves: 1, Reserved: len(increments)})
	return c.store.Reserve(ctx, increments...)
}

// Expired implements [Store].
func (c *Counting) Expired(ctx context.Context, kind Kind, before time.Time, limit int) ([]Key, error) {
	c.add(Counts{Scans: 1})
	return c.store.Expired(ctx, kind, before, limit)
}

// Latest implements [Store].
func (c *Counting) Latest(ctx context.Context, kind Kind, before time.Time, limit int) ([]Record, error) {
	records, err := c.store.Latest(ctx, kind, before, limit)
	c.add(Counts{Scans: 1, BytesRead: dataLength(records)})
	return records, err
}

// Sums implements [Store].
func (c *Counting) Sums(ctx context.Context, counters ...string) ([]int64, error) {
	c.add(Counts{Gets: 1, KeysRead: len(counters)})
	return c.store.Sums(ctx, counters...)
}

// List implements [Store].
func (c *Counting) List(ctx context.Context, kind Kind, after Position, limit int) ([]Record, Position, error) {
	records, next, err := c.store.List(ctx, kind, after, limit)
	c.add(Counts{Scans: 1, BytesRead: dataLength(records)})
	return records, next, err
}

// Entries implements [Store].
func (c *Counting) Entries(ctx context.Context, r Range) ([]Listed, error) {
	listed, err := c.store.Entries(ctx, r)
	c.add(Counts{Listings: 1, Entries: len(listed)})
	return listed, err
}

func dataLength(records []Record) int {
	n := 0
	for i := range records {
		n += len(records[i].Data)
	}
	return n
}
