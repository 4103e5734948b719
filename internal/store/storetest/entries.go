package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/store"
)

// ranks are ranks in byte order, with characters that keys are often joined or ended with.
var ranks = []string{"", "\x01", " ", "#", "%2F", "/", "0", "00", "1", "A", "a", "a\x01", "a#", "aa", "b", "~", "\x7f", "ä", "～", "🔑", "\xff", "\xff\xff"}

func entry(rank string) store.Entry { return store.Entry{List: "l", Rank: rank} }

var entryCases = []testCase{
	{"an unknown list is empty", func(f *fixture) { f.wantEntries(store.Range{List: "l"}) }},
	{"entries come with the record that brings them", func(f *fixture) {
		w := put(alice, 0, "alice")
		w.Add = []store.Entry{entry("1"), {List: "other", Rank: "x"}}
		f.commit(w)
		f.wantData(alice, "alice")
		f.wantEntries(store.Range{List: "l"}, "1 alice")
		f.wantEntries(store.Range{List: "other"}, "x alice")
	}},
	{"entries are in order of rank and then of the key, in both directions", func(f *fixture) {
		f.enter(bob, entry("2"), entry("1"))
		f.enter(alice, entry("2"))
		f.enter(store.Key{Kind: clients, ID: "zoe"}, entry("2"))
		f.wantEntries(store.Range{List: "l"}, "1 bob", "2 zoe", "2 alice", "2 bob")
		f.wantEntries(store.Range{List: "l", Order: store.Descending}, "2 bob", "2 alice", "2 zoe", "1 bob")
	}},
	{"ranks and ids are ordered by their bytes", testEntryOrder},
	{"a range has its lower and not its upper bound", testEntryBounds},
	{"no more entries than the limit", func(f *fixture) {
		f.enter(alice, entry("1"), entry("2"), entry("3"))
		for limit, want := range [][]string{{}, {"1 alice"}, {"1 alice", "2 alice"}} {
			f.wantPage(store.Range{List: "l", Limit: limit}, want...)
		}
		f.wantPage(store.Range{List: "l", Limit: -1})
		f.wantPage(store.Range{List: "l", Limit: 1, Order: store.Descending}, "3 alice")
	}},
	{"lists are separate, also when one name begins with another", func(f *fixture) {
		lists := []string{"a", "ab", "a\x01", "b", "ä", "\xff", "a%00"}
		for i, list := range lists {
			f.enter(alice, store.Entry{List: list, Rank: fmt.Sprint(i)})
		}
		for i, list := range lists {
			f.wantEntries(store.Range{List: list}, fmt.Sprint(i, " alice"))
			f.wantEntries(store.Range{List: list, Order: store.Descending}, fmt.Sprint(i, " alice"))
		}
	}},
	{"a removed entry is gone, and the others stay", func(f *fixture) {
		f.enter(alice, entry("1"), entry("2"))
		f.enter(bob, entry("1"))
		f.leave(alice, entry("1"))
		f.wantEntries(store.Range{List: "l"}, "1 bob", "2 alice")
	}},
	{"an entry moves in one commit", func(f *fixture) {
		f.enter(alice, entry("1"))
		w := put(alice, f.get(alice).Version, "moved")
		w.Add, w.Remove = []store.Entry{entry("3")}, []store.Entry{entry("1")}
		f.commit(w)
		f.wantEntries(store.Range{List: "l"}, "3 alice")
	}},
	{"adding an entry again and removing one that is missing change nothing", func(f *fixture) {
		f.enter(alice, entry("1"))
		f.enter(alice, entry("1"))
		f.leave(alice, entry("2"), store.Entry{List: "unknown", Rank: "1"})
		f.wantEntries(store.Range{List: "l"}, "1 alice")
	}},
	{"a deletion removes the entries that it names", func(f *fixture) {
		f.enter(alice, entry("1"), entry("2"))
		w := remove(f.get(alice))
		w.Remove = []store.Entry{entry("1")}
		f.commit(w)
		f.wantData(alice, "")
		f.wantEntries(store.Range{List: "l"}, "2 alice")
	}},
	{"a write without entries changes none", func(f *fixture) {
		f.enter(alice, entry("1"))
		f.commit(put(alice, f.get(alice).Version, "changed"))
		f.commit(remove(f.get(alice)))
		f.wantEntries(store.Range{List: "l"}, "1 alice")
	}},
	{"a refused commit changes no entry", testRefusedEntries},
	{"pages cover everything once", testEntryPages},
	{"pages go on while entries come and go", testEntriesWhileChanging},
	{"a position outside of the range begins or ends it", func(f *fixture) {
		f.enter(alice, entry("1"), entry("2"), entry("3"))
		at := func(rank string) store.Position { return store.Listed{Key: alice, Rank: rank}.Position() }
		f.wantEntries(store.Range{List: "l", From: "2", To: "3", After: at("1")}, "2 alice")
		f.wantEntries(store.Range{List: "l", From: "2", To: "3", After: at("3")})
		f.wantEntries(store.Range{List: "l", From: "2", To: "3", After: at("3"), Order: store.Descending}, "2 alice")
		f.wantEntries(store.Range{List: "l", From: "2", To: "3", After: at("1"), Order: store.Descending})
		f.wantEntries(store.Range{List: "l", From: "3", To: "2"})
		f.wantEntries(store.Range{List: "l", From: "2", To: "2"})
		f.wantEntries(store.Range{List: "l", After: "no position of ours"})
		f.wantEntries(store.Range{List: "l", After: "2"}, "2 alice", "3 alice")
	}},
	{"a range that no list can have is refused", func(f *fixture) {
		long := strings.Repeat("x", store.MaxNameLength+1)
		for _, r := range []store.Range{
			{}, {List: "a\x00b"}, {List: "l", From: "\x00"}, {List: "l", To: "\x00"}, {List: long}, {List: "l", From: long}, {List: "l", To: long}, {List: "l", After: store.Position(long)},
		} {
			r.Limit = 1
			if _, err := f.store.Entries(f.ctx, r); !errors.Is(err, store.ErrMalformed) {
				f.Errorf("a range of %q from %.10q to %.10q: got error %v", r.List, r.From, r.To, err)
			}
		}
	}},
	{"malformed entries are refused", testMalformedEntries},
	{"the longest names", func(f *fixture) {
		rank := strings.Repeat("\xff", store.MaxNameLength-len("l")-len(alice.Kind)-len(alice.ID)-3)
		f.enter(alice, entry(rank))
		f.wantEntries(store.Range{List: "l"}, rank+" alice")
		f.wantEntries(store.Range{List: "l", From: rank[1:]}, rank+" alice")
		f.leave(alice, entry(rank))
		f.wantEntries(store.Range{List: "l"})
	}},
	{"entries are neither records nor counters", func(f *fixture) {
		f.enter(alice, entry("1"), store.Entry{List: "user", Rank: "bob"})
		f.wantListed(users, 10, "alice")
		f.wantData(bob, "")
		f.wantSums([]string{"l", "user", "bob"}, 0, 0, 0)
		f.wantExpired(start.AddDate(100, 0, 0))
	}},
}

// enter writes a record and adds entries for it.
func (f *fixture) enter(key store.Key, entries ...store.Entry) {
	f.Helper()
	w := put(key, f.get(key).Version, "data of "+key.ID)
	w.Add = entries
	f.commit(w)
}

// leave writes a record and removes entries of it.
func (f *fixture) leave(key store.Key, entries ...store.Entry) {
	f.Helper()
	w := put(key, f.get(key).Version, "data of "+key.ID)
	w.Remove = entries
	f.commit(w)
}

// page reads entries, each as its rank and the id of its record.
func (f *fixture) page(r store.Range) (texts []string, last store.Position) {
	f.Helper()
	found, err := f.store.Entries(f.ctx, r)
	if err != nil {
		f.Fatalf("entries: %v", err)
	}
	for _, e := range found {
		texts, last = append(texts, e.Rank+" "+e.Key.ID), e.Position()
	}
	return texts, last
}

func (f *fixture) wantPage(r store.Range, want ...string) {
	f.Helper()
	if got, _ := f.page(r); !slices.Equal(got, want) {
		f.Errorf("%+v: got %q, want %q", r, got, want)
	}
}

// wantEntries checks all entries of a range.
func (f *fixture) wantEntries(r store.Range, want ...string) {
	f.Helper()
	r.Limit = 1000
	f.wantPage(r, want...)
}

func testEntryOrder(f *fixture) {
	var want []string
	for _, rank := range ranks {
		want = append(want, rank+" alice", rank+" bob")
	}
	f.enter(bob, entriesOf(ranks)...)
	f.enter(alice, entriesOf(ranks)...)
	f.wantEntries(store.Range{List: "l"}, want...)
	slices.Reverse(want)
	f.wantEntries(store.Range{List: "l", Order: store.Descending}, want...)

	want = nil
	for _, id := range append([]string{""}, oddIDs...) {
		f.enter(store.Key{Kind: claims, ID: id}, store.Entry{List: "ids", Rank: "r"})
		want = append(want, "r "+id)
	}
	f.wantEntries(store.Range{List: "ids"}, want...)
}

func entriesOf(ranks []string) []store.Entry {
	var entries []store.Entry
	for _, rank := range ranks {
		entries = append(entries, entry(rank))
	}
	return entries
}

// testEntryBounds asks for every range between two ranks, which need not exist.
func testEntryBounds(f *fixture) {
	f.enter(alice, entriesOf(ranks)...)
	for _, from := range ranks {
		for _, to := range append([]string{"zz", "a\x02"}, ranks...) {
			var want []string
			for _, rank := range ranks {
				if rank >= from && (rank < to || to == "") {
					want = append(want, rank+" alice")
				}
			}
			f.wantEntries(store.Range{List: "l", From: from, To: to}, want...)
			slices.Reverse(want)
			f.wantEntries(store.Range{List: "l", From: from, To: to, Order: store.Descending}, want...)
		}
	}
}

func testRefusedEntries(f *fixture) {
	f.enter(alice, entry("1"))
	conflict := put(alice, f.get(alice).Version+1, "late")
	conflict.Add, conflict.Remove = []store.Entry{entry("2")}, []store.Entry{entry("1")}
	other := put(bob, 0, "bob")
	other.Add = []store.Entry{entry("3")}
	f.refuse(store.ErrConflict, []store.Write{conflict, other})
	f.refuse(store.ErrConflict, []store.Write{other, conflict})
	gone := remove(store.Record{Key: alice, Version: f.get(alice).Version + 1})
	gone.Remove = []store.Entry{entry("1")}
	f.refuse(store.ErrConflict, []store.Write{gone, other})
	f.exhaustWith("b", []store.Write{other}, increment("b", 2, 1))
	f.wantEntries(store.Range{List: "l"}, "1 alice")
}

// testEntryPages reads in pages of all sizes, in both directions.
func testEntryPages(f *fixture) {
	f.enter(alice, entriesOf(ranks)...)
	f.enter(bob, entriesOf(ranks)...)
	for _, order := range []store.Order{store.Ascending, store.Descending} {
		all := store.Range{List: "l", From: "#", To: "ä", Order: order, Limit: 1000}
		want, _ := f.page(all)
		if len(want) < 20 {
			f.Fatalf("only %d entries", len(want))
		}
		for _, limit := range []int{1, 2, 3, 7, len(want)} {
			var got []string
			r := all
			for r.Limit = limit; ; {
				page, last := f.page(r)
				got, r.After = append(got, page...), last
				if len(page) < limit {
					break
				}
			}
			if !slices.Equal(got, want) {
				f.Errorf("order %v, %d at a time: got %q, want %q", order, limit, got, want)
			}
		}
	}
}

// testEntriesWhileChanging: an entry after which a page begins may be gone, and entries may have
// come before and after it.
func testEntriesWhileChanging(f *fixture) {
	f.enter(alice, entry("b"), entry("d"), entry("f"))
	for _, tt := range []struct {
		order store.Order
		first []string
		then  []string
	}{
		{store.Ascending, []string{"b alice", "d alice"}, []string{"e bob", "f alice"}},
		{store.Descending, []string{"f alice", "d alice"}, []string{"c bob", "b alice"}},
	} {
		r := store.Range{List: "l", Order: tt.order, Limit: 2}
		first, last := f.page(r)
		f.leave(alice, entry("d"))
		f.enter(bob, entry("a"), entry("c"), entry("e"), entry("g"))
		r.After = last
		then, _ := f.page(r)
		if !slices.Equal(first, tt.first) || !slices.Equal(then, tt.then) {
			f.Errorf("order %v: got %q and then %q", tt.order, first, then)
		}
		f.leave(bob, entry("a"), entry("c"), entry("e"), entry("g"))
		f.enter(alice, entry("d"))
	}
}

func testMalformedEntries(f *fixture) {
	long := strings.Repeat("x", store.MaxNameLength-len("l")-len(bob.Kind)-len(bob.ID)-2)
	var many []store.Entry
	for i := range store.MaxParts - 1 {
		many = append(many, entry(fmt.Sprint(i)))
	}
	for name, change := range map[string]func(w *store.Write){
		"no list":            func(w *store.Write) { w.Add = []store.Entry{{Rank: "1"}} },
		"no list to leave":   func(w *store.Write) { w.Remove = []store.Entry{{Rank: "1"}} },
		"a NUL in the list":  func(w *store.Write) { w.Add = []store.Entry{{List: "a\x00b"}} },
		"a NUL in the rank":  func(w *store.Write) { w.Add = []store.Entry{entry("a\x00b")} },
		"added twice":        func(w *store.Write) { w.Add = []store.Entry{entry("1"), entry("2"), entry("1")} },
		"removed twice":      func(w *store.Write) { w.Remove = []store.Entry{entry("1"), entry("1")} },
		"added and removed":  func(w *store.Write) { w.Add, w.Remove = []store.Entry{entry("1")}, []store.Entry{entry("1")} },
		"too long":           func(w *store.Write) { w.Add = []store.Entry{entry(long)} },
		"too many parts":     func(w *store.Write) { w.Add = many },
		"too many removals":  func(w *store.Write) { w.Remove = many },
		"added by deletion":  func(w *store.Write) { w.Add, w.Delete = []store.Entry{entry("1")}, true },
		"a note, too long":   func(w *store.Write) { w.Note = strings.Repeat("x", store.MaxNoteLength+1) },
		"a note, not UTF-8":  func(w *store.Write) { w.Note = "\xff" },
		"a note of deletion": func(w *store.Write) { w.Note, w.Delete = "x", true },
	} {
		w := put(bob, 0, "bob")
		change(&w)
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), w})
		if f.Failed() {
			f.Fatalf("entries: %s", name)
		}
	}
	f.wantEntries(store.Range{List: "l"})
}
