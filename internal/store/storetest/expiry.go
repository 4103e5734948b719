package storetest

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

var expiredCases = []testCase{
	{"an expiry before the given time counts, one at it does not", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		f.wantExpired(start.Add(-time.Second))
		f.wantExpired(start)
		f.wantExpired(start.Add(time.Nanosecond), alice)
		f.wantExpired(start.Add(time.Second), alice)
		f.wantExpired(start.AddDate(10, 0, 0), alice)
	}},
	{"a record without expiry never expires", func(f *fixture) {
		f.commit(put(alice, 0, "forever"))
		f.wantExpired(start.AddDate(100, 0, 0))
	}},
	{"an expiry is kept in whole seconds", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start.Add(999*time.Millisecond)))
		if got := f.get(alice).Expires; !got.Equal(start) {
			f.Errorf("got expiry %v, want %v", got, start)
		}
		f.wantExpired(start)
		f.wantExpired(start.Add(time.Millisecond), alice)
	}},
	{"the time zone of an expiry does not matter", func(f *fixture) {
		east := time.FixedZone("east", 5*60*60)
		f.commit(putExpiring(alice, 0, start.In(east)))
		if got := f.get(alice).Expires; !got.Equal(start) {
			f.Errorf("got expiry %v, want %v", got, start)
		}
		f.wantExpired(start.In(east))
		f.wantExpired(start.Add(time.Second).In(east), alice)
	}},
	{"kinds expire apart, also when one name begins with another", func(f *fixture) {
		ticket, other := store.Key{Kind: tickets, ID: "t"}, store.Key{Kind: tickets + "s", ID: "t"}
		f.commit(putExpiring(alice, 0, start), putExpiring(ticket, 0, start.Add(time.Minute)), putExpiring(other, 0, start))
		f.wantExpired(start.Add(time.Hour), alice)
		f.wantExpiredOf(tickets, start.Add(time.Hour), ticket)
		f.wantExpiredOf(tickets+"s", start.Add(time.Hour), other)
		f.wantExpiredOf(tickets, start.Add(time.Second))
	}},
	{"ids of odd characters expire", func(f *fixture) {
		var keys []store.Key
		for _, id := range append([]string{""}, oddIDs...) {
			key := store.Key{Kind: nonces, ID: id}
			keys = append(keys, key)
			f.commit(putExpiring(key, 0, start))
		}
		f.wantExpiredOf(nonces, start.Add(time.Second), keys...)
	}},
	{"an expiry that moved counts as moved", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		f.commit(putExpiring(alice, f.get(alice).Version, start.Add(time.Hour)))
		f.wantExpired(start.Add(time.Minute))
		f.wantExpired(start.Add(2*time.Hour), alice)
		f.commit(putExpiring(alice, f.get(alice).Version, start.Add(-time.Hour)))
		f.wantExpired(start, alice)
	}},
	{"an expiry that was kept still counts once", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		f.commit(putExpiring(alice, f.get(alice).Version, start))
		f.wantExpired(start.Add(time.Second), alice)
	}},
	{"an expiry that was taken away does not count", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		f.commit(put(alice, f.get(alice).Version, "forever"))
		f.wantExpired(start.Add(time.Hour))
		if got := f.get(alice).Expires; !got.IsZero() {
			f.Errorf("got expiry %v, want none", got)
		}
	}},
	{"a deleted record does not count", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start), putExpiring(bob, 0, start))
		f.commit(remove(f.get(alice)))
		f.wantExpired(start.Add(time.Hour), bob)
	}},
	{"a refused change moves no expiry", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		v := f.get(alice).Version
		f.refuse(store.ErrConflict, []store.Write{putExpiring(alice, v+1, start.Add(time.Hour))})
		f.wantExpired(start.Add(time.Second), alice)
	}},
	{"no more keys than the limit, and in the end all of them", testExpiredLimit},
	{"the earliest come before later ones", testExpiredEarliest},
	{"an end to come deletes nothing and moves no expiry", func(f *fixture) {
		w := putExpiring(alice, 0, start)
		w.Ends = start.AddDate(1, 0, 0)
		f.commit(w)
		if r := f.get(alice); string(r.Data) != "data" || !r.Expires.Equal(start) {
			f.Errorf("got %v, expiring at %v", string(r.Data), r.Expires)
		}
		f.wantExpired(start.Add(time.Second), alice)
	}},
}

// wantExpired checks which users expired before a time, in any order.
func (f *fixture) wantExpired(before time.Time, want ...store.Key) {
	f.Helper()
	f.wantExpiredOf(users, before, want...)
}

func (f *fixture) wantExpiredOf(kind store.Kind, before time.Time, want ...store.Key) {
	f.Helper()
	got := f.expired(kind, before, 1000)
	slices.SortFunc(got, compareKeys)
	slices.SortFunc(want, compareKeys)
	if !slices.Equal(got, want) {
		f.Errorf("expired before %v: got %v, want %v", before, got, want)
	}
}

// testExpiredLimit cleans up as the scheduled cleanup does: a few at a time until nothing is left.
func testExpiredLimit(f *fixture) {
	const all, limit = 10, 4
	for i := range all {
		key := store.Key{Kind: nonces, ID: fmt.Sprint(i)}
		f.commit(putExpiring(key, 0, start.Add(time.Duration(i)*time.Second)))
	}
	after := start.Add(time.Hour)
	if keys := f.expired(nonces, after, 0); len(keys) != 0 {
		f.Errorf("limit 0: got %v, want nothing", keys)
	}
	removed := 0
	for range all {
		keys := f.expired(nonces, after, limit)
		if want := min(limit, all-removed); len(keys) != want {
			f.Fatalf("with %d records left: got %d keys, want %d", all-removed, len(keys), want)
		}
		if len(keys) == 0 {
			return
		}
		for _, key := range keys {
			record := f.get(key)
			if record.Version == 0 {
				f.Fatalf("%v is missing or was returned twice", key)
			}
			f.commit(remove(record))
			removed++
		}
	}
	f.Errorf("cleanup did not come to an end")
}

// testExpiredEarliest: the records that expired first are returned first, whatever their ids.
func testExpiredEarliest(f *fixture) {
	const all, limit = 24, 5
	for i := range all {
		key := store.Key{Kind: nonces, ID: fmt.Sprint(i * 7 % all)}
		f.commit(putExpiring(key, 0, start.Add(time.Duration(i)*time.Second)))
	}
	for from := 0; from+limit <= all; from += limit {
		for n, key := range f.expired(nonces, start.Add(time.Hour), limit) {
			r := f.get(key)
			if i := int(r.Expires.Sub(start) / time.Second); i != from+n {
				f.Fatalf("number %d comes after the first %d", i, from+n)
			}
			f.commit(remove(r))
		}
	}
}
