package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/ops/bruteforce"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

// budgetCmd says what the guess budget is worth, and tries it.
type budgetCmd struct {
	JSON     bool   `help:"Print JSON."`
	Simulate bool   `help:"Besiege an account of the real API, over every path, and count the guesses that are judged."`
	Days     int    `default:"365" help:"Length of a siege."`
	Seed     uint64 `default:"1" help:"Chance of a siege."`
}

var (
	errTarget = errors.New("a guess budget misses its target")
	errBound  = errors.New("more guesses were judged than are computed")
)

// Run prints both policies, or besieges both.
func (b *budgetCmd) Run() error {
	if b.Simulate {
		return b.simulate()
	}
	var reports []guessbound.Report
	met := true
	for _, p := range []mfa.Policy{mfa.DefaultPolicy(), mfa.StrictPolicy()} {
		r := guessbound.Compute(p)
		reports, met = append(reports, r), met && r.Met
		if !b.JSON {
			fmt.Println(r)
		}
	}
	if b.JSON {
		if err := printJSON(reports); err != nil {
			return err
		}
	}
	if !met {
		return errTarget
	}
	return nil
}

func printJSON(v any) error {
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func (b *budgetCmd) simulate() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var results []bruteforce.Result
	within := true
	for _, strict := range []bool{false, true} {
		if !b.JSON {
			fmt.Printf("%s, %d days, the owner signs in daily\n\n", map[bool]string{false: "Default policy", true: "Strict policy"}[strict], b.Days)
		}
		for _, s := range bruteforce.Strategies() {
			r, err := bruteforce.Lay(ctx, strict, s, b.Seed, b.Days)
			if err != nil {
				return fmt.Errorf("%s: %w", s.Name, err)
			}
			results, within = append(results, r), within && r.Judged <= r.Bound
			if !b.JSON {
				fmt.Printf("  %-62s %3d guesses of %4d judged, computed at most %3d; the owner kept out %d times of %d\n", s.Name, r.Judged, r.Sent, r.Bound, r.Refused, r.SignIns)
			}
		}
		if !b.JSON {
			fmt.Println()
		}
	}
	if b.JSON {
		if err := printJSON(results); err != nil {
			return err
		}
	}
	if !within {
		return errBound
	}
	return nil
}
