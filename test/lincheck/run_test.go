package lincheck

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// TestASeedDecidesAHistory: the same seed gives the same history, so a failure can be repeated.
func TestASeedDecidesAHistory(t *testing.T) {
	open := Memory(t)
	for _, scenario := range Scenarios() {
		run := func(seed uint64) string {
			w, err := newWorld(t.Context(), open(t), seed)
			if err != nil {
				t.Fatal(err)
			}
			p, err := scenario.begin(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 1))
			w.inject(rng, faulty, scenario)
			return describe(perform(t.Context(), w, scenario, p, rng, Turns))
		}
		first := run(7)
		if again := run(7); again != first {
			t.Errorf("%s: one seed gave two histories\n%s\n%s", scenario.Name, first, again)
		}
		if run(8) == first {
			t.Errorf("%s: two seeds gave one history", scenario.Name)
		}
	}
}

// TestHistoriesReachEveryAnswer: the clients of each scenario get every kind of answer, so that the
// scenario checks all of them.
func TestHistoriesReachEveryAnswer(t *testing.T) {
	want := map[string][]Verdict{
		"text message":                   {Granted, Wrong, Closed, Wait, Unknown},
		"authenticator app":              {Granted, Wrong, Closed, Wait, Unknown},
		"backup codes":                   {Granted, Wrong, Unknown},
		"every factor, clocks that jump": {Granted, Wrong, Closed, Wait, Unknown},
		"ticket":                         {Granted, Closed, Unknown},
		"default factor":                 {Granted, Unknown},
		"owner of a number":              {Granted, Closed, Unknown},
		"records and counters":           {Granted, Closed, Unknown},
	}
	open := Memory(t)
	for _, scenario := range Scenarios() {
		seen := map[Verdict]bool{}
		overlaps := 0
		for seed := range uint64(60) {
			w, err := newWorld(t.Context(), open(t), seed)
			if err != nil {
				t.Fatal(err)
			}
			p, err := scenario.begin(t.Context(), w)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 1))
			w.inject(rng, faulty, scenario)
			history := perform(t.Context(), w, scenario, p, rng, Turns)
			for i, a := range history {
				seen[a.out.Verdict] = true
				for _, b := range history[:i] {
					if a.call < b.end && b.call < a.end {
						overlaps++
					}
				}
			}
		}
		for _, kind := range want[scenario.Name] {
			if !seen[kind] {
				t.Errorf("%s: nobody was ever told %s", scenario.Name, kind)
			}
		}
		if seen[Busy] {
			t.Errorf("%s: an operation gave up after a few conflicts", scenario.Name)
		}
		if want[scenario.Name] == nil || overlaps < 1000 {
			t.Errorf("%s: only %d pairs of operations ran at once", scenario.Name, overlaps)
		}
	}
}

// TestTheCheckerRefuses: no order explains two acceptances of one code. An operation without an
// answer may have happened or not.
func TestTheCheckerRefuses(t *testing.T) {
	p := &scenarioRun{
		initial: false,
		apply: func(state any, _ Input, _ time.Time, _ Answer) (Answer, any) {
			if state.(bool) {
				return Answer{Verdict: Closed}, true
			}
			return Answer{Verdict: Granted}, true
		},
	}
	one := func(call, end int64, kind Verdict) observation {
		return observation{in: Input{Op: use}, out: Answer{Verdict: kind}, call: call, end: end, times: []time.Time{began}}
	}
	for name, c := range map[string]struct {
		history []observation
		want    porcupine.CheckResult
	}{
		"one accepted, one refused":              {[]observation{one(1, 4, Granted), one(2, 3, Closed)}, porcupine.Ok},
		"two accepted at once":                   {[]observation{one(1, 4, Granted), one(2, 3, Granted)}, porcupine.Illegal},
		"refused before anybody asked":           {[]observation{one(1, 2, Closed), one(3, 4, Granted)}, porcupine.Illegal},
		"no answer, and then refused":            {[]observation{one(1, 2, Unknown), one(3, 4, Closed)}, porcupine.Ok},
		"no answer, and then accepted":           {[]observation{one(1, 2, Unknown), one(3, 4, Granted)}, porcupine.Ok},
		"refused, and only then one unanswered":  {[]observation{one(1, 2, Closed), one(3, 4, Unknown)}, porcupine.Illegal},
		"two accepted, one of them without word": {[]observation{one(1, 2, Granted), one(3, 4, Granted), one(1, 9, Unknown)}, porcupine.Illegal},
	} {
		if got := porcupine.CheckOperationsTimeout(p.model(), operations(c.history), time.Minute); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestUndecidedIsAFailure: a check that runs out of time is a failure. Sixty concurrent operations
// and one wrong answer have more orders than the checker can try.
func TestUndecidedIsAFailure(t *testing.T) {
	p := &scenarioRun{
		initial: int64(0),
		apply: func(state any, in Input, _ time.Time, _ Answer) (Answer, any) {
			return Answer{Verdict: Granted}, state.(int64) | 1<<in.N
		},
	}
	var history []observation
	for n := range int64(60) {
		history = append(history, observation{in: Input{N: n}, out: Answer{Verdict: Granted}, call: n, end: 100, times: []time.Time{began}})
	}
	history = append(history, observation{out: Answer{Verdict: Wrong}, call: 101, end: 102, times: []time.Time{began}})
	if err := p.check(history, 50*time.Millisecond); err == nil || !strings.Contains(err.Error(), "undecided") {
		t.Errorf("error %v, want that it is undecided", err)
	}
}
