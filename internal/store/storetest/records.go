package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

var recordCases = []testCase{
	{"a missing record has version 0 and no data", func(f *fixture) {
		r := f.get(alice)
		if r.Version != 0 || len(r.Data) != 0 || !r.Expires.IsZero() {
			f.Errorf("got %+v, want nothing but the key", r)
		}
	}},
	{"a created record can be read", func(f *fixture) {
		f.commit(put(alice, 0, "hello"))
		f.wantData(alice, "hello")
	}},
	{"a created record with an expiry can be read", func(f *fixture) {
		f.commit(putExpiring(alice, 0, start))
		if got := f.get(alice).Expires; !got.Equal(start) {
			f.Errorf("got expiry %v, want %v", got, start)
		}
	}},
	{"data may be empty", func(f *fixture) {
		f.commit(put(alice, 0, ""))
		if r := f.get(alice); r.Version == 0 || len(r.Data) != 0 {
			f.Errorf("got %+v, want an empty record", r)
		}
	}},
	{"data may be any bytes and long", func(f *fixture) {
		data := make([]byte, store.MaxDataLength)
		for i := range data {
			data[i] = byte(i ^ i>>8)
		}
		f.commit(store.Write{Record: store.Record{Key: alice, Data: data}})
		if !bytes.Equal(f.get(alice).Data, data) {
			f.Error("long data came back changed")
		}
	}},
	{"creating a record that exists conflicts", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		f.refuse(store.ErrConflict, []store.Write{put(alice, 0, "second")})
		f.wantData(alice, "first")
	}},
	{"replacing moves to the next version", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		v := f.get(alice).Version
		f.commit(put(alice, v, "second"))
		f.wantData(alice, "second")
		if got := f.get(alice).Version; got != v+1 {
			f.Errorf("got version %d after %d", got, v)
		}
	}},
	{"replacing at an older, a later or any version of a missing record conflicts", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		v := f.get(alice).Version
		f.commit(put(alice, v, "second"))
		f.refuse(store.ErrConflict, []store.Write{put(alice, v, "late")})
		f.refuse(store.ErrConflict, []store.Write{put(alice, v+2, "early")})
		f.refuse(store.ErrConflict, []store.Write{put(bob, 1, "lost")})
		f.wantData(alice, "second")
		f.wantData(bob, "")
	}},
	{"deleting removes the record at its version only", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		old := f.get(alice)
		f.commit(put(alice, old.Version, "second"))
		f.refuse(store.ErrConflict, []store.Write{remove(old)})
		f.wantData(alice, "second")
		f.commit(remove(f.get(alice)))
		f.wantData(alice, "")
	}},
	{"deleting a missing record at version 0 changes nothing", func(f *fixture) {
		f.commit(remove(store.Record{Key: alice}))
		f.wantData(alice, "")
		f.commit(put(alice, 0, "first"))
		f.refuse(store.ErrConflict, []store.Write{remove(store.Record{Key: alice})})
		f.wantData(alice, "first")
	}},
	{"a version does not come back after deleting and creating again", func(f *fixture) {
		seen := make(map[uint64]bool)
		for range 3 {
			f.commit(put(alice, 0, "created"))
			created := f.get(alice)
			f.commit(put(alice, created.Version, "replaced"))
			replaced := f.get(alice)
			if seen[created.Version] || seen[replaced.Version] {
				f.Fatalf("version %d or %d occurred before", created.Version, replaced.Version)
			}
			seen[created.Version], seen[replaced.Version] = true, true
			f.commit(remove(replaced))
			for v := range seen {
				f.refuse(store.ErrConflict, []store.Write{put(alice, v, "late")})
			}
		}
	}},
	{"a conflict stores nothing of its commit, wherever it stands", func(f *fixture) {
		carol := store.Key{Kind: users, ID: "carol"}
		f.commit(put(alice, 0, "alice"), put(bob, 0, "bob"))
		conflict, good, deleted := put(alice, 0, "x"), put(carol, 0, "x"), remove(f.get(bob))
		f.refuse(store.ErrConflict, []store.Write{conflict, good, deleted})
		f.refuse(store.ErrConflict, []store.Write{good, conflict, deleted})
		f.refuse(store.ErrConflict, []store.Write{good, deleted, conflict})
		f.wantData(alice, "alice")
		f.wantData(bob, "bob")
		f.wantData(carol, "")
	}},
	{"one commit creates, replaces and deletes across kinds", func(f *fixture) {
		ticket := store.Key{Kind: tickets, ID: "t"}
		f.commit(put(alice, 0, "alice"), put(ticket, 0, "ticket"))
		f.commit(put(bob, 0, "bob"), put(alice, f.get(alice).Version, "changed"), remove(f.get(ticket)))
		f.wantData(alice, "changed")
		f.wantData(bob, "bob")
		f.wantData(ticket, "")
	}},
	{"records come in the order of the keys", func(f *fixture) {
		f.commit(put(bob, 0, "bob"), put(alice, 0, "alice"))
		missing := store.Key{Kind: clients, ID: "missing"}
		for _, keys := range [][]store.Key{{alice, missing, bob}, {bob, missing, alice}, {missing, bob}} {
			for _, r := range f.records(keys...) {
				if r.Key != missing && string(r.Data) != r.Key.ID {
					f.Errorf("record %v has the data %q", r.Key, r.Data)
				}
			}
		}
	}},
	{"no keys give no records", func(f *fixture) { f.records() }},
	{"an empty commit succeeds", func(f *fixture) { f.commit() }},
	{"the caller may change data that it read or wrote", testNoAliasing},
	{"as many records as a commit can hold", func(f *fixture) {
		var keys []store.Key
		var writes []store.Write
		for i := range store.MaxParts {
			key := store.Key{Kind: nonces, ID: fmt.Sprint("nonce-", i)}
			keys, writes = append(keys, key), append(writes, put(key, 0, key.ID))
		}
		f.commit(writes...)
		for _, r := range f.records(keys...) {
			if string(r.Data) != r.Key.ID {
				f.Errorf("record %v has the data %q", r.Key, r.Data)
			}
		}
	}},
	{"keys of equal concatenation are different records", func(f *fixture) {
		left, right := store.Key{Kind: "ab", ID: "c"}, store.Key{Kind: "a", ID: "bc"}
		f.commit(put(left, 0, "left"))
		f.wantData(right, "")
		f.commit(put(right, 0, "right"))
		f.wantData(left, "left")
		f.commit(remove(f.get(left)))
		f.wantData(right, "right")
	}},
	{"ids may be empty, long and of odd characters", func(f *fixture) {
		ids := append([]string{"", strings.Repeat("x", 900)}, oddIDs...)
		for _, id := range ids {
			f.commit(put(store.Key{Kind: claims, ID: id}, 0, "<"+id+">"))
		}
		for _, id := range ids {
			f.wantData(store.Key{Kind: claims, ID: id}, "<"+id+">")
		}
	}},
}

func testNoAliasing(f *fixture) {
	data := []byte("original")
	writes := []store.Write{{Record: store.Record{Key: alice, Data: data}}}
	f.commit(writes...)
	copy(data, "xxxxxxxx")
	f.wantData(alice, "original")

	read := f.get(alice)
	copy(read.Data, "yyyyyyyy")
	_ = append(read.Data, "zzz"...)
	f.wantData(alice, "original")

	listed := f.list(users, 1)
	if len(listed) != 1 {
		f.Fatalf("list: got %d records, want 1", len(listed))
	}
	copy(listed[0].Data, "wwwwwwww")
	f.wantData(alice, "original")
}

var malformedCases = []testCase{
	{"a key that occurs twice", func(f *fixture) {
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(bob, 0, "two"), put(alice, 0, "three")})
	}},
	{"a counter that occurs twice", func(f *fixture) {
		inc := store.Increment{Counter: "b", By: 1, Max: 5, Expires: start}
		f.refuseMalformed([]store.Write{put(alice, 0, "one")}, inc, inc)
		inc.By = 5
		f.add(inc)
	}},
	{"a kind without a name", func(f *fixture) {
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(store.Key{ID: "x"}, 0, "two")})
	}},
	{"a kind with a NUL byte", func(f *fixture) {
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(store.Key{Kind: "a\x00b"}, 0, "two")})
	}},
	{"a counter without a name", func(f *fixture) {
		f.refuseMalformed([]store.Write{put(alice, 0, "one")}, store.Increment{By: 1, Max: 5})
	}},
	{"a name that is too long", func(f *fixture) {
		long := strings.Repeat("x", store.MaxNameLength+1)
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(store.Key{Kind: "user", ID: long}, 0, "two")})
		f.refuseMalformed([]store.Write{put(alice, 0, "one")}, store.Increment{Counter: long, Max: 5})
	}},
	{"a name that is too long when it is encoded", func(f *fixture) {
		long := strings.Repeat("\xff", store.MaxEncodedLength/len("%FF"))
		for _, kind := range []store.Kind{users, "\xff"} {
			f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(store.Key{Kind: kind, ID: long}, 0, "two")})
		}
		f.refuseMalformed([]store.Write{put(alice, 0, "one")}, store.Increment{Counter: long + "\xff", Max: 5})
		entered := put(alice, 0, "one")
		entered.Add = []store.Entry{{List: long + "\xff", Rank: "1"}}
		f.refuseMalformed([]store.Write{entered})
		longest := store.Key{Kind: users, ID: long[len(users)/len("%FF")+1:]}
		f.commit(put(longest, 0, "three"))
		f.wantData(longest, "three")
		f.add(store.Increment{Counter: long, By: 1, Max: 5, Expires: start})
		f.wantSums([]string{long}, 1)
		list := store.Entry{List: long, Rank: "1"}
		f.enter(bob, list)
		f.wantEntries(store.Range{List: long}, "1 bob")
	}},
	{"data that is too long", func(f *fixture) {
		data := strings.Repeat("x", store.MaxDataLength+1)
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), put(bob, 0, data)})
	}},
	{"an end before anything expires", func(f *fixture) {
		early, none := putExpiring(bob, 0, start), put(bob, 0, "data")
		early.Ends, none.Ends = start.Add(-time.Second), start
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), early})
		f.refuseMalformed([]store.Write{put(alice, 0, "one"), none})
	}},
	{"too much data together", func(f *fixture) {
		writes := []store.Write{put(alice, 0, "one")}
		for i := range store.MaxTotalLength/store.MaxDataLength + 1 {
			writes = append(writes, put(store.Key{Kind: nonces, ID: fmt.Sprint(i)}, 0, strings.Repeat("x", store.MaxDataLength)))
		}
		f.refuseMalformed(writes)
	}},
	{"too many parts", func(f *fixture) {
		writes := []store.Write{put(alice, 0, "one")}
		for i := range store.MaxParts - 1 {
			writes = append(writes, put(store.Key{Kind: nonces, ID: fmt.Sprint(i)}, 0, "x"))
		}
		f.refuseMalformed(writes, store.Increment{Counter: "b", By: 1, Max: 5})
	}},
}

// refuseMalformed commits writes that no store can apply. They contain one for alice.
func (f *fixture) refuseMalformed(writes []store.Write, increments ...store.Increment) {
	f.Helper()
	f.refuse(store.ErrMalformed, writes, increments...)
	err := f.store.Commit(f.ctx, writes, increments...)
	if errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrUnavailable) {
		f.Errorf("got error %v, which says that trying again may help", err)
	}
	f.wantData(alice, "")
}
