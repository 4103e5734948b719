package lincheck

import (
	"context"
	"fmt"
	"hash/fnv"
	"hash/maphash"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Config says how to run histories.
type Config struct {
	// Faulty is how many of a thousand calls of the store fail, each of several ways alike.
	Faulty int
	// Free lets the clients really run at once. It must be set for stores that wait for one caller
	// while another is in them.
	Free bool
	// Patience bounds one decision of the checker.
	Patience time.Duration
}

// observation is one operation as it was seen.
type observation struct {
	client    int
	in        Input
	out       Answer
	call, end int64
	times     []time.Time
}

// Run runs one history over a store and returns an error, which tells the whole history, unless the
// answers have an explanation.
func Run(ctx context.Context, s store.Store, scenario Scenario, seed uint64, c Config) error {
	h := fnv.New64a()
	_, _ = h.Write([]byte(scenario.Name))
	rng := rand.New(rand.NewPCG(seed, h.Sum64())) //nolint:gosec // a run must be repeatable
	w, err := newWorld(ctx, s, rng.Uint64())
	if err != nil {
		return err
	}
	p, err := scenario.begin(ctx, w)
	if err != nil {
		return fmt.Errorf("begin %s: %w", scenario.Name, err)
	}
	w.inject(rng, c.Faulty, scenario.direct)
	history := perform(ctx, w, scenario, p, rng, c.Free)
	if err := p.check(history, c.Patience); err != nil || c.Free {
		return err
	}
	if err := Invariants(ctx, s, w.Ring); err != nil {
		return fmt.Errorf("%w\n%s", err, describe(history))
	}
	return nil
}

// check says what is wrong with a history.
func (p *scenarioRun) check(history []observation, patience time.Duration) error {
	if p.count != nil {
		if err := p.count(history); err != nil {
			return fmt.Errorf("%w\n%s", err, describe(history))
		}
	}
	switch porcupine.CheckOperationsTimeout(p.model(), operations(history), patience) {
	case porcupine.Ok:
		return nil
	case porcupine.Illegal:
		return fmt.Errorf("no order of the operations explains the answers\n%s", describe(history))
	}
	return fmt.Errorf("undecided after %v\n%s", patience, describe(history))
}

// inject chooses the calls that will fail.
func (w *World) inject(rng *rand.Rand, perThousand int, direct bool) {
	kinds := []func(int) store.Fault{store.FailGet, store.FailCommit, store.LoseCommit, store.SlowGet, store.SlowCommit}
	if !direct {
		kinds = append(kinds, store.ConflictCommit)
	}
	for n := range 300 {
		if rng.IntN(1000) < perThousand {
			w.faults.Inject(kinds[rng.IntN(len(kinds))](n + 1))
		}
	}
}

// perform lets the clients take their steps and returns what they saw.
func perform(ctx context.Context, w *World, scenario Scenario, p *scenarioRun, rng *rand.Rand, free bool) []observation {
	var mu sync.Mutex
	var history []observation
	clients := make([]func(context.Context), scenario.Clients)
	for i := range clients {
		own := rand.New(rand.NewPCG(rng.Uint64(), rng.Uint64())) //nolint:gosec // as above
		clients[i] = func(ctx context.Context) {
			for range scenario.Steps {
				yield(ctx)
				m := p.next(own, i)
				if m.ask == nil {
					w.clock.advance(m.advance)
					continue
				}
				call := w.clock.nextStamp()
				out := m.ask(ctx)
				end := w.clock.nextStamp()
				mu.Lock()
				history = append(history, observation{i, m.in, out, call, end, w.clock.during(call, end)})
				mu.Unlock()
			}
		}
	}
	if !free {
		inTurns(ctx, rng, clients)
		return history
	}
	var wait sync.WaitGroup
	for _, c := range clients {
		wait.Go(func() { c(ctx) })
	}
	wait.Wait()
	return history
}

// asked is an input with the times that its operation may have seen.
type asked struct {
	in    Input
	times []time.Time
}

func operations(history []observation) []porcupine.Operation {
	ops := make([]porcupine.Operation, len(history))
	for i, t := range history {
		// The stores answer only when they are done with a call, so even an operation of unknown outcome
		// did not happen after its end.
		ops[i] = porcupine.Operation{ClientId: t.client, Input: asked{t.in, t.times}, Output: t.out, Call: t.call, Return: t.end}
	}
	return ops
}

// model lifts the sequential meaning: an operation saw one of its times, and one without an answer
// may not have happened.
func (p *scenarioRun) model() porcupine.Model {
	seed := maphash.MakeSeed()
	n := porcupine.NondeterministicModel{
		Init: func() []any { return []any{p.initial} },
		Step: func(state, in, out any) []any {
			question, given := in.(asked), out.(Answer)
			var after []any
			if given.Verdict == Unknown {
				after = append(after, state)
			}
			for _, at := range question.times {
				if answer, next := p.apply(state, question.in, at, given); given.Verdict == Unknown || answer == given {
					after = append(after, next)
				}
			}
			return after
		},
		Hash: func(state any) uint64 { return maphash.Comparable(seed, state) },
	}
	return n.ToModel()
}

func describe(history []observation) string {
	sorted := slices.SortedFunc(slices.Values(history), func(a, b observation) int { return int(a.call - b.call) })
	var text strings.Builder
	for _, t := range sorted {
		fmt.Fprintf(&text, "%4d-%-4d client %d  %-40v %v %v", t.call, t.end, t.client, t.in, t.out.Verdict, t.out.Value)
		for _, at := range t.times {
			fmt.Fprintf(&text, "  %v", at.Sub(began))
		}
		text.WriteByte('\n')
	}
	return text.String()
}
