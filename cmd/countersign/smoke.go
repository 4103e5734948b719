package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/ops/smoke"
)

type smokeCmd struct {
	URL      string `default:"http://localhost:8080" help:"Where clients reach the API."`
	keyFlags `embed:""`
}

// Run tries a deployment with a throw-away user.
func (s *smokeCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	key, err := s.orPublished()
	if err != nil {
		return err
	}
	return smoke.Run(ctx, smoke.Config{URL: strings.TrimRight(s.URL, "/"), SecretKey: key, Now: time.Now, Out: os.Stdout})
}
