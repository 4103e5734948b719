package storetest

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/store"
)

// A place is an entry with the record that has it.
type place struct {
	key   store.Key
	entry store.Entry
}

func drawEntry() *rapid.Generator[store.Entry] {
	return rapid.Custom(func(t *rapid.T) store.Entry {
		return store.Entry{
			List: rapid.SampledFrom([]string{"l", "l\x01", "m"}).Draw(t, "list"),
			Rank: drawRank().Draw(t, "rank"),
		}
	})
}

func drawRank() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "\x01", "1", "10", "2", "\xff", "ä"})
}

// enter changes the entries of a record after a successful commit.
func (m *model) enter(w store.Write) {
	for _, e := range w.Add {
		m.entries[place{w.Key, e}] = true
	}
	for _, e := range w.Remove {
		delete(m.entries, place{w.Key, e})
	}
}

// listed compares a page of a list, after an entry that may be missing.
func (m *model) listed(t *rapid.T) {
	r := store.Range{
		List: drawEntry().Draw(t, "of").List, From: drawRank().Draw(t, "from"), To: drawRank().Draw(t, "to"),
		Order: rapid.SampledFrom([]store.Order{store.Ascending, store.Descending}).Draw(t, "order"),
		Limit: rapid.IntRange(0, 5).Draw(t, "limit"),
	}
	var after *store.Listed
	if rapid.Bool().Draw(t, "after") {
		after = &store.Listed{Key: drawKey().Draw(t, "after key"), Rank: drawRank().Draw(t, "after rank")}
		r.After = after.Position()
	}
	want := m.within(r, after)
	got, err := m.store.Entries(context.Background(), r)
	if err != nil || !slices.Equal(got, want) {
		t.Fatalf("entries of %+v: got %v (error %v), want %v", r, got, err, want)
	}
}

// within returns the entries of a range, by the words of its definition.
func (m *model) within(r store.Range, after *store.Listed) []store.Listed {
	direction := 1
	if r.Order == store.Descending {
		direction = -1
	}
	compare := func(a, b store.Listed) int {
		return direction * cmp.Or(strings.Compare(a.Rank, b.Rank), compareKeys(a.Key, b.Key))
	}
	var found []store.Listed
	for p := range m.entries {
		e := store.Listed{Key: p.key, Rank: p.entry.Rank}
		inside := p.entry.List == r.List && e.Rank >= r.From && (e.Rank < r.To || r.To == "")
		if inside && (after == nil || compare(e, *after) > 0) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, compare)
	return found[:min(len(found), r.Limit)]
}

// leaveLists removes the entries of all records, for the next run.
func (m *model) leaveLists() {
	for p := range m.entries {
		_ = m.store.Commit(context.Background(), []store.Write{{Record: store.Record{Key: p.key}, Delete: true, Remove: []store.Entry{p.entry}}})
	}
}
