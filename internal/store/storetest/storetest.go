// Package storetest is the conformance suite of [store.Store]: tests that every implementation
// runs. An implementation calls [Test], and [TestReopen] if its data outlives it.
//
// Each test opens its own store. All times lie in the year 2100, so that no implementation forgets
// a record by itself. The suite expects Expired, Latest and List to see all earlier commits.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Open returns an empty store and closes it when the test ends.
type Open func(t *testing.T) store.Store

// Test runs the conformance suite.
func Test(t *testing.T, open Open) {
	for _, group := range []struct {
		name  string
		cases []testCase
	}{
		{"records", recordCases},
		{"malformed commits", malformedCases},
		{"increments", incrementCases},
		{"reservations", reserveCases},
		{"expired", expiredCases},
		{"latest", latestCases},
		{"list", listCases},
		{"entries", entryCases},
		{"races", raceCases},
		{"contexts", contextCases},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) { c.run(newFixture(t, open(t))) })
			}
		})
	}
	t.Run("model", func(t *testing.T) { testModel(t, open(t)) })
}

// TestReopen checks that records, versions, expiries, entries and counters outlive the store.
// reopen closes the given store and opens its data again.
func TestReopen(t *testing.T, open Open, reopen func(t *testing.T, s store.Store) store.Store) {
	f := newFixture(t, open(t))
	gone := store.Key{Kind: tickets, ID: "gone"}
	f.commit(put(alice, 0, "first"), put(bob, 0, "other"), put(gone, 0, "short-lived"))
	first := f.get(alice)
	f.commit(store.Write{Record: store.Record{
		Key: alice, Version: first.Version, Data: []byte("second"), Expires: start,
	}})
	f.commit(remove(f.get(gone)))
	f.add(store.Increment{Counter: "hour", By: 2, Max: 3, Expires: start})
	f.enter(bob, entry("1"), entry("2"))
	f.leave(bob, entry("1"))
	want := f.records(alice, bob, gone)

	f = newFixture(t, reopen(t, f.store))
	if diff := cmp.Diff(want, f.records(alice, bob, gone)); diff != "" {
		t.Errorf("records after reopening (-want +got):\n%s", diff)
	}
	f.refuse(store.ErrConflict, []store.Write{put(alice, first.Version, "late")})
	if got := f.expired(users, start.Add(time.Second), 10); !slices.Equal(got, []store.Key{alice}) {
		t.Errorf("expired after reopening: got %v, want %v", got, alice)
	}
	f.wantEntries(store.Range{List: "l"}, "2 bob")
	f.exhaust("hour", store.Increment{Counter: "hour", By: 2, Max: 3, Expires: start})
	f.add(store.Increment{Counter: "hour", By: 1, Max: 3, Expires: start})
}

// Kinds of records, as in the domain. The suite does not depend on which exist.
const (
	users     store.Kind = "user"
	clients   store.Kind = "client"
	tickets   store.Kind = "ticket"
	claims    store.Kind = "claim"
	nonces    store.Kind = "nonce"
	addresses store.Kind = "address"
)

type testCase struct {
	name string
	run  func(f *fixture)
}

var (
	start = time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
	alice = store.Key{Kind: users, ID: "alice"}
	bob   = store.Key{Kind: users, ID: "bob"}
)

// A fixture is a store under test, with calls that must succeed or fail in one way.
type fixture struct {
	*testing.T
	store store.Store
	ctx   context.Context
}

func newFixture(t *testing.T, s store.Store) *fixture {
	return &fixture{T: t, store: s, ctx: t.Context()}
}

func put(key store.Key, version uint64, data string) store.Write {
	return store.Write{Record: store.Record{Key: key, Version: version, Data: []byte(data)}}
}

func putExpiring(key store.Key, version uint64, expires time.Time) store.Write {
	return store.Write{Record: store.Record{Key: key, Version: version, Data: []byte("data"), Expires: expires}}
}

func remove(r store.Record) store.Write {
	return store.Write{Record: store.Record{Key: r.Key, Version: r.Version}, Delete: true}
}

// records reads keys, which must return a record for each, in order.
func (f *fixture) records(keys ...store.Key) []store.Record {
	f.Helper()
	records, err := f.store.Get(f.ctx, keys...)
	if err != nil {
		f.Fatalf("get: %v", err)
	}
	if len(records) != len(keys) {
		f.Fatalf("get: got %d records for %d keys", len(records), len(keys))
	}
	for i, r := range records {
		if r.Key != keys[i] {
			f.Fatalf("get: record %d is %v, want %v", i, r.Key, keys[i])
		}
	}
	return records
}

// get reads one record.
func (f *fixture) get(key store.Key) store.Record {
	f.Helper()
	return f.records(key)[0]
}

func (f *fixture) commit(writes ...store.Write) {
	f.Helper()
	if err := f.store.Commit(f.ctx, writes); err != nil {
		f.Fatalf("commit: %v", err)
	}
}

func (f *fixture) add(increments ...store.Increment) {
	f.Helper()
	if err := f.store.Commit(f.ctx, nil, increments...); err != nil {
		f.Fatalf("add: %v", err)
	}
}

// refuse commits writes that must fail with want.
func (f *fixture) refuse(want error, writes []store.Write, increments ...store.Increment) {
	f.Helper()
	if err := f.store.Commit(f.ctx, writes, increments...); !errors.Is(err, want) {
		f.Fatalf("commit: got error %v, want %v", err, want)
	}
}

// exhaust adds increments that must fail because of counter.
func (f *fixture) exhaust(counter string, increments ...store.Increment) {
	f.Helper()
	f.exhaustWith(counter, nil, increments...)
}

func (f *fixture) exhaustWith(counter string, writes []store.Write, increments ...store.Increment) {
	f.Helper()
	err := f.store.Commit(f.ctx, writes, increments...)
	exhausted, ok := errors.AsType[*store.LimitReachedError](err)
	if !ok {
		f.Fatalf("increment: got error %v, want one of type %T", err, exhausted)
	}
	if exhausted.Counter != counter {
		f.Fatalf("increment: counter %q is named, want %q", exhausted.Counter, counter)
	}
}

func (f *fixture) expired(kind store.Kind, before time.Time, limit int) []store.Key {
	f.Helper()
	keys, err := f.store.Expired(f.ctx, kind, before, limit)
	if err != nil {
		f.Fatalf("expired: %v", err)
	}
	return keys
}

func (f *fixture) latest(kind store.Kind, before time.Time, limit int) []store.Record {
	f.Helper()
	records, err := f.store.Latest(f.ctx, kind, before, limit)
	if err != nil {
		f.Fatalf("latest: %v", err)
	}
	return records
}

// list reads a whole kind, a page of up to limit records at a time, and sorts it by id.
func (f *fixture) list(kind store.Kind, limit int) []store.Record {
	f.Helper()
	all, err := listAll(f.ctx, f.store, kind, limit)
	if err != nil {
		f.Fatalf("list: %v", err)
	}
	return all
}

func listAll(ctx context.Context, s store.Store, kind store.Kind, limit int) (all []store.Record, err error) {
	for after := store.Position(""); ; {
		records, next, err := s.List(ctx, kind, after, limit)
		if err != nil {
			return nil, err
		}
		if len(records) > limit {
			return nil, fmt.Errorf("a page has %d records, more than %d", len(records), limit)
		}
		all = append(all, records...)
		if after = next; after == "" {
			slices.SortFunc(all, func(a, b store.Record) int { return strings.Compare(a.Key.ID, b.Key.ID) })
			return all, nil
		}
	}
}

// wantData checks the data of a record; "" means that the record does not exist.
func (f *fixture) wantData(key store.Key, want string) {
	f.Helper()
	record := f.get(key)
	if got := string(record.Data); got != want {
		f.Errorf("data of %v: got %q, want %q", key, got, want)
	}
	if exists := record.Version != 0; exists != (want != "") {
		f.Errorf("version of %v: got %d with data %q", key, record.Version, want)
	}
}
