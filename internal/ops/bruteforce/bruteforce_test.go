package bruteforce_test

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/ops/bruteforce"
)

// TestAYearOfGuessing: no attack gets more guesses compared than guessbound computes, and most
// reach 97 % of that bound. An attacker without a known device never locks the owner out.
func TestAYearOfGuessing(t *testing.T) {
	// least is the share of the bound that must be reached, where it is not 97 %.
	least := map[string]float64{
		// The owner's sign-ins with the app do not clear the failures of backup codes, so the
		// hundredth failure disables the codes.
		"as fast as allowed, backup codes, default policy": 0.38,
		// An attacker who uses up the 30-day window locks the owner out too. Then no sign-in of the
		// owner clears the row of a hundred failures.
		"at a browser that the owner used, default policy":                        0.30,
		"at a browser that the owner used, just under each limit, default policy": 0.90,
		"step-ups in a stolen session, default policy":                            0.90,
		"step-ups in a stolen session, strict policy":                             0.90,
	}
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, policy := range bruteforce.Policies {
		for _, s := range bruteforce.Strategies() {
			name := fmt.Sprintf("%s, %s policy", s.Name, policy)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for seed := range seeds {
					r, err := bruteforce.Simulate(t.Context(), policy, s, seed, 365)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					want, ok := least[name]
					if !ok {
						want = 0.97
					}
					if r.Compared > r.Bound || float64(r.Compared) < want*float64(r.Bound) {
						t.Errorf("seed %d: %d guesses of %d were compared, want at most %d and at least %.0f %% of that", seed, r.Compared, r.Sent, r.Bound, 100*want)
					}
					if s.Attacker.OwnerSignsIn && r.SignIns != 365 {
						t.Errorf("seed %d: the owner signed in %d times", seed, r.SignIns)
					}
					if !s.Attacker.KnownDevice && r.Refused != 0 {
						t.Errorf("seed %d: attackers locked the owner out %d times of %d", seed, r.Refused, r.SignIns)
					}
					t.Logf("%+v", r)
				}
			})
		}
	}
}
