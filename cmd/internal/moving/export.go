// Package moving holds what the commands export and import share, whatever store they open.
package moving

import (
	"context"
	"errors"
	"fmt"
	"os"
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
	Output    string   `arg:"" type:"path" help:"File to write. It must not exist."`
	Recipient []string `required:"" placeholder:"age1…" help:"Public age key that can read the file; several, if more than one can."`
	cli.JSON  `embed:""`
}

// exported is the JSON result.
type exported struct {
	Output       string `json:"output"`
	Users        int    `json:"users"`
	WithoutCodes int    `json:"users_without_backup_codes"`
	Recipients   int    `json:"recipients"`
}

// Write exports the store. It removes a file that it could not finish.
func (e *Export) Write(ctx context.Context, open Opener) (err error) {
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(e.Recipient, "\n")))
	if err != nil {
		return cli.Usagef("--recipient is no age recipient: make an identity with age-keygen and give its public key")
	}
	s, closeStore, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	file, err := os.OpenFile(e.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	progress := cli.NewProgress()
	done, err := migrate.Export(ctx, progress.Writer(file), recipients, s, time.Now())
	progress.End()
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(e.Output))
	}
	e.Print(exported{e.Output, done.Users, done.WithoutCodes, len(recipients)}, "%s in %s, encrypted to %s.\n", cli.Count(done.Users, "user"), e.Output, cli.Count(len(recipients), "recipient"))
	if done.WithoutCodes > 0 {
		_, _ = fmt.Fprintf(e.Text(), "%d of them have backup codes of an early version, which cannot be moved; they keep their other factors.\n", done.WithoutCodes)
	}
	return nil
}
