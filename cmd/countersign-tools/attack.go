package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/ops/attack"
)

type attackCmd struct {
	cli.Target `embed:""`
	HTML       string   `type:"path" placeholder:"FILE" help:"Write the report as a page."`
	Junit      string   `type:"path" placeholder:"FILE" help:"Write the report as JUnit XML."`
	Only       []string `placeholder:"NAME" help:"Only these probes (B04) or classes (B)."`
	cli.JSON   `embed:""`
}

// Help implements [kong.HelpProvider].
func (attackCmd) Help() string {
	return `A development server is attacked with every probe: its clock is moved, and moved back at the end. On
any other deployment the probes that need a development server are skipped. The command fails if a probe
found a weakness or could not be prepared, and if none ran. docs/security/attacks.md lists the probes.

  NAME attack http://localhost:8080
  COUNTERSIGN_SECRET_KEY=… NAME attack --html report.html https://auth.example.com`
}

// foundByProbe is the JSON result of a probe.
type foundByProbe struct {
	Probe   string  `json:"probe"`
	Outcome string  `json:"outcome"`
	Tries   string  `json:"tries"`
	Must    string  `json:"must"`
	Detail  string  `json:"detail,omitempty"`
	Seconds float64 `json:"seconds"`
}

// Run attacks a deployment and writes the reports, even when a probe failed.
func (a *attackCmd) Run(ctx context.Context) error {
	for _, word := range a.Only {
		if !slices.ContainsFunc(attack.Probes(), func(p attack.Probe) bool { return p.Is(word) }) {
			return cli.Usagef("--only %s: there is no such probe or class", word)
		}
	}
	url, key, err := a.Resolve()
	if err != nil {
		return err
	}
	config := attack.Config{URL: url, SecretKey: key, Now: time.Now, Out: a.Text(), Only: a.Only}
	if a.JSON.JSON {
		config.Found = func(r attack.Result) {
			a.Print(foundByProbe{r.Name, r.Outcome, r.Tries, r.Must, r.Detail, r.Took.Seconds()}, "")
		}
	}
	report, err := attack.Run(ctx, config)
	return errors.Join(a.Explain(err), written(a.HTML, report.HTML), written(a.Junit, report.JUnit))
}

// written writes a file if it has a name.
func written(name string, write func(io.Writer) error) error {
	if name == "" {
		return nil
	}
	f, err := os.Create(name) //nolint:gosec // the operator names the file
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return errors.Join(write(f), f.Close())
}
