package main

import (
	"context"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/ops/smoke"
)

type smokeCmd struct {
	cli.Target `embed:""`
	cli.JSON   `embed:""`
}

// Help implements [kong.HelpProvider].
func (smokeCmd) Help() string {
	return `The user is deleted at the end, whatever happens.

  NAME smoke http://localhost:8080
  COUNTERSIGN_SECRET_KEY=… NAME smoke https://auth.example.com`
}

// smokeStep is the JSON result of a step.
type smokeStep struct {
	Step  string `json:"step"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// Run tries a deployment with a throw-away user.
func (s *smokeCmd) Run(ctx context.Context) error {
	url, key, err := s.Resolve()
	if err != nil {
		return err
	}
	return s.Explain(smoke.Run(ctx, smoke.Config{URL: url, SecretKey: key, Now: time.Now, Done: func(step string, err error) {
		if err != nil {
			s.Print(smokeStep{Step: step, Error: s.Explain(err).Error()}, "FAILED  %s\n", step)
			return
		}
		s.Print(smokeStep{Step: step, OK: true}, "ok      %s\n", step)
	}}))
}
