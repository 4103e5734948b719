package storetest

import (
	"math"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

func increment(name string, cost, limit int64) store.Increment {
	return store.Increment{Counter: name, By: cost, Max: limit, Expires: start}
}

var incrementCases = []testCase{
	{"increments add up to the limit and not beyond", func(f *fixture) {
		f.add(increment("b", 2, 5))
		f.add(increment("b", 3, 5))
		f.exhaust("b", increment("b", 1, 5))
	}},
	{"a refused increment adds nothing", func(f *fixture) {
		f.add(increment("b", 3, 5))
		f.exhaust("b", increment("b", 3, 5))
		f.add(increment("b", 2, 5))
	}},
	{"the first increment may be refused", func(f *fixture) {
		f.exhaust("b", increment("b", 6, 5))
		f.exhaust("b", increment("b", 1, 0))
		f.add(increment("b", 5, 5))
	}},
	{"a cost near the end of its range is refused", func(f *fixture) {
		f.add(increment("b", 1, math.MaxInt64))
		f.exhaust("b", increment("b", math.MaxInt64, math.MaxInt64))
	}},
	{"each increment names its own limit", func(f *fixture) {
		f.add(increment("b", 5, 5))
		f.add(increment("b", 1, 6))
		f.exhaust("b", increment("b", 1, 6))
	}},
	{"one counter at its limit refuses all, and is named", func(f *fixture) {
		f.add(increment("full", 1, 1))
		f.exhaust("full", increment("first", 1, 2), increment("full", 1, 1), increment("last", 1, 2))
		f.add(increment("first", 2, 2), increment("last", 2, 2))
	}},
	{"periods have counters of their own", func(f *fixture) {
		f.add(increment("sms/2100-01-02T03", 5, 5))
		f.add(increment("sms/2100-01-02T04", 5, 5))
		f.exhaust("sms/2100-01-02T03", increment("sms/2100-01-02T03", 1, 5))
	}},
	{"a counter at its limit stores no write", func(f *fixture) {
		f.commit(put(bob, 0, "bob"))
		f.exhaustWith("b", []store.Write{put(alice, 0, "alice"), remove(f.get(bob))}, increment("b", 2, 1))
		f.wantData(alice, "")
		f.wantData(bob, "bob")
	}},
	{"a conflict adds nothing", func(f *fixture) {
		f.commit(put(alice, 0, "alice"))
		f.refuse(store.ErrConflict, []store.Write{put(alice, 0, "x")}, increment("b", 1, 1))
		f.add(increment("b", 1, 1))
	}},
	{"writes and increments are stored together", func(f *fixture) {
		if err := f.store.Commit(f.ctx, []store.Write{put(alice, 0, "alice")}, increment("b", 1, 1)); err != nil {
			f.Fatalf("commit: %v", err)
		}
		f.wantData(alice, "alice")
		f.exhaust("b", increment("b", 1, 1))
	}},
	{"counters and records do not share names", func(f *fixture) {
		f.add(increment("alice", 1, 1), increment("user", 1, 1))
		f.wantData(alice, "")
		f.commit(put(alice, 0, "alice"))
		f.exhaust("alice", increment("alice", 1, 1))
	}},
	{"counters of odd characters are different", func(f *fixture) {
		for _, name := range oddIDs {
			f.add(increment(name, 1, 1))
		}
		for _, name := range oddIDs {
			f.exhaust(name, increment(name, 1, 1))
		}
	}},
	{"counters are neither expired nor listed as records", func(f *fixture) {
		f.add(increment("user", 1, 1))
		if keys := f.expired("user", start.AddDate(1, 0, 0), 10); len(keys) != 0 {
			f.Errorf("got %v expired, want nothing", keys)
		}
		if records := f.list(users, 10); len(records) != 0 {
			f.Errorf("got %v listed, want nothing", records)
		}
	}},
	{"a negative cost gives back", func(f *fixture) {
		f.add(increment("b", 5, 5))
		f.add(increment("b", -2, 5))
		f.exhaust("b", increment("b", 3, 5))
		f.add(increment("b", 2, 5))
		f.add(increment("new", -3, 5))
		f.add(increment("new", 8, 5))
		f.exhaust("new", increment("new", 1, 5))
	}},
	{"sums are those of the stored increments", func(f *fixture) {
		f.wantSums([]string{"b", "c"}, 0, 0)
		f.wantSums(nil)
		f.add(increment("b", 2, 5), increment("c", -1, 5))
		f.exhaust("b", increment("b", 4, 5))
		f.wantSums([]string{"b", "unknown", "c"}, 2, 0, -1)
		f.commit(put(alice, 0, "alice"))
		f.wantSums([]string{"alice", "b", "b"}, 0, 2, 2)
		f.add(increment("b", -2, 5))
		f.wantSums([]string{"b"}, 0)
	}},
	{"a counter may go without an expiry", func(f *fixture) {
		f.add(store.Increment{Counter: "b", By: 1, Max: 2})
		f.add(increment("b", 1, 2))
		f.exhaust("b", store.Increment{Counter: "b", By: 1, Max: 2, Expires: start.Add(time.Hour)})
	}},
}

// wantSums checks the sums of counters.
func (f *fixture) wantSums(counters []string, want ...int64) {
	f.Helper()
	got, err := f.store.Sums(f.ctx, counters...)
	if err != nil {
		f.Fatalf("sums: %v", err)
	}
	if !slices.Equal(got, want) {
		f.Errorf("sums of %q: got %v, want %v", counters, got, want)
	}
}
