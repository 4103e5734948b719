package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/secret"
	"github.com/countersign-mfa/countersign/internal/smoke"
)

type smokeCmd struct {
	URL       string `default:"http://localhost:8080" help:"Where clients reach the API."`
	SecretKey string `env:"COUNTERSIGN_SECRET_KEY" default:"sk_test_local" help:"The Backend API's key."`
}

// Run tries a deployment with a throw-away user.
func (s *smokeCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	return smoke.Run(ctx, smoke.Config{URL: strings.TrimRight(s.URL, "/"), SecretKey: secret.New(s.SecretKey), Now: time.Now, Out: os.Stdout})
}
