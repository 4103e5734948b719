package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/countersign-mfa/countersign/internal/store"
)

// A JournalStore is a store that keeps the feed of notes itself.
type JournalStore interface {
	store.Store
	Notes(ctx context.Context, limit int) ([]store.Noted, error)
	Trim(through string)
}

// TestJournal checks the journal of a store: each note of a commit is there once, in the order of
// the commits, until it is trimmed. reopen closes the store and opens its data again; after that,
// trimmed notes may be there once more.
func TestJournal(t *testing.T, s JournalStore, reopen func(t *testing.T, s JournalStore) JournalStore) {
	f := newFixture(t, s)
	noted := func(key store.Key, version uint64, text string) store.Write {
		w := put(key, version, "data")
		w.Note = text
		return w
	}
	f.wantNotes(s, 10)
	f.commit(noted(alice, 0, "a"), put(bob, 0, "without"))
	f.commit(put(bob, f.get(bob).Version, "without"))
	f.commit(noted(alice, f.get(alice).Version, "b"), noted(bob, f.get(bob).Version, "é"))
	f.refuse(store.ErrConflict, []store.Write{noted(alice, 0, "refused")})
	f.exhaustWith("full", []store.Write{noted(bob, f.get(bob).Version, "refused")}, increment("full", 2, 1))
	f.wantNotes(s, 10, "a", "b", "é")
	f.wantNotes(s, 2, "a", "b")
	f.wantNotes(s, 0)

	s.Trim(f.notes(s, 2)[1].Sequence)
	f.wantNotes(s, 10, "é")
	s.Trim(f.notes(s, 1)[0].Sequence)
	s.Trim("0")
	s.Trim("no number")
	f.wantNotes(s, 10)
	f.commit(noted(alice, f.get(alice).Version, "c"))
	f.wantNotes(s, 10, "c")

	s = reopen(t, s)
	f = newFixture(t, s)
	if all := f.notes(s, 10); len(all) == 0 || all[len(all)-1].Text != "c" {
		t.Errorf("after opening again: %v", all)
	}
	f.commit(noted(alice, f.get(alice).Version, "d"))
	all := f.notes(s, 10)
	s.Trim(all[len(all)-2].Sequence)
	f.wantNotes(s, 10, "d")
	for i := range 30 {
		f.commit(noted(alice, f.get(alice).Version, fmt.Sprint(i)))
	}
	all = f.notes(s, 100)
	sorted := slices.IsSortedFunc(all, func(a, b store.Noted) int { return len(a.Sequence) - len(b.Sequence) })
	if len(all) != 31 || all[30].Text != "29" || !sorted {
		t.Errorf("%d notes: %v", len(all), all)
	}
}

func (f *fixture) notes(s JournalStore, limit int) []store.Noted {
	f.Helper()
	notes, err := s.Notes(f.ctx, limit)
	if err != nil {
		f.Fatalf("notes: %v", err)
	}
	return notes
}

func (f *fixture) wantNotes(s JournalStore, limit int, want ...string) {
	f.Helper()
	var got []string
	for _, n := range f.notes(s, limit) {
		got = append(got, n.Text)
	}
	if !slices.Equal(got, want) {
		f.Errorf("up to %d notes: got %q, want %q", limit, got, want)
	}
}
