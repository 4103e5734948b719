package main

import (
	"context"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/moving"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
)

// dataDir is the data directory of a server that is not running.
type dataDir struct {
	Data string `env:"COUNTERSIGN_DATA" default:".countersign" type:"path" placeholder:"DIR" help:"Directory of the data. Stop its server first."`
}

// with opens the directory with a function of package local. No API returns secrets, so exports and
// imports open the store themselves.
func (d dataDir) with(open func(context.Context, string, func() time.Time) (*local.Data, error)) moving.Opener {
	return func(ctx context.Context) (*domain.Service, func() error, error) {
		data, err := open(ctx, d.Data, time.Now)
		if err != nil {
			return nil, nil, plain(d.Data, err)
		}
		s, err := migrate.OpenOffline(ctx, data.Store, data.Keys, time.Time{})
		return s, data.Store.Close, err
	}
}

type exportCmd struct {
	moving.Export `embed:""`
	dataDir       `embed:""`
}

// Help implements [kong.HelpProvider].
func (exportCmd) Help() string {
	return `The server must be stopped: an authenticator's secret leaves through no API, so this command reads
the data itself. Ten thousand users take about a second. countersign-tools export reads a deployment in AWS.

  age-keygen -o identity.txt       # prints the public key, age1…
  NAME export --recipient age1… users.age`
}

// Run exports.
func (e *exportCmd) Run(ctx context.Context) error {
	return e.Write(ctx, e.Data, e.with(local.OpenData))
}
