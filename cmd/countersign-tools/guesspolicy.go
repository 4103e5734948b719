package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/ops/bruteforce"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

var (
	errTarget = errors.New("a guess policy misses its target")
	errBound  = errors.New("more guesses were compared than the computed bound")
)

// guessPolicyCmd computes how well each guess policy protects.
type guessPolicyCmd struct {
	cli.JSON `embed:""`
}

// Run prints both policies.
func (g *guessPolicyCmd) Run() error {
	met := true
	for _, p := range []account.Policy{account.DefaultPolicy(), account.StrictPolicy()} {
		r := guessbound.Compute(p)
		met = met && r.Met
		g.Print(r, "%s\n", r)
	}
	if !met {
		return errTarget
	}
	return nil
}

// simulateCmd simulates what [guessPolicyCmd] computes.
type simulateCmd struct {
	Days     int    `default:"365" placeholder:"DAYS" help:"Simulated time of each attack."`
	Seed     uint64 `default:"1" placeholder:"NUMBER" help:"The same seed makes the same choices."`
	cli.JSON `embed:""`
}

// simulated is the JSON result of one strategy.
type simulated struct {
	Policy bruteforce.Policy `json:"policy"`
	bruteforce.Result
}

// Run simulates every strategy against both policies.
func (s *simulateCmd) Run(ctx context.Context) error {
	within := true
	for _, policy := range bruteforce.Policies {
		_, _ = fmt.Fprintf(s.Text(), "Policy %q, %d days, the owner signs in daily\n\n", policy, s.Days)
		for _, strategy := range bruteforce.Strategies() {
			r, err := bruteforce.Simulate(ctx, policy, strategy, s.Seed, s.Days)
			if err != nil {
				return fmt.Errorf("%s: %w", strategy.Name, err)
			}
			within = within && r.Compared <= r.Bound
			s.Print(simulated{policy, r}, "  %-62s %3d of %4d guesses compared, bound %3d; the owner locked out %d of %d times\n",
				strategy.Name, r.Compared, r.Sent, r.Bound, r.Refused, r.SignIns)
		}
		_, _ = fmt.Fprintln(s.Text())
	}
	if !within {
		return errBound
	}
	return nil
}
