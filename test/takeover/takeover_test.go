package takeover

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

var (
	oneSeed = flag.Uint64("seed", 0, "search only the journey with this seed, of every profile that the test's name selects")
	soak    = flag.Duration("soak", 0, "go on with fresh seeds for so long, for each profile")
)

func TestMain(m *testing.M) {
	if name := os.Getenv(mutantVariable); name != "" {
		os.Exit(searchMutant(name))
	}
	os.Exit(m.Run())
}

// granted counts, over all searches, how often an operation succeeded for an actor.
var granted = struct {
	sync.Mutex
	to map[string]int
}{to: map[string]int{}}

// search fails the test when the journey of a seed ends with a theft, and prints the shortest
// journey.
func search(t *testing.T, p Profile, seed uint64) {
	t.Helper()
	found, err := Search(t.Context(), p, seed)
	if err != nil {
		t.Fatal(err)
	}
	if found != nil {
		short := Shorten(t.Context(), p, found)
		t.Fatalf("%v\nrepeat it with: go test ./test/takeover -run '%s' -seed %d", short, t.Name(), seed)
	}
}

// journeys is how many seeds of a profile are searched.
const journeys = 130

// TestNoThiefSucceeds: no sequence of actions of thieves, owner, administrator and clock reaches a
// goal.
func TestNoThiefSucceeds(t *testing.T) {
	for _, p := range Profiles() {
		p.Granted = func(operation string) {
			granted.Lock()
			defer granted.Unlock()
			granted.to[operation]++
		}
		t.Run(strings.ReplaceAll(p.Name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			if *oneSeed != 0 {
				search(t, p, *oneSeed)
				return
			}
			seeds := uint64(journeys)
			if p.Slow {
				seeds /= 4
			}
			if testing.Short() {
				seeds /= 10
			}
			for seed := range seeds {
				search(t, p, seed+1)
			}
			for seed, end := uint64(time.Now().UnixNano()), time.Now().Add(*soak); time.Now().Before(end); seed++ {
				search(t, p, seed)
			}
		})
	}
	t.Cleanup(func() {
		if *oneSeed != 0 || testing.Short() || t.Failed() || strings.Contains(flag.Lookup("test.run").Value.String(), "/") {
			return
		}
		for _, op := range frontend {
			if granted.to[op.Name] == 0 {
				t.Errorf("in all journeys, %s was never granted: the search knows nothing of what it does", op.Name)
			}
		}
		if granted.to[completed] == 0 {
			t.Error("no journey completed a recovery")
		}
	})
}

// TestEveryOperationIsTried: a new operation is part of the search, or untried gives the reason.
func TestEveryOperationIsTried(t *testing.T) {
	for _, op := range api.Operations() {
		switch op.Surface {
		case operation.Frontend:
			if missing, ok := generated(&op); !ok {
				t.Errorf("%s: no generator draws %q", op.Name, missing)
			}
		case operation.Backend:
			_, tried := adminActions[op.Name]
			if why := untried[op.Name]; tried == (why != "") {
				t.Errorf("%s: the administrator has a task for it, or there is a reason for none (task %v, reason %q)", op.Name, tried, why)
			}
		case operation.Public: // no user data in reach
		}
	}
	for name := range adminActions {
		if operations[name] == nil {
			t.Errorf("there is no operation %s", name)
		}
	}
	for name := range untried {
		if operations[name] == nil {
			t.Errorf("there is no operation %s", name)
		}
	}
	for _, p := range Profiles() {
		for by := range clock {
			plans := p.Plans[by]
			if plans == nil {
				plans = commonPlans[by]
			}
			for _, plan := range plans {
				for _, action := range plan.actions {
					action = strings.TrimPrefix(action, many)
					if operations[action] == nil && !slices.Contains([]string{copyCookie, plantCookie, seeUsedCode, openManySessions, pauseAction, changeFactor, dayPasses}, action) {
						t.Errorf("%s: there is no operation %s", p.Name, action)
					}
				}
			}
		}
	}
}

// TestASeedDecidesAJourney: the same seed gives the same journey, so a failure can be repeated.
func TestASeedDecidesAJourney(t *testing.T) {
	tell := func(p Profile, seed uint64) string {
		j, err := begin(t.Context(), p, seed)
		if err != nil {
			t.Fatal(err)
		}
		plans := &planner{profile: p, chance: chanceOf(seed)}
		for range p.Steps {
			j.perform(plans.next(j.people))
		}
		return j.story.String()
	}
	for _, p := range Profiles()[:3] {
		first := tell(p, 7)
		if again := tell(p, 7); again != first {
			t.Errorf("%s: one seed gave two journeys\n%s\n%s", p.Name, first, again)
		}
		if tell(p, 8) == first {
			t.Errorf("%s: two seeds gave one journey", p.Name)
		}
	}
}

// TestStrictMFA checks Clerk's rule as its SDK implements it.
func TestStrictMFA(t *testing.T) {
	for _, tc := range []struct {
		ages   [2]int
		status string
		want   bool
	}{
		{[2]int{0, 0}, "active", true}, {[2]int{9, 9}, "active", true}, {[2]int{10, 0}, "active", false}, {[2]int{0, 10}, "active", false},
		{[2]int{0, -1}, "active", true}, {[2]int{10, -1}, "active", false}, {[2]int{-1, 0}, "active", false}, {[2]int{-1, -1}, "active", false},
		{[2]int{0, 0}, "pending", false}, {[2]int{0, 52_560_000}, "active", false},
	} {
		if got := (token{Ages: tc.ages, Status: tc.status}).acceptedForStrictMFA(); got != tc.want {
			t.Errorf("fva %v, %s: %v", tc.ages, tc.status, got)
		}
	}
}

// TestAShorterJourneyReachesTheSameGoal: a shortened journey still reaches its goal, and every step
// of it is needed.
func TestAShorterJourneyReachesTheSameGoal(t *testing.T) {
	const needed = "a journey that is stolen from on purpose"
	p := Profile{Name: needed, Bare: true, Weights: [clock + 1]int{owner: 5, thief: 5, clock: 2}, Steps: 30, Plans: firstPlans, Goals: []Goal{tried}}
	for seed := range uint64(50) {
		found, err := Search(t.Context(), p, seed+1)
		if err != nil {
			t.Fatal(err)
		}
		if found == nil || len(found.Steps) < 6 {
			continue
		}
		short := Shorten(t.Context(), p, found)
		if short.Hit.Goal != tried || len(short.Steps) != 2 {
			t.Errorf("seed %d: %d steps of %d are left, want a sign-in and an enrolment:\n%s", seed+1, len(short.Steps), len(found.Steps), short)
		}
		return
	}
	t.Error("no journey was long enough")
}

// searchMutant searches the profile of a mutant until a thief succeeds. It runs in the binary with
// the mutants.
func searchMutant(name string) int {
	m, ok := mutants[name]
	if !ok {
		fmt.Printf("there is no mutant %q\n", name)
		return 2
	}
	for _, p := range Profiles() {
		if p.Name != m.profile {
			continue
		}
		p.Goals = m.goals
		for seed := range uint64(m.within()) {
			found, err := Search(context.Background(), p, seed+1)
			if err != nil {
				fmt.Println(err)
				return 2
			}
			if found != nil {
				fmt.Println(Shorten(context.Background(), p, found))
				return 0
			}
		}
		fmt.Printf("%d journeys of %q did not notice\n", m.within(), m.profile)
		return 1
	}
	fmt.Printf("there is no profile %q\n", m.profile)
	return 2
}
