package storetest

import (
	"cmp"
	"fmt"
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
	{"an empty kind lists nothing", func(f *fixture) { f.wantListed(users, 10) }},
	{"records are listed with all that Get answers", func(f *fixture) {
		f.commit(putExpiring(bob, 0, start), put(alice, 0, "alice"))
		f.commit(put(alice, f.get(alice).Version, "changed"))
		f.wantListed(users, 10, "alice", "bob")
	}},
	{"a limit below one lists nothing", func(f *fixture) {
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		for _, limit := range []int{0, -1} {
			records, next, err := f.store.List(f.ctx, users, "", limit)
			if len(records) > 0 || next != "" || err != nil {
				f.Errorf("limit %d: got %v, %q, %v", limit, records, next, err)
			}
		}
	}},
	{"kinds are separate, also when one name begins with another", func(f *fixture) {
		for _, kind := range []store.Kind{"a", "ab", "abc", "b"} {
			f.commit(put(store.Key{Kind: kind, ID: "of-" + string(kind)}, 0, "data"))
		}
		f.wantListed("a", 10, "of-a")
		f.wantListed("ab", 10, "of-ab")
		f.wantListed("abc", 10, "of-abc")
	}},
	{"a deleted record is not listed", func(f *fixture) {
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		f.commit(remove(f.get(alice)))
		f.wantListed(users, 10, "bob")
	}},
	{"pages of any size cover everything once", func(f *fixture) {
		for _, id := range append([]string{""}, oddIDs...) {
			f.commit(put(store.Key{Kind: addresses, ID: id}, 0, "data"))
		}
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		for _, limit := range []int{1, 2, 5, len(oddIDs), len(oddIDs) + 1, 1000} {
			f.wantListed(addresses, limit, append([]string{""}, oddIDs...)...)
		}
	}},
	{"records that stay are listed once while others come and go", testListWhileChanging},
}

// wantListed checks the ids of a whole kind, and that each record is as Get returns it.
func (f *fixture) wantListed(kind store.Kind, limit int, want ...string) {
	f.Helper()
	got := f.list(kind, limit)
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
		f.Errorf("list of %s, %d at a time: got %q, want %q", kind, limit, ids, want)
	}
}

// testListWhileChanging: between two pages the last record of the page is deleted and another one
// is created.
func testListWhileChanging(f *fixture) {
	const stay = 12
	for i := range stay {
		f.commit(put(store.Key{Kind: nonces, ID: fmt.Sprint("stays-", i)}, 0, "data"))
		f.commit(put(store.Key{Kind: nonces, ID: fmt.Sprint("goes-", i)}, 0, "data"))
	}
	seen := map[string]int{}
	for after, page := store.Position(""), 0; ; page++ {
		records, next, err := f.store.List(f.ctx, nonces, after, 3)
		if err != nil {
			f.Fatalf("list: %v", err)
		}
		for _, r := range records {
			seen[r.Key.ID]++
			if strings.HasPrefix(r.Key.ID, "goes-") {
				f.commit(remove(r))
			}
		}
		if page < 5 {
			f.commit(put(store.Key{Kind: nonces, ID: fmt.Sprint("new-", page)}, 0, "data"))
		}
		if after = next; after == "" {
			break
		}
	}
	for i := range stay {
		if n := seen[fmt.Sprint("stays-", i)]; n != 1 {
			f.Errorf("record %d was listed %d times", i, n)
		}
	}
	for id, n := range seen {
		if n != 1 {
			f.Errorf("%s was listed %d times", id, n)
		}
	}
}
