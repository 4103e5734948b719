package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/ops/attack"
)

type attackCmd struct {
	URL      string `arg:"" optional:"" default:"http://localhost:8080" help:"Where clients reach the API."`
	keyFlags `embed:""`
	HTML     string   `type:"path" help:"Write the report as a page."`
	Junit    string   `type:"path" help:"Write the report as JUnit XML."`
	Only     []string `help:"Only these probes (B04) or classes (B)."`
}

// Run attacks a deployment and writes the reports, also when a probe failed.
func (a *attackCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	key, err := a.orPublished()
	if err != nil {
		return err
	}
	report, err := attack.Run(ctx, attack.Config{
		URL: strings.TrimRight(a.URL, "/"), SecretKey: key, Now: time.Now, Out: os.Stdout, Only: a.Only,
	})
	return errors.Join(err, written(a.HTML, report.HTML), written(a.Junit, report.JUnit))
}

// written writes a file, if there is a name for it.
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
