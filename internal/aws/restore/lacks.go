package restore

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Reader is the part of the SDK's client of DynamoDB that describes a table.
type Reader interface {
	DescribeTable(context.Context, *dynamodb.DescribeTableInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTableOutput, error)
	DescribeTimeToLive(context.Context, *dynamodb.DescribeTimeToLiveInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeTimeToLiveOutput, error)
	DescribeContinuousBackups(context.Context, *dynamodb.DescribeContinuousBackupsInput, ...func(*dynamodb.Options)) (*dynamodb.DescribeContinuousBackupsOutput, error)
}

// IsMissing reports whether an error says that a table does not exist.
func IsMissing(err error) bool {
	var missing *types.ResourceNotFoundException
	return errors.As(err, &missing)
}

func describe(ctx context.Context, client Reader, table string) (*types.TableDescription, error) {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return nil, fmt.Errorf("describe the table %s: %w", table, err)
	}
	if out.Table == nil {
		return nil, fmt.Errorf("describe the table %s: DynamoDB answered without a table", table)
	}
	return out.Table, nil
}

func timeToLive(ctx context.Context, client Reader, table string) (on bool, err error) {
	out, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if err != nil {
		return false, fmt.Errorf("time to live of the table %s: %w", table, err)
	}
	ttl := out.TimeToLiveDescription
	enabled := ttl != nil && (ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabled || ttl.TimeToLiveStatus == types.TimeToLiveStatusEnabling)
	return enabled && aws.ToString(ttl.AttributeName) == dynamo.TimeToLive, nil
}

// Lacks returns what a table lacks of [dynamo.Schema] and of the safety of a table that the data
// stack makes, as phrases: nothing for a complete table.
func Lacks(ctx context.Context, client Reader, table string) ([]string, error) {
	is, err := describe(ctx, client, table)
	if err != nil {
		return nil, err
	}
	var lacks []string
	need := func(ok bool, what string) {
		if !ok {
			lacks = append(lacks, what)
		}
	}
	schema := dynamo.Schema(table)
	need(reflect.DeepEqual(is.KeySchema, schema.KeySchema), "its key is another")
	for _, index := range schema.GlobalSecondaryIndexes {
		need(hasIndex(is, index), "it has no index "+*index.IndexName+" as this version needs it")
	}
	stream := is.StreamSpecification
	need(stream != nil && aws.ToBool(stream.StreamEnabled) && stream.StreamViewType == schema.StreamSpecification.StreamViewType, "it has no stream of new images")
	need(is.BillingModeSummary != nil && is.BillingModeSummary.BillingMode == types.BillingModePayPerRequest, "it is not in on-demand mode")
	need(aws.ToBool(is.DeletionProtectionEnabled), "it has no deletion protection")
	ttl, err := timeToLive(ctx, client, table)
	if err != nil {
		return nil, err
	}
	need(ttl, "it has no time to live on the attribute "+dynamo.TimeToLive)
	out, err := client.DescribeContinuousBackups(ctx, &dynamodb.DescribeContinuousBackupsInput{TableName: &table})
	if err != nil {
		return nil, fmt.Errorf("backups of the table %s: %w", table, err)
	}
	backups := out.ContinuousBackupsDescription
	need(backups != nil && backups.PointInTimeRecoveryDescription != nil &&
		backups.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus == types.PointInTimeRecoveryStatusEnabled, "it has no point-in-time recovery")
	return lacks, nil
}

func hasIndex(table *types.TableDescription, want types.GlobalSecondaryIndex) bool {
	for _, is := range table.GlobalSecondaryIndexes {
		if aws.ToString(is.IndexName) == *want.IndexName {
			return reflect.DeepEqual(is.KeySchema, want.KeySchema) && is.Projection != nil && is.Projection.ProjectionType == want.Projection.ProjectionType
		}
	}
	return false
}
