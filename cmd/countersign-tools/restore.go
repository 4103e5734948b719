package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/operator"
	"github.com/countersign-mfa/countersign/internal/aws/restore"
)

type restoreCmd struct {
	Table string    `required:"" env:"COUNTERSIGN_TABLE" placeholder:"NAME" help:"DynamoDB table, the output TableName of the deployment. Region and credentials are those of the shell, as for the AWS CLI."`
	To    string    `required:"" placeholder:"NAME" help:"Name of the new table."`
	At    time.Time `placeholder:"TIME" help:"The time to go back to, RFC 3339; without it the latest that DynamoDB can restore, about five minutes ago."`
}

// Help implements [kong.HelpProvider].
func (restoreCmd) Help() string {
	return `The command restores the table into a new one from point-in-time recovery. DynamoDB restores items and indexes only, so the command also sets the stream, time to live, deletion protection, point-in-time recovery and tags. It changes nothing of the old table, and an interrupted command goes on when it is repeated. Then it prints lines for the settings of the deployment. docs/operate/deploy.md has the whole procedure.

  NAME restore --table … --to countersign-restored --at 2026-01-02T03:04:05Z`
}

// Run restores.
func (r *restoreCmd) Run(ctx context.Context) error {
	config, err := operator.Config(ctx, "")
	if err != nil {
		return err
	}
	stream, err := restore.New(config, r.Table, r.To, r.At, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, format+"\n", args...)
	}).Run(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "Put these lines into the settings in place of such lines there, and deploy.")
	fmt.Print(restore.Settings(r.To, stream, time.Now()))
	return nil
}
