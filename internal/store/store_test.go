package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/storetest"
)

func TestConformance(t *testing.T) {
	for name, open := range map[string]storetest.Open{
		"memory": func(*testing.T) store.Store { return store.NewMemory() },
		"memory that counts and could fail": func(*testing.T) store.Store {
			return store.NewCounting(store.NewFaulty(store.NewMemory()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Test(t, open)
		})
	}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	storetest.TestJournal(t, store.NewMemory(), func(_ *testing.T, s storetest.JournalStore) storetest.JournalStore { return s })
}

var (
	key   = store.Key{Kind: store.KindUser, ID: "alice"}
	other = store.Key{Kind: store.KindUser, ID: "bob"}

	anyTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func create(s store.Store, key store.Key) error {
	return s.Commit(context.Background(), []store.Write{{Record: store.Record{Key: key, Data: []byte("data")}}})
}

func exists(t *testing.T, s store.Store, key store.Key) bool {
	t.Helper()
	records, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	return records[0].Version != 0
}

func TestFaultyCommit(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults []store.Fault
		want   []error // creations of the same record, one after the other
		stored []bool  // after each
	}{
		{"no fault", nil, []error{nil, store.ErrConflict}, []bool{true, true}},
		{"the first fails", []store.Fault{store.FailCommit(1)},
			[]error{store.ErrUnavailable, nil}, []bool{false, true}},
		{"the first two fail", []store.Fault{store.FailCommit(1), store.FailCommit(2)},
			[]error{store.ErrUnavailable, store.ErrUnavailable, nil}, []bool{false, false, true}},
		{"the answer of the first is lost", []store.Fault{store.LoseCommit(1)},
			[]error{store.ErrUnavailable, store.ErrConflict}, []bool{true, true}},
		{"a lost answer does not hide a conflict", []store.Fault{store.LoseCommit(2)},
			[]error{nil, store.ErrConflict}, []bool{true, true}},
		{"the first conflicts without a reason", []store.Fault{store.ConflictCommit(1)},
			[]error{store.ErrConflict, nil}, []bool{false, true}},
		{"faults in any order", []store.Fault{store.ConflictCommit(2), store.FailCommit(1)},
			[]error{store.ErrUnavailable, store.ErrConflict, nil}, []bool{false, false, true}},
		{"two faults on one call are one failure", []store.Fault{store.ConflictCommit(1), store.FailCommit(1)},
			[]error{store.ErrConflict, nil}, []bool{false, true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			memory := store.NewMemory()
			s := store.NewFaulty(memory)
			s.Inject(tt.faults...)
			for i, want := range tt.want {
				if err := create(s, key); !errors.Is(err, want) {
					t.Errorf("commit %d: got error %v, want %v", i+1, err, want)
				}
				if got := exists(t, memory, key); got != tt.stored[i] {
					t.Errorf("after commit %d: stored is %t, want %t", i+1, got, tt.stored[i])
				}
			}
			if n := s.Pending(); n != 0 {
				t.Errorf("%d faults did not happen", n)
			}
		})
	}
}

func TestFaultyGet(t *testing.T) {
	t.Parallel()
	s := store.NewFaulty(store.NewMemory())
	s.Inject(store.FailGet(2))
	if err := create(s, key); err != nil {
		t.Errorf("a fault of Get hit Commit: %v", err)
	}
	for i, want := range []error{nil, store.ErrUnavailable, nil} {
		if _, err := s.Get(t.Context(), key); !errors.Is(err, want) {
			t.Errorf("get %d: got error %v, want %v", i+1, err, want)
		}
	}
}

func TestFaultsAreCountedFromTheirInjection(t *testing.T) {
	t.Parallel()
	s := store.NewFaulty(store.NewMemory())
	s.Inject(store.FailCommit(3))
	if err := create(s, key); err != nil {
		t.Fatalf("commit 1: %v", err)
	}
	s.Inject(store.ConflictCommit(1))
	for i, want := range []error{store.ErrConflict, store.ErrUnavailable, nil} {
		if err := create(s, other); !errors.Is(err, want) {
			t.Errorf("commit %d: got error %v, want %v", i+2, err, want)
		}
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	memory := store.NewMemory()
	s := store.NewFaulty(memory)
	s.Inject(store.ConflictCommit(1))
	s.Throttle()
	_, getErr := s.Get(t.Context(), key)
	_, expiredErr := s.Expired(t.Context(), store.KindUser, anyTime, 1)
	_, _, listErr := s.List(t.Context(), store.KindUser, "", 1)
	_, entriesErr := s.Entries(t.Context(), store.Range{List: "l", Limit: 1})
	for i, err := range []error{create(s, key), getErr, expiredErr, listErr, entriesErr} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("call %d: got error %v, want %v", i, err, store.ErrUnavailable)
		}
	}
	if exists(t, memory, key) {
		t.Error("a throttled commit was applied")
	}
	s.Recover()
	if err := create(s, key); !errors.Is(err, store.ErrConflict) {
		t.Errorf("a throttled call used up an injected fault: got error %v", err)
	}
	if err := create(s, key); err != nil {
		t.Errorf("after throttling: %v", err)
	}
}

func TestCounting(t *testing.T) {
	t.Parallel()
	s := store.NewCounting(store.NewMemory())
	ctx := t.Context()
	if err := create(s, key); err != nil {
		t.Fatal(err)
	}
	if err := create(s, key); !errors.Is(err, store.ErrConflict) {
		t.Fatalf("got error %v, want %v", err, store.ErrConflict)
	}
	if err := s.Commit(ctx, nil, store.Increment{Counter: "a", Max: 1}, store.Increment{Counter: "b", Max: 1}); err != nil {
		t.Fatal(err)
	}
	entered := store.Write{Record: store.Record{Key: other}, Add: []store.Entry{{List: "l", Rank: "1"}, {List: "l", Rank: "2"}}, Remove: []store.Entry{{List: "l"}}}
	if err := s.Commit(ctx, []store.Write{entered}); err != nil {
		t.Fatal(err)
	}
	for _, call := range []func() error{
		func() error { _, err := s.Get(ctx, key, other); return err },
		func() error { _, err := s.Get(ctx, other); return err },
		func() error { _, _, err := s.List(ctx, store.KindUser, "", 5); return err },
		func() error { _, err := s.Expired(ctx, store.KindUser, anyTime, 5); return err },
		func() error { _, err := s.Entries(ctx, store.Range{List: "l", Limit: 5}); return err },
	} {
		if err := call(); err != nil {
			t.Fatal(err)
		}
	}
	want := store.Counts{
		Gets: 2, KeysRead: 3, BytesRead: 8, Commits: 4, Writes: 3, Increments: 2, BytesWritten: 8, Scans: 2,
		Listings: 1, Entries: 2, Moves: 3,
	}
	if diff := cmp.Diff(want, s.Counts()); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, s.Reset()); diff != "" {
		t.Errorf("counts at reset (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(store.Counts{}, s.Counts()); diff != "" {
		t.Errorf("counts after reset (-want +got):\n%s", diff)
	}
}

func TestWrappersAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	const callers, calls = 8, 50
	faulty := store.NewFaulty(store.NewMemory())
	s := store.NewCounting(faulty)
	faulty.Inject(store.FailGet(1))
	faulty.Inject(store.FailGet(callers * calls))
	var done sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range callers {
		done.Go(func() {
			for range calls {
				if _, err := s.Get(context.Background(), key); err != nil {
					mu.Lock()
					failed++
					mu.Unlock()
				}
			}
		})
	}
	done.Wait()
	if failed != 2 {
		t.Errorf("%d calls failed, want 2", failed)
	}
	if got := s.Counts().Gets; got != callers*calls {
		t.Errorf("counted %d calls, want %d", got, callers*calls)
	}
}

// TestForget: a memory store deletes what a table may delete, and nothing else.
func TestForget(t *testing.T) {
	m, now := store.NewMemory(), time.Date(2100, 1, 2, 3, 4, 5, 0, time.UTC)
	put := func(id string, expires, ends time.Time) store.Key {
		k := store.Key{Kind: store.KindTicket, ID: id}
		if err := m.Commit(t.Context(), []store.Write{{Record: store.Record{Key: k, Expires: expires, Ends: ends}}}); err != nil {
			t.Fatal(err)
		}
		return k
	}
	dead := put("dead", now.Add(-time.Hour), now)
	put("expired", now.Add(-time.Hour), time.Time{})
	put("expired, ends later", now.Add(-time.Hour), now.Add(time.Second))
	put("forever", time.Time{}, time.Time{})
	if gone := m.Forget(now); len(gone) != 1 || gone[0] != dead || exists(t, m, dead) {
		t.Errorf("forgot %v", gone)
	}
	left, _, err := m.List(t.Context(), store.KindTicket, "", 10)
	if err != nil || len(left) != 3 {
		t.Errorf("%d are left, %v", len(left), err)
	}
}
