package main

import (
	"context"
	"os"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/cmd/internal/moving"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/ops/migrate"
)

// table is a deployment's DynamoDB table.
type table struct {
	Table      string    `required:"" env:"COUNTERSIGN_TABLE" placeholder:"NAME" help:"DynamoDB table. Region and credentials are those of $AWS_REGION, $AWS_ACCESS_KEY_ID and so on."`
	KMSKey     string    `required:"" name:"kms-key" env:"COUNTERSIGN_KEY" placeholder:"ARN" help:"KMS key that wraps the table's master keys."`
	RestoredAt time.Time `env:"COUNTERSIGN_RESTORED_AT" placeholder:"TIME" help:"The restored_at of the deployment's settings, after a restore from a backup."`
}

func (t table) open(ctx context.Context) (*domain.Service, func() error, error) {
	e := lambdahost.Environment{Table: t.Table, Key: t.KMSKey, Endpoint: os.Getenv("AWS_ENDPOINT_URL"), SessionToken: os.Getenv("AWS_SESSION_TOKEN")}
	for name, value := range map[string]*string{"AWS_REGION": &e.Region, "AWS_ACCESS_KEY_ID": &e.AccessKeyID, "AWS_SECRET_ACCESS_KEY": &e.SecretAccessKey} {
		if *value = os.Getenv(name); *value == "" {
			return nil, nil, cli.Usagef("%s is not set: eval \"$(aws configure export-credentials --format env)\" sets the credentials", name)
		}
	}
	d := lambdahost.Connect(e)
	s, err := migrate.OpenOffline(ctx, d.Store, d.Keys, t.RestoredAt)
	return s, func() error { return nil }, err
}

type exportCmd struct {
	moving.Export `embed:""`
	table         `embed:""`
}

// Help implements [kong.HelpProvider].
func (exportCmd) Help() string {
	return `The command reads the table while the deployment runs. docs/use/moving-away.md has the rights that it needs.

  NAME export --table … --kms-key arn:… --recipient age1… users.age`
}

// Run exports.
func (e *exportCmd) Run(ctx context.Context) error { return e.Write(ctx, "table "+e.Table, e.open) }

type importCmd struct {
	Input       string `arg:"" type:"existingfile" help:"Export of Countersign."`
	AgeIdentity string `required:"" type:"path" placeholder:"FILE" help:"File with the age identity that opens the export."`
	table       `embed:""`
	cli.JSON    `embed:""`
}

// Help implements [kong.HelpProvider].
func (importCmd) Help() string {
	return `Users that are there stay as they are, so the same command goes on where an interrupted one stopped.

  NAME import --table … --kms-key arn:… --age-identity identity.txt users.age`
}

// Run imports.
func (i *importCmd) Run(ctx context.Context) error {
	return moving.Restore{Input: i.Input, Identity: i.AgeIdentity, JSON: i.JSON}.Read(ctx, i.open)
}
