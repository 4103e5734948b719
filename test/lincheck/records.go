package lincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// recordModel models one record by its content, and two counters. No value is written twice, so a
// value identifies a version.
type recordModel struct {
	value  string
	budget [2]int64
}

const (
	read      = "read"
	swap      = "replace" // Arg is the expected value and the new value, separated by a space
	increment = "increment"

	limit        = 3
	stale        = "stale"
	limitReached = "spent"
)

// beginStore calls the store itself: reads, conditional writes, increments, and both in one commit.
func beginStore(_ context.Context, w *World) (*scenarioRun, error) {
	key := store.Key{Kind: store.KindNonce, ID: "history" + w.number()}
	budgets := [2]string{"a" + key.ID, "b" + key.ID}
	seen := make([]store.Record, 16) // the last record that each client read
	var mu sync.Mutex
	made := 0
	return &scenarioRun{
		initial: recordModel{},
		next: func(rng *rand.Rand, client int) scenarioStep {
			in := Input{Op: read, N: -1}
			ask := func(ctx context.Context) Answer {
				records, err := w.above.Get(ctx, key)
				if err != nil {
					return verdictOf(err)
				}
				seen[client] = records[0]
				return Answer{Granted, string(records[0].Data)}
			}
			var writes []store.Write
			var increments []store.Increment
			if what := rng.IntN(4); what > 0 {
				if what > 1 {
					in.N = int64(rng.IntN(2))
					increments = []store.Increment{{Counter: budgets[in.N], By: 1, Max: limit, Expires: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}}
					in.Op = increment
				}
				if what < 3 {
					mu.Lock()
					made++
					value := fmt.Sprint("v", made)
					mu.Unlock()
					in.Op, in.Arg = swap, string(seen[client].Data)+" "+value
					writes = []store.Write{{Record: store.Record{Key: key, Version: seen[client].Version, Data: []byte(value)}}}
				}
				ask = func(ctx context.Context) Answer { return commit(ctx, w, writes, increments) }
			}
			return scenarioStep{in: in, ask: ask}
		},
		apply: recordStep,
		count: func(history []observation) error {
			for n := range int64(2) {
				granted := 0
				for _, t := range history {
					if t.in.N == n && t.out.Verdict == Granted {
						granted++
					}
				}
				if granted > limit {
					return fmt.Errorf("%d increments of a counter with a limit of %d", granted, limit)
				}
			}
			return nil
		},
	}, nil
}

func commit(ctx context.Context, w *World, writes []store.Write, increments []store.Increment) Answer {
	err := w.above.Commit(ctx, writes, increments...)
	switch {
	case errors.Is(err, store.ErrConflict):
		return Answer{Closed, stale}
	case errors.As(err, new(*store.LimitReachedError)):
		return Answer{Closed, limitReached}
	}
	return verdictOf(err)
}

func recordStep(state any, in Input, _ time.Time, given Answer) (Answer, any) {
	k := state.(recordModel)
	if in.Op == read {
		return Answer{Granted, k.value}, k
	}
	var from, to string
	conflict := false
	if in.Op == swap {
		from, to = parts(in.Arg)
		conflict = from != k.value
	}
	exhausted := in.N >= 0 && k.budget[in.N]+1 > limit
	switch {
	case conflict && exhausted && given.Value == limitReached, exhausted && !conflict:
		return Answer{Closed, limitReached}, k
	case conflict:
		return Answer{Closed, stale}, k
	}
	if in.Op == swap {
		k.value = to
	}
	if in.N >= 0 {
		k.budget[in.N]++
	}
	return Answer{Verdict: Granted}, k
}

func parts(arg string) (from, to string) {
	for i := range len(arg) {
		if arg[i] == ' ' {
			return arg[:i], arg[i+1:]
		}
	}
	return "", arg
}
