package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/aws/operator"
	"github.com/countersign-mfa/countersign/internal/aws/preflight"
)

type preflightCmd struct {
	Assembly string `arg:"" optional:"" default:"cdk.out" type:"existingdir" help:"Directory of the synthesised templates."`
}

// Help implements [kong.HelpProvider].
func (preflightCmd) Help() string {
	return `The command reads the synthesised templates and asks the AWS account whether a deployment would succeed: quotas, names, the state of the stacks, certificate, table, SMS. It changes nothing, and make deploy runs it. Its exit status is 1 when the deployment would fail. A missing permission for a question is a warning.

  NAME preflight cdk.out`
}

// errWouldFail is returned after the sentences about what must change.
var errWouldFail = errors.New("the deployment would fail; nothing was changed")

// Run checks.
func (p *preflightCmd) Run(ctx context.Context) error {
	stacks, err := preflight.Read(p.Assembly)
	if err != nil {
		return err
	}
	config, err := operator.Config(ctx, stacks[0].Region)
	if err != nil {
		return err
	}
	found, err := preflight.Check(ctx, config, stacks)
	if err != nil {
		return err
	}
	for _, f := range found {
		word := "warning"
		if f.Stops {
			word, err = "error", errWouldFail
		}
		fmt.Printf("%s: %s.\n", word, f.Sentence)
	}
	if len(found) == 0 {
		fmt.Println("The account is ready for the deployment.")
	}
	return err
}
