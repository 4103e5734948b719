package storetest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/store"
)

// oddIDs are ids in byte order, with characters that keys are often joined or ended with. The last
// two are in the other order by UTF-16 code units.
var oddIDs = []string{
	"\x00", "\x00\x00", "\x00a", "\x01", "\n", " ", "#", "%2F", "/", "0", ":", "A", "a", "a\x00", "a\x00b", "a\x01",
	"a#", "aa", "b", "~", "\x7f", "ä", "～", "🔑",
}

func compareKeys(a, b store.Key) int {
	return cmp.Or(strings.Compare(string(a.Kind), string(b.Kind)), strings.Compare(a.ID, b.ID))
}

var listCases = []testCase{
	{"an empty kind lists nothing", func(f *fixture) { f.wantListed(users, "", 10) }},
	{"records are listed by id with all that Get answers", func(f *fixture) {
		f.commit(putExpiring(bob, 0, start), put(alice, 0, "alice"))
		f.commit(put(alice, f.get(alice).Version, "changed"))
		f.wantListed(users, "", 10, "alice", "bob")
	}},
	{"only ids greater than the given one are listed, present or not", func(f *fixture) {
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		f.wantListed(users, "alice", 10, "bob")
		f.wantListed(users, "aliceX", 10, "bob")
		f.wantListed(users, "alic", 10, "alice", "bob")
		f.wantListed(users, "bob", 10)
		f.wantListed(users, "zoe", 10)
	}},
	{"no more records than the limit", func(f *fixture) {
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		f.wantListed(users, "", 0)
		f.wantListed(users, "", 1, "alice")
		f.wantListed(users, "", 2, "alice", "bob")
	}},
	{"kinds are separate, also when one name begins with another", func(f *fixture) {
		for _, kind := range []store.Kind{"a", "ab", "abc", "b"} {
			f.commit(put(store.Key{Kind: kind, ID: "of-" + string(kind)}, 0, "data"))
		}
		f.wantListed("a", "", 10, "of-a")
		f.wantListed("ab", "", 10, "of-ab")
		f.wantListed("abc", "", 10, "of-abc")
	}},
	{"a deleted record is not listed", func(f *fixture) {
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		f.commit(remove(f.get(alice)))
		f.wantListed(users, "", 10, "bob")
	}},
	{"ids are ordered by their bytes", func(f *fixture) {
		for _, id := range oddIDs {
			f.commit(put(store.Key{Kind: addresses, ID: id}, 0, "data"))
		}
		f.wantListed(addresses, "", 100, oddIDs...)
		for i, id := range oddIDs {
			f.wantListed(addresses, id, 100, oddIDs[i+1:]...)
		}
	}},
	{"pages cover everything once", func(f *fixture) {
		for _, id := range oddIDs {
			f.commit(put(store.Key{Kind: addresses, ID: id}, 0, "data"))
		}
		var got []string
		after := ""
		for range len(oddIDs) {
			page := f.list(addresses, after, 5)
			if len(page) == 0 {
				break
			}
			for _, r := range page {
				got = append(got, r.Key.ID)
			}
			after = page[len(page)-1].Key.ID
		}
		if !slices.Equal(got, oddIDs) {
			f.Errorf("got %q, want %q", got, oddIDs)
		}
	}},
}

// wantListed checks the listed ids, and that each record is as Get returns it.
func (f *fixture) wantListed(kind store.Kind, after string, limit int, want ...string) {
	f.Helper()
	got := f.list(kind, after, limit)
	var ids []string
	for _, r := range got {
		ids = append(ids, r.Key.ID)
		single := f.get(store.Key{Kind: kind, ID: r.Key.ID})
		if r.Key.Kind != kind || r.Version != single.Version || !r.Expires.Equal(single.Expires) ||
			string(r.Data) != string(single.Data) {
			f.Errorf("listed %+v, Get answers %+v", r, single)
		}
	}
	if !slices.Equal(ids, want) {
		f.Errorf("list of %s after %q, at most %d: got %q, want %q", kind, after, limit, ids, want)
	}
}
