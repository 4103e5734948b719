package lincheck

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

var (
	oneSeed = flag.Uint64("seed", 0, "run only the history with this seed, of every scenario that the test's name selects")
	soak    = flag.Duration("soak", 0, "go on with fresh seeds for so long, for each scenario")
)

// faulty is how many of a thousand calls of the store fail, in every second history.
const faulty = 50

// patience limits the time of one check. Histories are bounded so that none comes near it; an
// undecided history is a failure.
const patience = 20 * time.Second

// Check runs histories of every scenario over stores that open returns, with the seeds from 1 on.
// Every second history has faults. With [Concurrent] clients, all histories of a scenario share one
// store.
func Check(t *testing.T, open func(t *testing.T) store.Store, seeds int, schedule Schedule) {
	contended := schedule == Contended
	if contended {
		schedule = Concurrent
	}
	for _, scenario := range Scenarios() {
		if contended && scenario.direct {
			continue
		}
		t.Run(scenario.Name, func(t *testing.T) {
			var s store.Store
			if schedule == Concurrent {
				s = open(t)
			}
			run := func(seed uint64) {
				if schedule == Turns {
					s = open(t)
				}
				if err := Run(t.Context(), s, scenario, seed, Config{Faulty: faulty * int(seed%2), Schedule: schedule, Patience: patience}); err != nil {
					t.Fatalf("%v\nrepeat it with -run '%s' -seed %d", err, t.Name(), seed)
				}
			}
			if *oneSeed != 0 {
				run(*oneSeed)
				return
			}
			for seed := range uint64(seeds) {
				run(seed + 1)
			}
			if schedule == Concurrent { // one check at the end, because the store has many users
				defer func() {
					w, err := newWorld(t.Context(), s, 1)
					if err == nil {
						err = Invariants(t.Context(), s, w.Ring)
					}
					if err != nil {
						t.Error(err)
					}
				}()
			}
			for seed, end := uint64(time.Now().UnixNano()), time.Now().Add(*soak); time.Now().Before(end); seed++ {
				run(seed)
			}
		})
	}
}

// Memory returns a function that opens stores in memory with a signing key, because generating a
// key takes longer than a history.
func Memory(t *testing.T) func(*testing.T) store.Store {
	keys, err := signingKey()
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T) store.Store {
		s := store.NewMemory()
		if err := copyRecords(t.Context(), s, keys); err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// signingKey is the record of a first signing key, which every world can open.
var signingKey = sync.OnceValues(func() ([]store.Record, error) {
	first, ctx := store.NewMemory(), context.Background()
	if _, err := newWorld(ctx, first, 1); err != nil {
		return nil, err
	}
	records, _, err := first.List(ctx, store.KindSigningKey, "", 10)
	return records, err
})

func copyRecords(ctx context.Context, to store.Store, records []store.Record) error {
	for _, r := range records {
		r.Version = 0
		if err := to.Commit(ctx, []store.Write{{Record: r}}); err != nil {
			return fmt.Errorf("copy a %s: %w", r.Key.Kind, err)
		}
	}
	return nil
}
