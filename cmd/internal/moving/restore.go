package moving

import (
	"context"
	"errors"
	"fmt"
	"os"

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
)

// Restore creates the users of an export of Countersign.
type Restore struct {
	Input, Identity string
	cli.JSON
}

// restored is the JSON result.
type restored struct {
	Users           int  `json:"users"`
	Created         int  `json:"created"`
	Existing        int  `json:"there_before"`
	Refused         int  `json:"refused"`
	SettingsApplied bool `json:"settings_taken"`
}

// Read imports all parts of the export into the store.
func (r Restore) Read(ctx context.Context, open Opener) (err error) {
	keys, err := os.Open(r.Identity)
	if err != nil {
		return cli.Usagef("--age-identity: %w", err)
	}
	defer keys.Close()
	identities, err := age.ParseIdentities(keys)
	if err != nil {
		return errors.New("--age-identity is no file of age identities")
	}
	s, closeStore, err := open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeStore()) }()
	progress := cli.NewProgress()
	done, err := migrate.ImportFiles(ctx, r.Input, identities, s, os.Stderr, progress.Reader)
	progress.End()
	r.Print(restored{done.Users, done.Created, done.Existing, done.Refused, done.SettingsApplied}, "%d users: %d created, %d were there, %d refused\n", done.Users, done.Created, done.Existing, done.Refused)
	if done.SettingsApplied {
		_, _ = fmt.Fprintln(r.Text(), "The settings are those of the export.")
	} else if done.Parts > 0 {
		_, _ = fmt.Fprintln(r.Text(), "The settings there are kept: a server has run with this data, or an import before.")
	}
	if err == nil && done.Refused > 0 {
		err = fmt.Errorf("%s refused", cli.Count(done.Refused, "user"))
	}
	return err
}
