package storetest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/store"
)

// testModel compares the store with a map under random commits and reads. All runs share the store
// and leave it without records; each has its own counters.
func testModel(t *testing.T, s store.Store) {
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		m := &model{
			store:    s,
			run:      run,
			records:  make(map[store.Key]store.Record),
			seen:     make(map[store.Key]map[uint64]bool),
			counters: make(map[string]int64),
			entries:  make(map[place]bool),
		}
		defer m.clear()
		t.Repeat(map[string]func(*rapid.T){
			"commit":  m.commit,
			"get":     m.get,
			"list":    m.list,
			"expired": m.expired,
			"latest":  m.latest,
			"entries": m.listed,
		})
	})
}

// A model is what the store must hold.
type model struct {
	store    store.Store
	run      int
	records  map[store.Key]store.Record
	seen     map[store.Key]map[uint64]bool // versions that a key ever had
	counters map[string]int64
	entries  map[place]bool
}

// drawKey makes its generator anew for each use: a generator that two tests share is a race.
func drawKey() *rapid.Generator[store.Key] {
	return rapid.Custom(func(t *rapid.T) store.Key {
		return store.Key{
			Kind: rapid.SampledFrom([]store.Kind{"a", "ab", "b"}).Draw(t, "kind"),
			ID:   rapid.SampledFrom([]string{"x", "y", "a\x00", "bx"}).Draw(t, "id"),
		}
	})
}

func drawTime() *rapid.Generator[time.Time] {
	return rapid.Custom(func(t *rapid.T) time.Time {
		return start.Add(time.Duration(rapid.IntRange(0, 20).Draw(t, "half seconds")) * time.Second / 2)
	})
}

func (m *model) drawWrite(t *rapid.T, key store.Key) store.Write {
	w := store.Write{Record: store.Record{Key: key, Version: m.records[key].Version}}
	if rapid.IntRange(0, 5).Draw(t, "stale") == 0 {
		w.Version = rapid.Uint64Range(0, w.Version+1).Draw(t, "version")
	}
	w.Remove = rapid.SliceOfNDistinct(drawEntry(), 0, 2, rapid.ID).Draw(t, "remove")
	if w.Delete = rapid.IntRange(0, 3).Draw(t, "delete") == 0; w.Delete {
		return w
	}
	add := rapid.SliceOfNDistinct(drawEntry(), 0, 3, rapid.ID).Draw(t, "add")
	w.Add = slices.DeleteFunc(add, func(e store.Entry) bool { return slices.Contains(w.Remove, e) })
	w.Data = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "data")
	if rapid.Bool().Draw(t, "expires") {
		w.Expires = drawTime().Draw(t, "at")
	}
	return w
}

func (m *model) commit(t *rapid.T) {
	var writes []store.Write
	for _, key := range rapid.SliceOfNDistinct(drawKey(), 0, 4, rapid.ID).Draw(t, "keys") {
		writes = append(writes, m.drawWrite(t, key))
	}
	var increments []store.Increment
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"p", "q"}), 0, 2, rapid.ID).Draw(t, "counters") {
		increments = append(increments, store.Increment{
			Counter: fmt.Sprint(name, m.run),
			By:      rapid.Int64Range(1, 3).Draw(t, "cost"),
			Max:     rapid.Int64Range(4, 8).Draw(t, "limit"),
			Expires: start,
		})
	}
	err := m.store.Commit(context.Background(), writes, increments...)
	conflict, exhausted := m.refuses(writes, increments)
	_, saysExhausted := errors.AsType[*store.LimitReachedError](err)
	switch {
	case conflict && errors.Is(err, store.ErrConflict), exhausted && saysExhausted:
	case conflict || exhausted || err != nil:
		t.Fatalf("commit: got error %v, want conflict: %t, exhausted: %t", err, conflict, exhausted)
	default:
		m.apply(t, writes, increments)
	}
	m.compare(t, slices.Collect(maps.Keys(m.seen)))
}

func (m *model) refuses(writes []store.Write, increments []store.Increment) (conflict, exhausted bool) {
	for _, w := range writes {
		conflict = conflict || w.Version != m.records[w.Key].Version
	}
	for _, inc := range increments {
		exhausted = exhausted || m.counters[inc.Counter]+inc.By > inc.Max
	}
	return conflict, exhausted
}

// apply updates the model after a successful commit. The store chooses the version of a created
// record.
func (m *model) apply(t *rapid.T, writes []store.Write, increments []store.Increment) {
	for _, inc := range increments {
		m.counters[inc.Counter] += inc.By
	}
	for _, w := range writes {
		m.enter(w)
		if w.Delete {
			delete(m.records, w.Key)
			continue
		}
		records, err := m.store.Get(context.Background(), w.Key)
		if err != nil {
			t.Fatalf("get: %v", err)
		}
		got := records[0].Version
		if w.Version != 0 && got != w.Version+1 {
			t.Fatalf("%v moved from version %d to %d", w.Key, w.Version, got)
		}
		if m.seen[w.Key] == nil {
			m.seen[w.Key] = map[uint64]bool{0: true}
		}
		if m.seen[w.Key][got] {
			t.Fatalf("%v is at version %d for the second time", w.Key, got)
		}
		m.seen[w.Key][got] = true
		w.Version = got
		w.Expires = w.Expires.Truncate(time.Second)
		m.records[w.Key] = w.Record
	}
}

func (m *model) get(t *rapid.T) {
	m.compare(t, rapid.SliceOfNDistinct(drawKey(), 0, 5, rapid.ID).Draw(t, "keys"))
}

func (m *model) compare(t *rapid.T, keys []store.Key) {
	records, err := m.store.Get(context.Background(), keys...)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	for i, key := range keys {
		want := m.records[key]
		want.Key = key
		wantSame(t, records[i], want)
	}
}

func (m *model) list(t *rapid.T) {
	kind := drawKey().Draw(t, "of").Kind
	limit := rapid.IntRange(1, 5).Draw(t, "limit")
	var want []store.Record
	for _, key := range slices.SortedFunc(maps.Keys(m.records), compareKeys) {
		if key.Kind == kind {
			want = append(want, m.records[key])
		}
	}
	got, err := listAll(context.Background(), m.store, kind, limit)
	if err != nil {
		t.Fatalf("list: %v", err)
	}
	if len(got) != len(want) {
		t.Fatalf("list: got %d records, want %d", len(got), len(want))
	}
	for i := range want {
		wantSame(t, got[i], want[i])
	}
}

func (m *model) expired(t *rapid.T) {
	kind := drawKey().Draw(t, "of").Kind
	before := drawTime().Draw(t, "before")
	limit := rapid.IntRange(0, 5).Draw(t, "limit")
	got, err := m.store.Expired(context.Background(), kind, before, limit)
	if err != nil {
		t.Fatalf("expired: %v", err)
	}
	due := m.due(kind, before)
	for _, key := range got {
		if !slices.ContainsFunc(due, func(r store.Record) bool { return r.Key == key }) {
			t.Fatalf("%v is not expired before %v", key, before)
		}
	}
	slices.SortFunc(got, compareKeys)
	if n := len(slices.Compact(got)); n != min(len(due), limit) {
		t.Fatalf("got %d of %d expired records with limit %d", n, len(due), limit)
	}
}

// due returns the records of a kind that expire before a time.
func (m *model) due(kind store.Kind, before time.Time) []store.Record {
	var due []store.Record
	for key, r := range m.records {
		if key.Kind == kind && !r.Expires.IsZero() && r.Expires.Before(before) {
			due = append(due, r)
		}
	}
	return due
}

func (m *model) latest(t *rapid.T) {
	kind := drawKey().Draw(t, "of").Kind
	before := drawTime().Draw(t, "before")
	limit := rapid.IntRange(0, 5).Draw(t, "limit")
	got, err := m.store.Latest(context.Background(), kind, before, limit)
	if err != nil {
		t.Fatalf("latest: %v", err)
	}
	want := store.LatestFirst(m.due(kind, before), limit)
	if len(got) != len(want) {
		t.Fatalf("latest: got %d records, want %d", len(got), len(want))
	}
	for i := range want {
		wantSame(t, got[i], want[i])
	}
}

// clear removes what the run stored, for the next run.
func (m *model) clear() {
	for key := range m.seen {
		records, err := m.store.Get(context.Background(), key)
		if err == nil && records[0].Version != 0 {
			_ = m.store.Commit(context.Background(), []store.Write{remove(records[0])})
		}
	}
	m.leaveLists()
}

func wantSame(t *rapid.T, got, want store.Record) {
	if got.Key != want.Key || got.Version != want.Version || !got.Expires.Equal(want.Expires) ||
		string(got.Data) != string(want.Data) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
}
