package takeover

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Theft is a reached goal with the shortest journey to it that was found.
type Theft struct {
	Profile string
	Seed    uint64
	Hit     Hit
	Steps   []Step
	Story   string
}

// String returns the theft in words.
func (t *Theft) String() string {
	return fmt.Sprintf("a thief reaches: %s\n%s\n%s-> %s\nprofile %q, seed %d", t.Hit.Goal, t.Hit.What, t.Story, t.Hit.What, t.Profile, t.Seed)
}

// Search performs the journey of a seed. It returns the theft that ends the journey, or nil.
func Search(ctx context.Context, p Profile, seed uint64) (*Theft, error) {
	j, err := begin(ctx, p, seed)
	if err != nil {
		return nil, fmt.Errorf("seed %d: %w", seed, err)
	}
	plans := &planner{profile: p, chance: chanceOf(seed)}
	var next []Step
	for tries := 0; tries < 3*p.Steps && len(j.made) < p.Steps; tries++ {
		if len(next) == 0 {
			next = []Step{plans.next(j.people)}
		}
		moment := j.oracle.moment
		hits := j.perform(next[0])
		if j.failure != nil {
			return nil, fmt.Errorf("seed %d: %w\n%s", seed, j.failure, j.story)
		}
		if len(hits) > 0 {
			return &Theft{p.Name, seed, hits[0], j.made, j.story.String()}, nil
		}
		if next = next[1:]; j.oracle.moment != moment {
			next = append(next, plans.checkSessions(j.people)...)
		}
	}
	return nil, nil
}

// replay performs steps in a new world of the seed. It returns the theft if they reach the goal,
// else nil.
func replay(ctx context.Context, p Profile, seed uint64, goal Goal, steps []Step) *Theft {
	p.Goals = []Goal{goal}
	j, err := begin(ctx, p, seed)
	if err != nil {
		return nil
	}
	for _, s := range steps {
		hits := j.perform(s)
		if j.failure != nil {
			return nil
		}
		if len(hits) > 0 {
			return &Theft{p.Name, seed, hits[0], j.made, j.story.String()}
		}
	}
	return nil
}

// Shorten leaves out steps as long as the journey still reaches the goal: first halves, then
// quarters, down to single steps (Zeller, "delta debugging"). Then it removes the clock that is
// behind where the goal does not need it.
func Shorten(ctx context.Context, p Profile, found *Theft) *Theft {
	best := found
	if again := replay(ctx, p, found.Seed, found.Hit.Goal, found.Steps); again != nil {
		best = again
	}
	for size := max(1, len(best.Steps)/2); ; {
		shorter := false
		for at := 0; at < len(best.Steps) && ctx.Err() == nil; {
			rest := slices.Concat(best.Steps[:at], best.Steps[min(at+size, len(best.Steps)):])
			if again := replay(ctx, p, found.Seed, found.Hit.Goal, rest); again != nil && len(again.Steps) < len(best.Steps) {
				best, shorter = again, true
				continue
			}
			at += size
		}
		if size == 1 && !shorter {
			break
		}
		size = max(1, size/2)
	}
	for i := range best.Steps {
		steps := slices.Clone(best.Steps)
		if steps[i].Behind {
			steps[i].Behind = false
			if again := replay(ctx, p, found.Seed, found.Hit.Goal, steps); again != nil && len(again.Steps) <= len(best.Steps) {
				best = again
			}
		}
		if i >= len(best.Steps)-1 {
			break
		}
	}
	return best
}

// chanceOf returns the random numbers that decide what the actors do in the journey of a seed.
func chanceOf(seed uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // a seed repeats a journey
}
