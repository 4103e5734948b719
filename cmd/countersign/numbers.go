package main

import (
	"os"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

// numbers is the flag of commands that read phone numbers.
type numbers struct {
	Ranges string `name:"number-ranges" env:"COUNTERSIGN_NUMBER_RANGES_FILE" type:"path" placeholder:"FILE" help:"File of phone number ranges that the numbering plans do not have yet, one a line: +8160xxxxxxxx JP mobile."`
}

// plans returns the numbering plans with the ranges in the file of --number-ranges.
func (n numbers) plans() (*numberplan.Plan, error) {
	if n.Ranges == "" {
		return numberplan.BuiltIn(), nil
	}
	text, err := os.ReadFile(n.Ranges)
	if err != nil {
		return nil, cli.Usagef("--number-ranges: %w", err)
	}
	plan, err := numberplan.Extend(string(text))
	if err != nil {
		return nil, cli.Usagef("--number-ranges %s: %w", n.Ranges, err)
	}
	return plan, nil
}
