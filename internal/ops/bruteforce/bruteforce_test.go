package bruteforce_test

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/ops/bruteforce"
)

// TestAYearOfGuessing: whatever an attacker does, no more guesses are judged than guessbound says; and it does not say many more than can be had. Nor do
// strangers keep the owner out for a single day.
func TestAYearOfGuessing(t *testing.T) {
	// least is the share of the bound that must be reached, where it is not 97 %.
	least := map[string]float64{
		// The owner's sign-ins with the app do not clear the failures of backup codes, so at the hundredth they are gone.
		"as fast as allowed, backup codes false": 0.38,
		// Whoever spends the whole ledger keeps the owner out too, and then nothing clears the hundred.
		"at a browser that the owner used false":                        0.30,
		"at a browser that the owner used, just under each limit false": 0.90,
		"step-ups in a stolen session false":                            0.90,
		"step-ups in a stolen session true":                             0.90,
	}
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, strict := range []bool{false, true} {
		for _, s := range bruteforce.Strategies() {
			name := fmt.Sprintf("%s %v", s.Name, strict)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for seed := range seeds {
					r, err := bruteforce.Simulate(t.Context(), strict, s, seed, 365)
					if err != nil {
						t.Fatalf("seed %d: %v", seed, err)
					}
					want, ok := least[name]
					if !ok {
						want = 0.97
					}
					if r.Judged > r.Bound || float64(r.Judged) < want*float64(r.Bound) {
						t.Errorf("seed %d: %d guesses of %d were judged, want at most %d and at least %.0f %% of that", seed, r.Judged, r.Sent, r.Bound, 100*want)
					}
					if s.Attacker.OwnerSignsIn && r.SignIns != 365 {
						t.Errorf("seed %d: the owner signed in %d times", seed, r.SignIns)
					}
					if !s.Attacker.KnownDevice && r.Refused != 0 {
						t.Errorf("seed %d: strangers kept the owner out %d times of %d", seed, r.Refused, r.SignIns)
					}
					t.Logf("%+v", r)
				}
			})
		}
	}
}
