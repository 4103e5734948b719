package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/countersign-mfa/countersign/internal/ops/importer"
)

type importCmd struct {
	Input      string `arg:"" type:"path" help:"File of JSON lines, a user in each; or, with --age-identity, an export of Countersign."`
	URL        string `default:"http://localhost:8080" help:"Where the API is."`
	keyFlags   `embed:""`
	State      string `type:"path" help:"File that remembers who was created; the input's name and .state when left out."`
	DryRun     bool   `help:"Only say what would be created and what refused, and whose second factor could not be proved. Reads the settings of --url, and changes nothing there."`
	Incomplete bool   `help:"Also create users whose password or authenticator app is not in the file, or cannot be used here; they lose it."`

	AgeIdentity string `type:"path" help:"File with the age identity that opens an export of Countersign, whose users then come with all their factors, straight into a store. See docs/use/moving-away.md."`
	vault       `embed:""`
}

// Run imports; the first Ctrl-C lets the user under way be finished, the second ends at once.
func (i *importCmd) Run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	switch {
	case i.AgeIdentity != "" && (i.DryRun || i.Incomplete || i.State != ""):
		return errors.New("--dry-run, --incomplete and --state are for imports from Clerk; without them --age-identity imports what the export holds")
	case i.AgeIdentity != "":
		return i.restore(ctx)
	case i.Table != "":
		return errors.New("--table is for an export of Countersign: give --age-identity too; users from Clerk go through the API of --url")
	}
	key, err := i.orPublished()
	if err != nil {
		return err
	}
	if i.State == "" {
		i.State = i.Input + ".state"
	}
	result, err := importer.Run(ctx, importer.Config{
		Input: i.Input, State: i.State, URL: strings.TrimRight(i.URL, "/"), SecretKey: key, DryRun: i.DryRun, Incomplete: i.Incomplete,
		Out: os.Stdout, Now: time.Now, Pause: pause,
	})
	if err == nil && result.Refused > 0 {
		err = fmt.Errorf("%d lines were refused; correct them and run the same command again", result.Refused)
	}
	return err
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
