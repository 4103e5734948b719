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

// Schedule says how the clients of a history run.
type Schedule int

// The values of [Schedule].
const (
	// Turns lets one client run at a time, in an order that the seed decides.
	Turns Schedule = iota
	// Concurrent lets all clients run at once.
	Concurrent
	// Contended is Concurrent over a store that also refuses commits because of others under way, as
	// DynamoDB does. It leaves out clients that call the store itself, whose model knows no such
	// conflict.
	Contended
)

// Config is the configuration of a history.
type Config struct {
	// Faulty is how many of a thousand calls of the store fail.
	Faulty int
	// Schedule says how the clients run. Stores that block one caller while another is in them need
	// [Concurrent].
	Schedule Schedule
	// Patience limits the time of one check.
	Patience time.Duration
}

// observation is one operation as its client saw it.
type observation struct {
	client    int
	in        Input
	out       Answer
	call, end int64
	times     []time.Time
}

// Run runs one history over a store. It returns an error with the whole history when no order
// explains the answers.
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
	w.inject(rng, c.Faulty, scenario)
	history := perform(ctx, w, scenario, p, rng, c.Schedule)
	if err := p.check(history, c.Patience); err != nil || c.Schedule == Concurrent {
		return err
	}
	if err := Invariants(ctx, s, w.Ring); err != nil {
		return fmt.Errorf("%w\n%s", err, describe(history))
	}
	return nil
}

// check returns an error when a history is wrong or undecided.
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

// inject draws the calls of the store that will fail. A client that calls the store itself gets no
// injected conflict, which its model could not explain.
func (w *World) inject(rng *rand.Rand, perThousand int, s Scenario) {
	kinds := []func(int) store.Fault{store.FailGet, store.FailCommit, store.LoseCommit, store.SlowGet, store.SlowCommit}
	if !s.direct {
		kinds = append(kinds, store.ConflictCommit)
	}
	for n := range 300 {
		if rng.IntN(1000) < perThousand {
			w.faults.Inject(kinds[rng.IntN(len(kinds))](n + 1))
		}
	}
}

// perform runs the clients and returns their observations.
func perform(ctx context.Context, w *World, scenario Scenario, p *scenarioRun, rng *rand.Rand, schedule Schedule) []observation {
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
	if schedule == Turns {
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
		// A store answers only when it is done with a call, so even an operation with an unknown outcome
		// did not happen after its end.
		ops[i] = porcupine.Operation{ClientId: t.client, Input: asked{t.in, t.times}, Output: t.out, Call: t.call, Return: t.end}
	}
	return ops
}

// model is the checker's model of a scenario: an operation saw one of its times. An operation
// without an answer may not have happened. One that met too many conflicts has not happened.
func (p *scenarioRun) model() porcupine.Model {
	seed := maphash.MakeSeed()
	n := porcupine.NondeterministicModel{
		Init: func() []any { return []any{p.initial} },
		Step: func(state, in, out any) []any {
			question, given := in.(asked), out.(Answer)
			var after []any
			if given.Verdict == Unknown || given.Verdict == Busy {
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
