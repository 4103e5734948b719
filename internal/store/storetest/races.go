package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/countersign-mfa/countersign/internal/store"
)

// racers is the number of callers in a race.
const racers = 50

var raceCases = []testCase{
	{"one of many creations wins", func(f *fixture) {
		f.race(0, func(i int) []store.Write { return []store.Write{put(alice, 0, fmt.Sprint(i))} })
	}},
	{"one of many replacements of a version wins", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		v := f.get(alice).Version
		f.race(v, func(i int) []store.Write { return []store.Write{put(alice, v, fmt.Sprint(i))} })
	}},
	{"a commit of several records wins as a whole", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		v := f.get(alice).Version
		winner := f.race(v, func(i int) []store.Write {
			return []store.Write{put(bob, 0, fmt.Sprint(i)), put(alice, v, fmt.Sprint(i))}
		})
		f.wantData(bob, fmt.Sprint(winner))
	}},
	{"one of many deletions wins", func(f *fixture) {
		f.commit(put(alice, 0, "first"))
		r := f.get(alice)
		outcomes := f.together(func(int) error { return f.store.Commit(f.ctx, []store.Write{remove(r)}) })
		f.wantOutcomes(outcomes, 1, func(err error) bool { return errors.Is(err, store.ErrConflict) })
		f.wantData(alice, "")
	}},
	{"increments do not exceed the limit", func(f *fixture) {
		outcomes := f.together(func(int) error {
			for {
				if err := f.store.Commit(f.ctx, nil, increment("b", 1, 10)); !errors.Is(err, store.ErrConflict) {
					return err
				}
			}
		})
		f.wantOutcomes(outcomes, 10, func(err error) bool {
			exhausted, ok := errors.AsType[*store.LimitReachedError](err)
			return ok && exhausted.Counter == "b"
		})
		f.exhaust("b", increment("b", 1, 10))
	}},
	{"no update is lost when losers try again", testNoLostUpdate},
}

// race commits a write of each racer on alice at the given version. Exactly one must win, and its
// data must be stored.
func (f *fixture) race(version uint64, writes func(i int) []store.Write) (winner int) {
	f.Helper()
	outcomes := f.together(func(i int) error { return f.store.Commit(f.ctx, writes(i)) })
	f.wantOutcomes(outcomes, 1, func(err error) bool { return errors.Is(err, store.ErrConflict) })
	for i, err := range outcomes {
		if err == nil {
			winner = i
		}
	}
	f.wantData(alice, fmt.Sprint(winner))
	if got := f.get(alice).Version; version != 0 && got != version+1 {
		f.Errorf("got version %d after one change of %d", got, version)
	}
	return winner
}

// together calls fn from many goroutines that start at once and returns their results.
func (f *fixture) together(fn func(i int) error) []error {
	var (
		outcomes = make([]error, racers)
		ready    = make(chan struct{})
		done     sync.WaitGroup
	)
	for i := range racers {
		done.Go(func() {
			<-ready
			outcomes[i] = fn(i)
		})
	}
	close(ready)
	done.Wait()
	return outcomes
}

func (f *fixture) wantOutcomes(outcomes []error, successes int, loses func(error) bool) {
	f.Helper()
	got := 0
	for _, err := range outcomes {
		switch {
		case err == nil:
			got++
		case !loses(err):
			f.Errorf("a loser got the error %v", err)
		}
	}
	if got != successes {
		f.Fatalf("%d of %d succeeded, want %d", got, len(outcomes), successes)
	}
}

func testNoLostUpdate(f *fixture) {
	f.commit(put(alice, 0, ""))
	outcomes := f.together(func(int) error {
		for {
			records, err := f.store.Get(f.ctx, alice)
			if err != nil {
				return err
			}
			r := records[0]
			r.Data = append(r.Data, '.')
			err = f.store.Commit(f.ctx, []store.Write{{Record: r}})
			if !errors.Is(err, store.ErrConflict) && !errors.Is(err, store.ErrUnavailable) {
				return err
			}
		}
	})
	f.wantOutcomes(outcomes, racers, func(error) bool { return false })
	if got := len(f.get(alice).Data); got != racers {
		f.Errorf("%d of %d updates are stored", got, racers)
	}
}

var contextCases = []testCase{
	{"an ended context is an error of every method", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		_, getErr := f.store.Get(ctx, alice)
		_, expiredErr := f.store.Expired(ctx, users, start, 1)
		_, _, listErr := f.store.List(ctx, users, "", 1)
		_, entriesErr := f.store.Entries(ctx, store.Range{List: "l", Limit: 1})
		commitErr := f.store.Commit(ctx, []store.Write{put(alice, 0, "alice")})
		for name, err := range map[string]error{
			"Get": getErr, "Expired": expiredErr, "List": listErr, "Entries": entriesErr, "Commit": commitErr,
		} {
			if !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable) {
				f.Errorf("%s: got error %v, want that of the context", name, err)
			}
		}
	}},
	{"a commit that is cancelled underway is stored as a whole or not at all", testCancelledCommit},
}

func testCancelledCommit(f *fixture) {
	pair := func(i int) (left, right store.Key) {
		return store.Key{Kind: users, ID: fmt.Sprint(i)}, store.Key{Kind: clients, ID: fmt.Sprint(i)}
	}
	outcomes := f.together(func(i int) error {
		ctx, cancel := context.WithCancel(f.ctx)
		defer cancel()
		left, right := pair(i)
		data := []byte("data")
		var cancelled sync.WaitGroup
		cancelled.Go(cancel)
		err := f.store.Commit(ctx, []store.Write{
			{Record: store.Record{Key: left, Data: data}}, {Record: store.Record{Key: right, Data: data}},
		})
		copy(data, "gone") // the caller may reuse the data, whatever the outcome
		cancelled.Wait()
		return err
	})
	// A later commit of the same caller is behind those that were given up.
	f.commit(put(store.Key{Kind: users, ID: "last"}, 0, "data"))
	for i, err := range outcomes {
		left, right := pair(i)
		records := f.records(left, right)
		stored := records[0].Version != 0
		if stored != (records[1].Version != 0) {
			f.Errorf("half of commit %d is stored", i)
		}
		if err == nil && !stored {
			f.Errorf("commit %d succeeded and is not stored", i)
		}
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable) {
			f.Errorf("commit %d: got error %v", i, err)
		}
		for _, r := range records {
			if stored && string(r.Data) != "data" {
				f.Errorf("commit %d stored %q, which was written after it returned", i, r.Data)
			}
		}
	}
}
