package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/cmd/internal/moving"
	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/clerkimport"
)

type importCmd struct {
	Input      string `arg:"" type:"existingfile" help:"File of JSON lines from Clerk, a user in each; or, with --age-identity, an export of Countersign."`
	cli.Target `embed:""`
	State      string `type:"path" placeholder:"FILE" help:"File that remembers the users that were created; the input's name and .state when left out."`
	DryRun     bool   `help:"Only print which users would be created or refused, and which second factors would not work. Reads the settings of --url, and changes nothing there."`
	Incomplete bool   `help:"Also create users whose password or authenticator app is not in the file, or cannot be used here; they lose it."`

	numbers `embed:""`

	AgeIdentity string `type:"path" placeholder:"FILE" help:"File with the age identity that opens an export of Countersign. Its users come with all their factors, into --data."`
	dataDir     `embed:""`
	cli.JSON    `embed:""`
}

// Help implements [kong.HelpProvider].
func (importCmd) Help() string {
	return `From Clerk, through the Backend API of a server that runs; after an interrupt
the same command continues:

  NAME import --dry-run users.jsonl
  COUNTERSIGN_SECRET_KEY=… NAME import users.jsonl https://auth.example.com

From an export of Countersign, into a data directory whose server is stopped (countersign-tools import
writes into a deployment in AWS):

  NAME import --age-identity identity.txt --data new users.age

docs/use/moving-from-clerk.md and docs/use/moving-away.md have the forms of the files.`
}

// imported is the JSON result.
type imported struct {
	Lines   int  `json:"lines"`
	Created int  `json:"created"`
	Before  int  `json:"created_before"`
	Refused int  `json:"refused"`
	DryRun  bool `json:"dry_run"`
}

// refusedLine is the JSON result of a line that was refused.
type refusedLine struct {
	Line   int    `json:"line"`
	ID     string `json:"id,omitempty"`
	Reason string `json:"reason"`
}

// refused returns the function that prints refused lines as JSON, or nil for text.
func (i *importCmd) refused() func(int, string, string) {
	if !i.JSON.JSON {
		return nil
	}
	return func(line int, id, why string) { i.Print(refusedLine{line, id, why}, "") }
}

// Run imports.
func (i *importCmd) Run(ctx context.Context) error {
	switch {
	case i.AgeIdentity != "" && (i.DryRun || i.Incomplete || i.State != ""):
		return cli.Usagef("--dry-run, --incomplete and --state are for imports from Clerk; without them --age-identity imports what the export holds")
	case i.AgeIdentity != "":
		return moving.Restore{Input: i.Input, Identity: i.AgeIdentity, JSON: i.JSON}.Read(ctx, i.with(local.MakeData))
	}
	url, key, err := i.Resolve()
	if err != nil {
		return err
	}
	// An import waits for a server that stopped answering, but not for one that never answered.
	if !i.DryRun {
		if err := client.New(url, key.Reveal(), 1).Call(ctx, http.MethodGet, "/v1/instance", nil, nil); err != nil {
			return i.Explain(err)
		}
	}
	if i.State == "" {
		i.State = i.Input + ".state"
	}
	plans, err := i.plans()
	if err != nil {
		return err
	}
	missing := clerkimport.RefuseMissing
	if i.Incomplete {
		missing = clerkimport.CreateWithout
	}
	progress := cli.NewProgress()
	result, err := clerkimport.Run(ctx, clerkimport.Config{
		Input: i.Input, State: i.State, URL: url, SecretKey: key, DryRun: i.DryRun, Missing: missing, Numbers: plans,
		Out: i.Text(), Refused: i.refused(), Now: time.Now, Pause: clock.Pause,
		Progress: func(r clerkimport.Result, total int) {
			progress.Tell("%d of %d lines, %d refused", r.Lines, total, r.Refused)
		},
	})
	progress.End()
	if i.JSON.JSON && (err == nil || errors.Is(err, clerkimport.ErrInterrupted)) {
		i.Print(imported{result.Lines, result.Created, result.Before, result.Refused, i.DryRun}, "")
	}
	if err == nil && result.Refused > 0 {
		err = fmt.Errorf("%s refused; correct the input and run the same command again", cli.Count(result.Refused, "line"))
	}
	return i.Explain(err)
}
