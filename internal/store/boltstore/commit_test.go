package boltstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/countersign-mfa/countersign/internal/store"
)

var testNow = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func testClock() time.Time { return testNow }

func testStore(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{Now: testClock, LockTimeout: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func testPath(t *testing.T) string { return filepath.Join(t.TempDir(), "store") }

func user(id string) store.Key { return store.Key{Kind: store.KindUser, ID: id} }

func put(id string, version uint64, data string) store.Write {
	return store.Write{Record: store.Record{Key: user(id), Version: version, Data: []byte(data)}}
}

func commit(s *Store, writes ...store.Write) error { return s.Commit(context.Background(), writes) }

func wantData(t *testing.T, s *Store, id, want string) {
	t.Helper()
	records, err := s.Get(t.Context(), user(id))
	if err != nil {
		t.Fatalf("get: %v", err)
	}
	if got := string(records[0].Data); got != want {
		t.Errorf("data of %s: got %q, want %q", id, got, want)
	}
}

// A gate stops the writer just before it commits a transaction to disk.
type gate struct {
	store   *Store
	entered chan struct{} // the writer has arrived
	leave   chan error    // the writer's answer; nil means commit
	passed  int
}

func newGate(s *Store) *gate {
	g := &gate{store: s, entered: make(chan struct{}), leave: make(chan error)}
	s.finish = func(tx *bolt.Tx) error {
		g.passed++
		g.entered <- struct{}{}
		if err := <-g.leave; err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	}
	return g
}

// hold starts a commit and returns when the writer has it at the gate.
func (g *gate) hold(outcomes *outcomes, writes ...store.Write) {
	outcomes.start(func() error { return commit(g.store, writes...) })
	<-g.entered
}

// queued returns when n commits wait for the writer.
func (g *gate) queued(n int) {
	for {
		g.store.queue.mu.Lock()
		waiting := len(g.store.queue.waiting)
		g.store.queue.mu.Unlock()
		if waiting == n {
			return
		}
		runtime.Gosched()
	}
}

// outcomes collects the results of concurrent calls, in the order in which the calls were started.
type outcomes struct {
	errs []*error
	done sync.WaitGroup
}

func (o *outcomes) start(fn func() error) {
	err := new(error)
	o.errs = append(o.errs, err)
	o.done.Go(func() { *err = fn() })
}

func (o *outcomes) want(t *testing.T, want ...error) {
	t.Helper()
	o.done.Wait()
	if len(o.errs) != len(want) {
		t.Fatalf("got %d outcomes, want %d", len(o.errs), len(want))
	}
	for i := range want {
		if !errors.Is(*o.errs[i], want[i]) {
			t.Errorf("outcome %d: got %v, want %v", i, *o.errs[i], want[i])
		}
	}
}

// startInOrder starts commits one after the other, behind those that already wait.
func (g *gate) startInOrder(o *outcomes, waiting int, commits ...[]store.Write) {
	for _, writes := range commits {
		o.start(func() error { return commit(g.store, writes...) })
		waiting++
		g.queued(waiting)
	}
}

func TestWaitingCommitsShareOneTransaction(t *testing.T) {
	t.Parallel()
	s := testStore(t, testPath(t))
	g, o := newGate(s), &outcomes{}
	g.hold(o, put("first", 0, "1"))
	g.startInOrder(o, 0,
		[]store.Write{put("a", 0, "a1")},
		[]store.Write{put("b", 0, "b1"), put("a", 0, "late")}, // conflicts with the one before
		[]store.Write{put("a", 1, "a2"), put("c", 0, "c1")},   // builds on the first of the batch
		[]store.Write{put("d", 7, "x")},                       // conflicts with what was stored
		[]store.Write{put("b", 0, "b2")},                      // free, because the second was refused
	)
	g.leave <- nil
	<-g.entered
	wantData(t, s, "first", "1")
	wantData(t, s, "a", "") // no reader sees a batch before it is on disk
	g.leave <- nil
	o.want(t, nil, nil, store.ErrConflict, nil, store.ErrConflict, nil)
	if g.passed != 2 {
		t.Errorf("%d transactions were written, want 2", g.passed)
	}
	for id, want := range map[string]string{"a": "a2", "b": "b2", "c": "c1", "d": ""} {
		wantData(t, s, id, want)
	}
}

func TestRefusedCommitsAreNotWritten(t *testing.T) {
	t.Parallel()
	s := testStore(t, testPath(t))
	s.finish = func(*bolt.Tx) error { return errors.New("written all the same") }
	if err := commit(s, put("a", 1, "x")); !errors.Is(err, store.ErrConflict) {
		t.Errorf("got error %v, want %v", err, store.ErrConflict)
	}
	err := s.Commit(t.Context(), nil, store.Increment{Counter: "b", By: 2, Max: 1})
	if _, ok := errors.AsType[*store.LimitReachedError](err); !ok {
		t.Errorf("got error %v, want a reached limit", err)
	}
}

func TestFailedTransaction(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		err   error
		later error // later commits
	}{
		{"a full disk passes", &testError{syscall.ENOSPC}, nil},
		{"a failed write lasts until the file is opened again", &testError{syscall.EIO}, store.ErrUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := testPath(t)
			s := testStore(t, path)
			if err := commit(s, put("old", 0, "old")); err != nil {
				t.Fatal(err)
			}
			g, o := newGate(s), &outcomes{}
			g.hold(o, put("first", 0, "1"))
			g.startInOrder(o, 0, []store.Write{put("a", 0, "x")}, []store.Write{put("a", 0, "y")})
			g.leave <- nil
			<-g.entered
			g.leave <- tt.err
			o.want(t, nil, store.ErrUnavailable, store.ErrUnavailable)
			wantData(t, s, "a", "")

			s.finish = (*bolt.Tx).Commit
			if err := commit(s, put("later", 0, "later")); !errors.Is(err, tt.later) {
				t.Errorf("a later commit: got error %v, want %v", err, tt.later)
			}
			wantData(t, s, "old", "old")
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			s = testStore(t, path)
			if err := commit(s, put("a", 0, "again")); err != nil {
				t.Errorf("after opening it again: %v", err)
			}
			wantData(t, s, "first", "1")
		})
	}
}

// testError stands for the errors of package os, which wrap those of the system.
type testError struct{ err error }

func (e *testError) Error() string { return "write: " + e.err.Error() }
func (e *testError) Unwrap() error { return e.err }

func TestPanicEndsTheUseOfTheStore(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	s := testStore(t, path)
	if err := commit(s, put("a", 0, "a")); err != nil {
		t.Fatal(err)
	}
	s.finish = func(*bolt.Tx) error { panic("page 7 already freed") }
	for i := range 2 {
		if err := commit(s, put("b", 0, "b")); !errors.Is(err, ErrDamaged) {
			t.Errorf("commit %d: got error %v, want %v", i, err, ErrDamaged)
		}
	}
	if _, err := s.Get(t.Context(), user("a")); !errors.Is(err, ErrDamaged) {
		t.Errorf("get: got error %v, want %v", err, ErrDamaged)
	}
	// The next process finds the same.
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	path = testPath(t)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	s = testStore(t, path)
	wantData(t, s, "a", "a")
	wantData(t, s, "b", "")
}

func TestCommitThatIsGivenUpInTimeIsLeftOut(t *testing.T) {
	t.Parallel()
	s := testStore(t, testPath(t))
	g, o := newGate(s), &outcomes{}
	g.hold(o, put("first", 0, "1"))
	ctx, cancel := context.WithCancel(t.Context())
	waiting := &outcomes{}
	waiting.start(func() error { return s.Commit(ctx, []store.Write{put("a", 0, "given up")}) })
	g.queued(1)
	cancel()
	waiting.want(t, context.Canceled)
	g.startInOrder(o, 1, []store.Write{put("a", 0, "next")})
	g.leave <- nil
	<-g.entered
	g.leave <- nil
	o.want(t, nil, nil)
	wantData(t, s, "a", "next")
}

func TestCommitThatIsGivenUpTooLateIsStored(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	s := testStore(t, path)
	g := newGate(s)
	ctx, cancel := context.WithCancel(t.Context())
	o := &outcomes{}
	o.start(func() error { return s.Commit(ctx, []store.Write{put("a", 0, "late")}) })
	<-g.entered
	cancel()
	o.want(t, context.Canceled)
	g.leave <- nil
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	wantData(t, testStore(t, path), "a", "late")
}

func TestOverload(t *testing.T) {
	t.Parallel()
	s := testStore(t, testPath(t))
	g, o := newGate(s), &outcomes{}
	g.hold(o, put("first", 0, "1"))
	for i := range maxWaiting {
		if err := s.queue.add(newRequest([]store.Write{put(fmt.Sprint(i), 0, "x")}, nil)); err != nil {
			t.Fatalf("request %d: %v", i, err)
		}
	}
	if err := commit(s, put("a", 0, "x")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got error %v, want %v", err, store.ErrUnavailable)
	}
	g.leave <- nil
	<-g.entered
	g.leave <- nil
	o.want(t, nil)
}

func TestCloseWaitsForCommits(t *testing.T) {
	t.Parallel()
	path := testPath(t)
	s := testStore(t, path)
	g, o := newGate(s), &outcomes{}
	g.hold(o, put("first", 0, "1"))
	g.startInOrder(o, 0, []store.Write{put("a", 0, "a")}, []store.Write{put("b", 0, "b")})
	closing := &outcomes{}
	closing.start(s.Close)
	for closed := false; !closed; runtime.Gosched() {
		s.queue.mu.Lock()
		closed = s.queue.closed
		s.queue.mu.Unlock()
	}
	if err := commit(s, put("c", 0, "c")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("commit while closing: got error %v, want %v", err, store.ErrUnavailable)
	}
	g.leave <- nil
	<-g.entered
	g.leave <- nil
	o.want(t, nil, nil, nil)
	closing.want(t, nil)
	s = testStore(t, path)
	for _, id := range []string{"a", "b"} {
		wantData(t, s, id, id)
	}
}

// counters returns the number of counters and of entries in their index.
func counters(t *testing.T, s *Store) (sums, due int) {
	t.Helper()
	err := s.view(t.Context(), func(tx *bolt.Tx) error {
		sums = tx.Bucket(bucketCounters).Stats().KeyN
		due = tx.Bucket(bucketCountersDue).Stats().KeyN
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return sums, due
}

func TestOutdatedCountersAreRemoved(t *testing.T) {
	t.Parallel()
	path, now := testPath(t), testNow
	opts := Options{Now: func() time.Time { return now }}
	s, err := Open(path, opts)
	if err != nil {
		t.Fatal(err)
	}
	add := func(counter string, expires time.Time) {
		t.Helper()
		err := s.Commit(t.Context(), nil, store.Increment{Counter: counter, By: 1, Max: 9, Expires: expires})
		if err != nil {
			t.Fatal(err)
		}
	}
	want := func(wantSums, wantDue int) {
		t.Helper()
		if sums, due := counters(t, s); sums != wantSums || due != wantDue {
			t.Errorf("got %d counters and %d expiries, want %d and %d", sums, due, wantSums, wantDue)
		}
	}
	hour := now.Add(time.Hour)
	for i := range 30 {
		add(fmt.Sprint("hour/", i), hour)
	}
	add("day", hour)
	add("day", now.Add(24*time.Hour)) // the later expiry counts
	add("day", hour)
	add("ever", hour)
	add("ever", time.Time{}) // never is later than any
	add("ever", hour)
	want(32, 31)

	now = hour.Add(time.Second)
	add("new", now.Add(time.Hour))
	want(33-2-sweepExtra, 32-2-sweepExtra)

	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(path, opts); err != nil {
		t.Fatal(err)
	}
	want(3, 2)
	add("day", hour)
	add("ever", hour)
	want(3, 2)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
