package guessbound_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

func policies() []account.Policy {
	return []account.Policy{account.DefaultPolicy(), account.StrictPolicy()}
}

func TestTargets(t *testing.T) {
	for i, want := range []float64{1e-3, 2e-4} {
		r := guessbound.Compute(policies()[i])
		if r.Target != want || !r.Met || r.Worst > want {
			t.Errorf("%s: %v a year, want at most %v (met: %v, target %v)", r.Rules.Name, r.Worst, want, r.Met, r.Target)
		}
		for _, row := range r.Rows {
			for _, c := range row.Cells {
				if c.Horizon == "one verification" && c.Chance > math.Exp2(-16) {
					t.Errorf("%s, %s: one verification has %v, want at most 2^-16", r.Rules.Name, c.Method, c.Chance)
				}
			}
		}
	}
}

// TestWeakerPoliciesMiss: weaker policies miss the target.
func TestWeakerPoliciesMiss(t *testing.T) {
	for name, weaken := range map[string]func(*account.Policy){
		"three more failures a month":    func(p *account.Policy) { p.KnownDeviceFailures += 3 },
		"a shorter failure window":       func(p *account.Policy) { p.FailureWindow = 20 * guessbound.Day },
		"a wider window":                 func(p *account.Policy) { p.TOTP = totp.Window{Past: 2, Future: 2} },
		"strangers treated as the owner": func(p *account.Policy) { p.UnknownDeviceFailures, p.KnownDeviceFailures = 28, 28 },
	} {
		p := account.DefaultPolicy()
		weaken(&p)
		if r := guessbound.Compute(p); r.Met {
			t.Errorf("%s: %v a year is within the target", name, r.Worst)
		}
	}
}

func TestPaced(t *testing.T) {
	for _, tc := range []struct {
		strict bool
		within time.Duration
		want   int
	}{
		{false, 0, 0}, {false, 1, 5}, {false, 30 * time.Second, 5}, {false, 30*time.Second + 1, 6}, {false, 91 * time.Second, 7}, {false, 16 * time.Minute, 10},
		{false, 75*time.Minute + 31*time.Second, 11}, {false, guessbound.Day, 33},
		{true, 1, 3}, {true, 31 * time.Second, 4}, {true, 2 * time.Minute, 5}, {true, 62 * time.Minute, 6},
	} {
		if got := guessbound.Paced(map[bool]account.Policy{false: account.DefaultPolicy(), true: account.StrictPolicy()}[tc.strict], tc.within, math.MaxInt); got != tc.want {
			t.Errorf("strict %v, within %v: %d guesses, want %d", tc.strict, tc.within, got, tc.want)
		}
	}
}

// TestFailureLogIsWhatAGreedyAttackerGets: the formula equals a simulated attacker who guesses
// whenever the rolling window allows it.
func TestFailureLogIsWhatAGreedyAttackerGets(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		p := account.DefaultPolicy()
		p.UnknownDeviceFailures = rapid.IntRange(1, 30).Draw(r, "limit")
		p.FailureWindow = time.Duration(rapid.IntRange(1, 40).Draw(r, "days")) * guessbound.Day
		within := time.Duration(rapid.IntRange(1, 400*24).Draw(r, "hours")) * time.Hour
		var taken []time.Duration
		for at := time.Duration(0); at < within; at += time.Hour {
			for {
				recent := 0
				for _, before := range taken {
					if before > at-p.FailureWindow {
						recent++
					}
				}
				if recent >= p.UnknownDeviceFailures {
					break
				}
				taken = append(taken, at)
			}
		}
		if got := guessbound.PerWindow(p, guessbound.Attackers[1], within); got != len(taken) {
			r.Fatalf("%d, and a greedy attacker gets %d", got, len(taken))
		}
	})
}

// TestMoreOfAnythingIsNoLess: a longer time, a known browser or the owner's help never lowers a
// chance.
func TestMoreOfAnythingIsNoLess(t *testing.T) {
	for _, p := range policies() {
		for i, a := range guessbound.Attackers {
			for j, h := range guessbound.Horizons {
				n := guessbound.Guesses(p, a, h)
				if j > 0 && n < guessbound.Guesses(p, a, guessbound.Horizons[j-1]) {
					t.Errorf("%s, %s, %s: fewer guesses than in less time", p.Name, a.Name, h.Name)
				}
				if i > 0 && n < guessbound.Guesses(p, guessbound.Attackers[i-1], h) {
					t.Errorf("%s, %s, %s: fewer guesses than with less", p.Name, a.Name, h.Name)
				}
			}
		}
	}
}
