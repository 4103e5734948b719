package preflight

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	secretstypes "github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/restore"
)

// Checks of the data that the settings name as existing. CloudFormation does not look at them.

// existing returns the value of a variable of the functions that the template has as a text, or "".
// Data that the deployment makes are references.
func (a *account) existing(variable string) string {
	for _, f := range a.of("AWS::Lambda::Function") {
		environment, _ := f.Properties["Environment"].(map[string]any)
		variables, _ := environment["Variables"].(map[string]any)
		if value, _ := variables[variable].(string); value != "" {
			return value
		}
	}
	return ""
}

func (a *account) table(ctx context.Context) ([]Finding, error) {
	name := a.existing(lambdahost.EnvTable)
	if name == "" {
		return nil, nil
	}
	lacks, err := restore.Lacks(ctx, a.tables, name)
	if restore.IsMissing(err) {
		return []Finding{stops("existing.table: there is no table %s in %s", name, a.Region)}, nil
	}
	if err != nil {
		return nil, ask("dynamodb:DescribeTable, DescribeTimeToLive or DescribeContinuousBackups", err)
	}
	var all []Finding
	for _, what := range lacks {
		all = append(all, stops("existing.table: %s: %s; countersign-tools restore completes a restored table when it is repeated", name, what))
	}
	return all, nil
}

// stream checks that the stream of the settings is the table's. A stream that is switched on again
// has another ARN.
func (a *account) stream(ctx context.Context) ([]Finding, error) {
	name := a.existing(lambdahost.EnvTable)
	for _, m := range a.of("AWS::Lambda::EventSourceMapping") {
		named := m.Text("EventSourceArn")
		if name == "" || named == "" {
			continue
		}
		out, err := a.tables.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if restore.IsMissing(err) {
			continue // the check of the table says so
		}
		if err == nil && out.Table == nil {
			err = errEmpty
		}
		if err != nil {
			return nil, ask("dynamodb:DescribeTable", err)
		}
		if is := aws.ToString(out.Table.LatestStreamArn); is != named {
			return []Finding{stops("existing.table_stream: the stream of %s is %q and not %s", name, is, named)}, nil
		}
	}
	return nil, nil
}

func (a *account) key(ctx context.Context) ([]Finding, error) {
	arn := a.existing(lambdahost.EnvKey)
	if arn == "" {
		return nil, nil
	}
	out, err := a.keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &arn})
	var missing *kmstypes.NotFoundException
	if errors.As(err, &missing) {
		return []Finding{stops("existing.sealing_key: there is no key %s", arn)}, nil
	}
	if err == nil && out.KeyMetadata == nil {
		err = errEmpty
	}
	if err != nil {
		return nil, ask("kms:DescribeKey", err)
	}
	switch is := out.KeyMetadata; {
	case is.KeyState == kmstypes.KeyStatePendingDeletion:
		return []Finding{stops("existing.sealing_key: KMS will delete the key, and with it every authenticator: aws kms cancel-key-deletion --key-id %s, then aws kms enable-key", arn)}, nil
	case is.KeyState != kmstypes.KeyStateEnabled:
		return []Finding{stops("existing.sealing_key: the key is %s: aws kms enable-key --key-id %s", is.KeyState, arn)}, nil
	case is.KeySpec != kmstypes.KeySpecSymmetricDefault:
		return []Finding{stops("existing.sealing_key: the key has the type %s and %s is needed", is.KeySpec, kmstypes.KeySpecSymmetricDefault)}, nil
	}
	return nil, nil
}

func (a *account) secret(ctx context.Context) ([]Finding, error) {
	arn := a.existing(lambdahost.EnvSecret)
	if arn == "" {
		return nil, nil
	}
	out, err := a.secrets.DescribeSecret(ctx, &secretsmanager.DescribeSecretInput{SecretId: &arn})
	var missing *secretstypes.ResourceNotFoundException
	if errors.As(err, &missing) {
		return []Finding{stops("existing.secret: there is no secret %s", arn)}, nil
	}
	if err != nil {
		return nil, ask("secretsmanager:DescribeSecret", err)
	}
	if out.DeletedDate != nil {
		return []Finding{stops("existing.secret: the secret will be deleted: aws secretsmanager restore-secret --secret-id %s", arn)}, nil
	}
	return nil, nil
}
