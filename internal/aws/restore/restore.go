// Package restore restores the table of a deployment from point-in-time recovery into a new table,
// and gives the new table what DynamoDB does not restore.
package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/clock"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Client is the part of the SDK's client of DynamoDB that a restore uses.
type Client interface {
	Reader
	RestoreTableToPointInTime(context.Context, *dynamodb.RestoreTableToPointInTimeInput, ...func(*dynamodb.Options)) (*dynamodb.RestoreTableToPointInTimeOutput, error)
	UpdateTable(context.Context, *dynamodb.UpdateTableInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTableOutput, error)
	UpdateTimeToLive(context.Context, *dynamodb.UpdateTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateTimeToLiveOutput, error)
	UpdateContinuousBackups(context.Context, *dynamodb.UpdateContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateContinuousBackupsOutput, error)
	ListTagsOfResource(context.Context, *dynamodb.ListTagsOfResourceInput, ...func(*dynamodb.Options)) (*dynamodb.ListTagsOfResourceOutput, error)
	TagResource(context.Context, *dynamodb.TagResourceInput, ...func(*dynamodb.Options)) (*dynamodb.TagResourceOutput, error)
}

// Restore is one restore.
type Restore struct {
	Client Client
	// From and To are the names of the table and of the new table.
	From, To string
	// At is the time to go back to, to the second; zero is the latest that DynamoDB can restore.
	At time.Time
	// Pause waits between two looks at the new table, and Tell reports progress.
	Pause func(context.Context, time.Duration) error
	Tell  func(format string, args ...any)
}

// lookEvery is the pause between two looks at a table. A restore takes from minutes to hours.
const lookEvery = 10 * time.Second

// Run restores the table and returns the ARN of the new table's stream. An interrupted run goes on
// where it stopped. It changes nothing of the old table.
func (r Restore) Run(ctx context.Context) (stream string, err error) {
	from, err := describe(ctx, r.Client, r.From)
	if err != nil {
		return "", err
	}
	if err := r.begin(ctx, from); err != nil {
		return "", err
	}
	for _, step := range []struct {
		what string
		do   func(context.Context, *types.TableDescription) error
	}{
		{"deletion protection", r.protect}, {"stream", r.stream}, {"time to live", r.timeToLive}, {"point-in-time recovery", r.recovery},
		{"tags", func(ctx context.Context, to *types.TableDescription) error { return r.tags(ctx, from, to) }},
	} {
		to, err := r.active(ctx)
		if err == nil {
			err = step.do(ctx, to)
		}
		if err != nil {
			return "", fmt.Errorf("%s of %s: %w", step.what, r.To, err)
		}
		r.Tell("%s: set", step.what)
	}
	to, err := r.active(ctx)
	if err != nil {
		return "", err
	}
	lacks, err := Lacks(ctx, r.Client, r.To)
	if err == nil && len(lacks) > 0 {
		err = fmt.Errorf("the table %s is not complete: %s", r.To, strings.Join(lacks, "; "))
	}
	return aws.ToString(to.LatestStreamArn), err
}

// begin starts the restore, unless the new table is one already.
func (r Restore) begin(ctx context.Context, from *types.TableDescription) error {
	switch to, err := describe(ctx, r.Client, r.To); {
	case err == nil && (to.RestoreSummary == nil || aws.ToString(to.RestoreSummary.SourceTableArn) != aws.ToString(from.TableArn)):
		return fmt.Errorf("the table %s is there and is no restore of %s: choose another name", r.To, r.From)
	case err == nil:
		r.Tell("%s is a restore of %s already, to %s", r.To, r.From, aws.ToTime(to.RestoreSummary.RestoreDateTime).UTC().Format(time.RFC3339))
		return nil
	case !IsMissing(err):
		return err
	}
	in := &dynamodb.RestoreTableToPointInTimeInput{SourceTableName: &r.From, TargetTableName: &r.To}
	if r.At.IsZero() {
		in.UseLatestRestorableTime = aws.Bool(true)
	} else {
		in.RestoreDateTime = &r.At
	}
	if _, err := r.Client.RestoreTableToPointInTime(ctx, in); err != nil {
		return fmt.Errorf("restore %s: %w", r.From, err)
	}
	r.Tell("DynamoDB restores %s into %s, which takes from 20 minutes to hours", r.From, r.To)
	return nil
}

// active waits until the new table and its indexes can be changed. A state other than CREATING and
// UPDATING, such as that of a disabled key, does not end by itself: an error.
func (r Restore) active(ctx context.Context) (*types.TableDescription, error) {
	for {
		to, err := describe(ctx, r.Client, r.To)
		if err != nil {
			return nil, err
		}
		busy := slices.ContainsFunc(to.GlobalSecondaryIndexes, func(i types.GlobalSecondaryIndexDescription) bool { return i.IndexStatus != types.IndexStatusActive })
		if to.TableStatus == types.TableStatusActive && !busy {
			return to, nil
		}
		if to.TableStatus != types.TableStatusActive && to.TableStatus != types.TableStatusCreating && to.TableStatus != types.TableStatusUpdating {
			return nil, fmt.Errorf("the table %s is %s and does not become ACTIVE by itself", r.To, to.TableStatus)
		}
		if err := r.Pause(ctx, lookEvery); err != nil {
			return nil, err
		}
	}
}

func (r Restore) protect(ctx context.Context, to *types.TableDescription) error {
	if aws.ToBool(to.DeletionProtectionEnabled) {
		return nil
	}
	_, err := r.Client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &r.To, DeletionProtectionEnabled: aws.Bool(true)})
	return err
}

func (r Restore) stream(ctx context.Context, to *types.TableDescription) error {
	if to.StreamSpecification != nil && aws.ToBool(to.StreamSpecification.StreamEnabled) {
		return nil
	}
	_, err := r.Client.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: &r.To, StreamSpecification: dynamo.Schema(r.To).StreamSpecification})
	return err
}

// timeToLive asks first, because DynamoDB refuses to enable what is enabled.
func (r Restore) timeToLive(ctx context.Context, _ *types.TableDescription) error {
	on, err := timeToLive(ctx, r.Client, r.To)
	if err != nil || on {
		return err
	}
	_, err = r.Client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{
		TableName: &r.To, TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(dynamo.TimeToLive), Enabled: aws.Bool(true)},
	})
	return err
}

// recovery repeats the request while DynamoDB still prepares backups of a new table.
func (r Restore) recovery(ctx context.Context, _ *types.TableDescription) error {
	const most = 60 // ten minutes
	for try := 1; ; try++ {
		_, err := r.Client.UpdateContinuousBackups(ctx, &dynamodb.UpdateContinuousBackupsInput{
			TableName: &r.To, PointInTimeRecoverySpecification: &types.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: aws.Bool(true)},
		})
		var early *types.ContinuousBackupsUnavailableException
		if !errors.As(err, &early) || try == most {
			return err
		}
		if err := r.Pause(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// tags copies the tags of the old table, without those that only AWS may set.
func (r Restore) tags(ctx context.Context, from, to *types.TableDescription) error {
	var tags []types.Tag
	in := &dynamodb.ListTagsOfResourceInput{ResourceArn: from.TableArn}
	for {
		page, err := r.Client.ListTagsOfResource(ctx, in)
		if err != nil {
			return err
		}
		for _, tag := range page.Tags {
			if !strings.HasPrefix(aws.ToString(tag.Key), "aws:") {
				tags = append(tags, tag)
			}
		}
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			break
		}
	}
	if len(tags) == 0 {
		return nil
	}
	_, err := r.Client.TagResource(ctx, &dynamodb.TagResourceInput{ResourceArn: to.TableArn, Tags: tags})
	return err
}

// New returns a restore of a table with the configuration of the operator.
func New(c aws.Config, from, to string, at time.Time, tell func(format string, args ...any)) Restore {
	return Restore{Client: dynamodb.NewFromConfig(c), From: from, To: to, At: at, Pause: clock.Pause, Tell: tell}
}

// Settings returns the lines of a deployment's settings that adopt a restored table. now becomes
// the time before which sessions and codes are invalid.
func Settings(table, stream string, now time.Time) string {
	return fmt.Sprintf("existing:\n  table: %s\n  table_stream: %s\nrestored_at: %s\n", table, stream, now.UTC().Format(time.RFC3339))
}
