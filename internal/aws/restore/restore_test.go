package restore_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/aws/restore"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/awsstub"
	"github.com/countersign-mfa/countersign/test/mfatest"
	"github.com/countersign-mfa/countersign/test/needs"
)

// cloud is a table as the data stack makes it, at a stand-in with backups.
type cloud struct {
	mfatest.TB
	client *dynamodb.Client
	table  string
	looks  int
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	endpoint := needs.Or(t, os.Getenv("DYNAMODB_ENDPOINT"), needs.DynamoDB, "DYNAMODB_ENDPOINT names no server; scripts/with-dynamodb.sh starts one")
	backups, err := awsstub.NewBackups(endpoint)
	c := &cloud{TB: mfatest.TB{TB: t}, table: fmt.Sprintf("restore-%d", time.Now().UnixNano())}
	c.Must(err)
	server := httptest.NewServer(backups)
	t.Cleanup(server.Close)
	c.client = dynamodb.New(dynamodb.Options{
		BaseEndpoint: &server.URL, Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""), RetryMaxAttempts: 1,
	})
	schema := dynamo.Schema(c.table)
	schema.Tags = []types.Tag{{Key: aws.String("application"), Value: aws.String("countersign")}}
	_, err = c.client.CreateTable(t.Context(), schema)
	c.Must(err)
	_, err = c.client.UpdateTimeToLive(t.Context(), &dynamodb.UpdateTimeToLiveInput{
		TableName: &c.table, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(dynamo.TimeToLive), Enabled: aws.Bool(true)},
	})
	c.Must(err)
	_, err = c.client.UpdateTable(t.Context(), &dynamodb.UpdateTableInput{TableName: &c.table, DeletionProtectionEnabled: aws.Bool(true)})
	c.Must(err)
	c.keepBackups(true)
	return c
}

func (c *cloud) keepBackups(on bool) {
	c.Helper()
	_, err := c.client.UpdateContinuousBackups(c.Context(), &dynamodb.UpdateContinuousBackupsInput{
		TableName: &c.table, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: &on},
	})
	c.Must(err)
}

// restore restores into a table of another name.
func (c *cloud) restore() restore.Restore {
	return restore.Restore{Client: c.client, From: c.table, To: c.table + "-new", Tell: func(string, ...any) {}, Pause: func(context.Context, time.Duration) error {
		c.looks++
		return nil
	}}
}

func (c *cloud) lacks(table string) []string {
	c.Helper()
	lacks, err := restore.Lacks(c.Context(), c.client, table)
	c.Must(err)
	return lacks
}

// TestARestoredTableIsComplete: the new table has everything that DynamoDB does not restore, and
// the old table is unchanged.
func TestARestoredTableIsComplete(t *testing.T) {
	c := newCloud(t)
	if lacks := c.lacks(c.table); len(lacks) > 0 {
		t.Fatalf("the table before: %v", lacks)
	}
	r := c.restore()
	stream, err := r.Run(t.Context())
	c.Must(err)
	if c.looks == 0 {
		t.Error("it did not wait for the new table")
	}
	if lacks := append(c.lacks(r.To), c.lacks(r.From)...); len(lacks) > 0 {
		t.Errorf("after the restore: %v", lacks)
	}
	out, err := c.client.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{TableName: &r.To})
	c.Must(err)
	if aws.ToString(out.Table.LatestStreamArn) != stream || !strings.Contains(stream, r.To) {
		t.Errorf("the stream is %s, not %s", aws.ToString(out.Table.LatestStreamArn), stream)
	}
	tags, err := c.client.ListTagsOfResource(t.Context(), &dynamodb.ListTagsOfResourceInput{ResourceArn: out.Table.TableArn})
	c.Must(err)
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "countersign" {
		t.Errorf("tags %v", tags.Tags)
	}
	again, err := r.Run(t.Context()) // as after an interrupt
	if err != nil || again != stream {
		t.Errorf("another run: %s, %v", again, err)
	}
}

// TestDynamoDBRestoresLess is a test of the stand-in: without the restore's own work the new table
// lacks what the documentation says.
func TestDynamoDBRestoresLess(t *testing.T) {
	c := newCloud(t)
	to := c.table + "-bare"
	_, err := c.client.RestoreTableToPointInTime(t.Context(), &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: &c.table, TargetTableName: &to, UseLatestRestorableTime: aws.Bool(true)})
	c.Must(err)
	want := "it has no stream of new images; it has no deletion protection; it has no time to live on the attribute ttl; it has no point-in-time recovery"
	if got := strings.Join(c.lacks(to), "; "); got != want {
		t.Errorf("it lacks %q, want %q", got, want)
	}
}

func TestARestoreThatCannotBegin(t *testing.T) {
	c := newCloud(t)
	r := c.restore()
	for name, prepare := range map[string]struct {
		do   func() restore.Restore
		says string
	}{
		"no such table":      {func() restore.Restore { r := r; r.From = "nothing-here"; return r }, "describe the table nothing-here"},
		"a name that exists": {func() restore.Restore { r := r; r.To = r.From; return r }, "is there and is no restore of"},
		"no backups":         {func() restore.Restore { c.keepBackups(false); return r }, "PointInTimeRecoveryUnavailableException"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := prepare.do().Run(t.Context()); err == nil || !strings.Contains(err.Error(), prepare.says) {
				t.Errorf("%v, want %q", err, prepare.says)
			}
		})
	}
}

// TestARestoreRevivesNothing: a service on the restored table, with the time of the restore in its
// settings, refuses sessions, tickets and backup codes from before. The authenticator app and a new
// ticket work.
func TestARestoreRevivesNothing(t *testing.T) {
	c := newCloud(t)
	clock := mfatest.NewClock()
	w := mfatest.New(t, domain.Config{Store: dynamo.New(c.client, c.table, clock.Now), Now: clock.Now})
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"ada@example.com"}})
	w.Must(err)
	id := u.WireID()
	ticket, err := w.MFA.CreateTicket(t.Context(), id, 0)
	w.Must(err)
	in, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	w.Must(err)
	browser := tx.Caller{Credentials: []tx.Credential{{Transport: in.Snapshot.Transport, Token: in.Snapshot.Token}}, Session: in.SignIn.Created}
	app, err := w.MFA.CreateTOTP(t.Context(), browser)
	w.Must(err)
	code := func() secret.Value {
		text, err := totp.Code(app.Secret, clock.Now())
		w.Must(err)
		return secret.New(text)
	}
	enrolled, err := w.MFA.ConfirmTOTP(t.Context(), browser, code())
	w.Must(err)
	ticket, err = w.MFA.CreateTicket(t.Context(), id, time.Hour)
	w.Must(err)

	r := c.restore()
	_, err = r.Run(t.Context())
	w.Must(err)
	old := map[string]func() error{
		"the session": func() error { _, err := w.MFA.Me(t.Context(), browser); return err },
		"a ticket": func() error {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
			return err
		},
		"a backup code": func() error {
			_, err := w.Admin.VerifyTOTP(t.Context(), id, secret.New(enrolled.BackupCodes[0]))
			return err
		},
	}
	clock.Advance(time.Minute)
	w.Config.Store = dynamo.New(c.client, r.To, clock.Now)
	w.Restart()
	if err := old["the session"](); err != nil {
		t.Fatalf("the session is not in the new table, so that the test shows nothing: %v", err)
	}
	w.Config.RestoredAt = clock.Now()
	w.Restart()
	clock.Advance(time.Minute)
	for what, use := range old {
		if err := use(); err == nil {
			t.Errorf("%s from before the restore works", what)
		}
	}
	if _, err := w.Admin.VerifyTOTP(t.Context(), id, code()); err != nil {
		t.Errorf("the app after the restore: %v", err)
	}
}
