package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
	"github.com/countersign-mfa/countersign/internal/ops/seed"
)

// seedCmd fills a data directory.
type seedCmd struct {
	Data     string `arg:"" type:"path" help:"Data directory of a server that is not running. It is made when it does not exist."`
	Users    int    `default:"1000" placeholder:"NUMBER" help:"Users to create."`
	Seed     uint64 `default:"1" placeholder:"NUMBER" help:"Another seed makes other users."`
	cli.JSON `embed:""`
}

// Help implements [kong.HelpProvider].
func (seedCmd) Help() string {
	return `Users with names, e-mail addresses, phone numbers, apps and backup codes, for tests and
measurements. The same seed makes the same users, so the same command goes on where an interrupted
one stopped.

  NAME seed --users 100000 /tmp/many
  countersign serve --data /tmp/many`
}

// seeded is the JSON result.
type seeded struct {
	Users int     `json:"users"`
	Rate  float64 `json:"users_per_second"`
}

// Run fills the directory.
func (s *seedCmd) Run(ctx context.Context) error {
	began := time.Now()
	if err := fill(ctx, s.Data, s.Seed, s.Users); err != nil {
		return err
	}
	rate := float64(s.Users) / time.Since(began).Seconds()
	s.Print(seeded{s.Users, rate}, "%s in %s, %.0f a second\n", cli.Count(s.Users, "user"), filepath.Clean(s.Data), rate)
	return nil
}

// fill creates the users of a seed in a data directory.
func fill(ctx context.Context, dir string, number uint64, users int) (err error) {
	data, err := local.MakeData(ctx, dir, time.Now)
	if err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, data.Store.Close()) }()
	service, err := migrate.OpenOffline(ctx, data.Store, data.Keys, time.Time{})
	if err != nil {
		return err
	}
	progress := cli.NewProgress()
	defer progress.End()
	return seed.Fill(ctx, service, number, users, func(done int) { progress.Tell("%d of %d users", done, users) })
}
