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

	"filippo.io/age"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/transfer"
)

// vault says where users are: a data directory, or a table in AWS. Secrets leave through no API, so exports and imports open the store itself.
type vault struct {
	Data       string    `default:".countersign" type:"path" help:"Directory of the data. Stop its server first."`
	Table      string    `help:"DynamoDB table, in place of a directory. Region and credentials are those of AWS_REGION, AWS_ACCESS_KEY_ID and so on."`
	KMSKey     string    `help:"ARN of the KMS key that wraps the table's master keys."`
	RestoredAt time.Time `env:"COUNTERSIGN_RESTORED_AT" help:"The restored_at of the deployment's settings, after a restore from a backup."`
}

func (v *vault) open(ctx context.Context, mayMake bool) (*mfa.Service, func() error, error) {
	if v.Table == "" {
		return local.Vault(ctx, v.Data, time.Now, mayMake)
	}
	s, err := lambdahost.Vault(ctx, lambdahost.Environment{
		Table: v.Table, Key: v.KMSKey, RestoredAt: v.RestoredAt, Region: os.Getenv("AWS_REGION"), AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"),
		SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Endpoint: os.Getenv("AWS_ENDPOINT_URL"),
	})
	return s, func() error { return nil }, err
}

type exportCmd struct {
	Output    string   `arg:"" type:"path" help:"File to write. It must not exist."`
	Recipient []string `required:"" help:"Who can read it: an age recipient, age1…; several, if more than one can."`
	vault     `embed:""`
}

// Run exports. What was begun and not finished is removed.
func (e *exportCmd) Run() (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	recipients, err := age.ParseRecipients(strings.NewReader(strings.Join(e.Recipient, "\n")))
	if err != nil {
		return errors.New("--recipient is no age recipient: make an identity with age-keygen and give its public key")
	}
	s, closeVault, err := e.open(ctx, false)
	if err != nil {
		return plain(err)
	}
	defer func() { err = errors.Join(err, closeVault()) }()
	file, err := os.OpenFile(e.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("output: %w", err)
	}
	done, err := transfer.Write(ctx, file, recipients, s, time.Now())
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(e.Output))
	}
	fmt.Printf("%d users are in %s, encrypted to %d recipients.\n", done.Users, e.Output, len(recipients))
	if done.WithoutCodes > 0 {
		fmt.Printf("%d of them have backup codes of an early version, which cannot be moved; they keep their other factors.\n", done.WithoutCodes)
	}
	return nil
}

// restore imports an export of another instance.
func (i *importCmd) restore(ctx context.Context) (err error) {
	keys, err := os.Open(i.AgeIdentity)
	if err != nil {
		return fmt.Errorf("--age-identity: %w", err)
	}
	defer keys.Close()
	identities, err := age.ParseIdentities(keys)
	if err != nil {
		return errors.New("--age-identity is no file of age identities")
	}
	file, err := os.Open(i.Input)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	defer file.Close()
	s, closeVault, err := i.open(ctx, true)
	if err != nil {
		return plain(err)
	}
	defer func() { err = errors.Join(err, closeVault()) }()
	done, err := transfer.Restore(ctx, file, identities, s, os.Stderr)
	fmt.Printf("%d users: %d created, %d were there, %d refused\n", done.Users, done.Created, done.There, done.Refused)
	if done.Settings {
		fmt.Println("The settings are those of the export.")
	}
	if err == nil && done.Refused > 0 {
		err = fmt.Errorf("%d users were refused", done.Refused)
	}
	return err
}
