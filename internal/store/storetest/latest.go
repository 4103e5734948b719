package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

var latestCases = []testCase{
	{"an empty kind has nothing latest", func(f *fixture) { f.wantLatest(users, start, 10) }},
	{"the latest come first, with all that Get answers", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start), putExpiring(bob, 0, start.Add(time.Hour)))
		f.wantLatest(users, start.Add(2*time.Hour), 10, "bob", "alice")
	}},
	{"an expiry before the given time counts, one at it does not", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start), putExpiring(bob, 0, start.Add(time.Hour)))
		f.wantLatest(users, start, 10)
		f.wantLatest(users, start.Add(time.Nanosecond), 10, "alice")
		f.wantLatest(users, start.Add(time.Hour), 10, "alice")
	}},
	{"of one moment the greater id is first, and a page does not end in between", func(f *fixture) {
		for _, id := range []string{"b", "c", "a", "d", "e", "f", "g", "h"} {
			f.commit(putExpiring(store.Key{Kind: nonces, ID: id}, 0, start))
		}
		f.commit(putExpiring(store.Key{Kind: nonces, ID: "older"}, 0, start.Add(-time.Second)))
		f.commit(putExpiring(store.Key{Kind: nonces, ID: "newer"}, 0, start.Add(time.Second)))
		f.wantLatest(nonces, start.Add(time.Hour), 1, "newer")
		f.wantLatest(nonces, start.Add(time.Hour), 2, "newer", "h", "g", "f", "e", "d", "c", "b", "a")
		f.wantLatest(nonces, start, 1, "older")
	}},
	{"kinds are separate, also when one name begins with another", func(f *fixture) {
		for _, kind := range []store.Kind{"a", "ab", "b"} {
			f.commit(putExpiring(store.Key{Kind: kind, ID: "of-" + string(kind)}, 0, start))
		}
		f.wantLatest("ab", start.Add(time.Hour), 10, "of-ab")
		f.wantLatest("a", start.Add(time.Hour), 10, "of-a")
	}},
	{"what never expires or was deleted is not among them", func(f *fixture) {
		f.commit(put(alice, 0, "forever"), putExpiring(bob, 0, start))
		f.commit(remove(f.get(bob)))
		f.wantLatest(users, start.Add(time.Hour), 10)
	}},
	{"an expiry that moved counts as moved", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start), putExpiring(bob, 0, start.Add(time.Minute)))
		f.commit(putExpiring(alice, f.get(alice).Version, start.Add(time.Hour)))
		f.wantLatest(users, start.Add(2*time.Hour), 10, "alice", "bob")
		f.wantLatest(users, start.Add(2*time.Minute), 10, "bob")
	}},
	{"no more than the limit, and pages by time cover everything", func(f *fixture) {
		var want []string
		for i := range 10 {
			id := fmt.Sprint(i)
			f.commit(putExpiring(store.Key{Kind: nonces, ID: id}, 0, start.Add(time.Duration(i)*time.Second)))
			want = append([]string{id}, want...)
		}
		f.wantLatest(nonces, start.Add(time.Hour), 0)
		var got []string
		before := start.Add(time.Hour)
		for range 5 {
			page := f.latest(nonces, before, 3)
			for _, r := range page {
				got, before = append(got, r.Key.ID), r.Expires
			}
		}
		if !slices.Equal(got, want) {
			f.Errorf("got %q, want %q", got, want)
		}
	}},
}

// wantLatest checks the ids of the records that expire last, and that each record is as Get returns
// it.
func (f *fixture) wantLatest(kind store.Kind, before time.Time, limit int, want ...string) {
	f.Helper()
	var ids []string
	for _, r := range f.latest(kind, before, limit) {
		ids = append(ids, r.Key.ID)
		single := f.get(store.Key{Kind: kind, ID: r.Key.ID})
		if r.Key.Kind != kind || r.Version != single.Version || !r.Expires.Equal(single.Expires) || string(r.Data) != string(single.Data) {
			f.Errorf("latest has %+v, Get answers %+v", r, single)
		}
	}
	if !slices.Equal(ids, want) {
		f.Errorf("latest of %s before %v, at most %d: got %q, want %q", kind, before, limit, ids, want)
	}
}
