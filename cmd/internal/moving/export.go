// Package moving holds what the commands export and import share, whatever store they open.
package moving

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
)

// Opener opens a store, and returns a function that closes it.
type Opener func(context.Context) (*domain.Service, func() error, error)

// Export writes all users with all their factors to an encrypted file.
type Export struct {
	Output    string   `arg:"" type:"path" help:"File to write. It must not exist. Each hundred thousand users fill a part; further parts end in .2, .3 and so on."`
	Recipient []string `required:"" placeholder:"age1…" help:"Public age key that can read the file; several, if more than one can."`
	cli.JSON  `embed:""`
}

// exported is the JSON result.
type exported struct {
	Output       string `json:"output"`
	Parts        int    `json:"parts"`
	Users        int    `json:"users"`
	WithoutCodes int    `json:"users_without_backup_codes"`
	Recipients   int    `json:"recipients"`
}

// Write exports the store that source names. After an interrupt the same command goes on.
func (e *Export) Write(ctx context.Context, source string, open Opener) (err error) {
	if _, err := age.ParseRecipients(strings.NewReader(strings.Join(e.Recipient, "\n"))); err != nil {
		return cli.Usagef("--recipient is no age recipient: make an identity with age-keygen and give its public key")
	}
	s, closeStore, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	progress := cli.NewProgress()
	files := migrate.Files{Name: e.Output, Source: source, Recipients: e.Recipient, PartUsers: migrate.PartUsers, Wrap: progress.Writer}
	done, err := files.Export(ctx, s, time.Now())
	progress.End()
	if err != nil {
		if done.Parts > 0 {
			err = fmt.Errorf("%w; %s are done, and the same command goes on after them", err, cli.Count(done.Users, "user"))
		}
		return err
	}
	into := e.Output
	if done.Parts > 1 {
		into += " to ." + strconv.Itoa(done.Parts)
	}
	e.Print(exported{e.Output, done.Parts, done.Users, done.WithoutCodes, len(e.Recipient)}, "%s in %s, encrypted to %s.\n", cli.Count(done.Users, "user"), into, cli.Count(len(e.Recipient), "recipient"))
	if done.WithoutCodes > 0 {
		_, _ = fmt.Fprintf(e.Text(), "%d of them have backup codes of an early version, which cannot be moved; they keep their other factors.\n", done.WithoutCodes)
	}
	return nil
}
