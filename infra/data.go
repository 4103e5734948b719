package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsbackup"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsssm"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// Data is the stack of everything that cannot be made again: the table, its key, the key that wraps
// master keys, and the secret for the Backend API key. It publishes their names as SSM parameters.
// Several service stacks may use them.
type Data struct {
	cdk      awscdk.Stack
	settings Settings
}

// The parts of the data, as the SSM parameters /countersign/<data>/<part> name them.
const (
	partTable   = "table"
	partStream  = "table-stream"
	partSealing = "sealing-key"
	partSecret  = "secret"
)

// parameter returns the name of the SSM parameter of a part.
func (s Settings) parameter(part string) string { return "/countersign/" + s.Data + "/" + part }

// rolePath is the path of the roles of all services that use the data. The policy of the sealing
// key allows this path, because the key is older than the roles.
func (s Settings) rolePath() string { return "/countersign/" + s.Data + "/" }

// NewData builds the stack of the parts that the settings do not name as existing. It returns nil
// when there is nothing to make. A canary uses the data of another service and makes none, so that
// its settings cannot change them.
func NewData(app awscdk.App, settings Settings, env Env) *Data {
	if e := settings.Existing; settings.Canary || e.Table != "" && e.SealingKey != "" && e.Secret != "" && !settings.Backup.on() {
		return nil
	}
	d := &Data{settings: settings, cdk: awscdk.NewStack(app, &settings.Data, &awscdk.StackProps{
		Env: env.cdk(), Description: jsii.String("Countersign: table and keys"), AnalyticsReporting: jsii.Bool(false),
		TerminationProtection: jsii.Bool(true),
	})}
	awscdk.Tags_Of(d.cdk).Add(jsii.String("application"), jsii.String("countersign"), nil)
	var before []awscdk.CfnResource
	if settings.Existing.SealingKey == "" {
		before = append(before, d.sealingKey())
	}
	if settings.Existing.Secret == "" {
		before = append(before, d.secret())
	}
	var key awskms.Key
	if settings.Existing.Table == "" || settings.Backup.on() {
		key = d.tableKey()
	}
	var plan awsbackup.CfnBackupPlan
	var role awsiam.Role
	if settings.Backup.on() {
		plan, role = d.backupPlan(key), d.backupRole()
		before = append(before, plan, role.Node().DefaultChild().(awscdk.CfnResource))
	}
	arn := join("arn:", awscdk.Aws_PARTITION(), ":dynamodb:", d.cdk.Region(), ":", d.cdk.Account(), ":table/", settings.Existing.Table)
	if settings.Existing.Table == "" {
		arn = d.table(key, before)
	}
	if settings.Backup.on() {
		d.backUp(plan, role, arn)
	}
	return d
}

// publish stores a part's name for the service stacks.
func (d *Data) publish(id, part string, value *string) {
	awsssm.NewCfnParameter(d.cdk, jsii.String(id+"Parameter"), &awsssm.CfnParameterProps{
		Name: jsii.String(d.settings.parameter(part)), Type: jsii.String("String"), Value: value,
	})
}

// sealingKey makes the key that wraps master keys. It is a multi-Region key from the start, because
// KMS cannot convert a key later, and without it a copy of the table in another Region is useless.
func (d *Data) sealingKey() awscdk.CfnResource {
	key := awskms.NewKey(d.cdk, jsii.String("SealingKey"), &awskms.KeyProps{
		Description: jsii.String("Wraps the master keys of " + d.settings.Data), EnableKeyRotation: jsii.Bool(true), MultiRegion: jsii.Bool(true),
		Policy: d.sealingPolicy(), RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
	})
	d.publish("SealingKey", partSealing, key.KeyArn())
	return key.Node().DefaultChild().(awscdk.CfnResource)
}

// keyAdministration are the actions of key administrators in KMS's own default policy, without
// kms:CreateGrant, with which an administrator could gain the right to decrypt:
// https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
var keyAdministration = []string{
	"kms:CreateAlias", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*", "kms:Disable*", "kms:Get*", "kms:Delete*",
	"kms:TagResource", "kms:UntagResource", "kms:ScheduleKeyDeletion", "kms:CancelKeyDeletion", "kms:RotateKeyOnDemand", "kms:ReplicateKey",
}

// sealingPolicy lets the account's administrators administer the key, and only the roles of the
// services and the operator of the settings use it, for master keys.
func (d *Data) sealingPolicy() awsiam.PolicyDocument {
	users := []*string{join("arn:", awscdk.Aws_PARTITION(), ":iam::", d.cdk.Account(), ":role", d.settings.rolePath(), "*")}
	if d.settings.KeyOperator != "" {
		users = append(users, &d.settings.KeyOperator)
	}
	account := &[]awsiam.IPrincipal{awsiam.NewAccountRootPrincipal()}
	return awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{Statements: &[]awsiam.PolicyStatement{
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid: jsii.String("Administration"), Principals: account, Actions: jsii.Strings(keyAdministration...), Resources: jsii.Strings("*"),
		}),
		awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
			Sid: jsii.String("MasterKeys"), Principals: account, Resources: jsii.Strings("*"),
			Actions: jsii.Strings("kms:Decrypt", "kms:GenerateDataKeyWithoutPlaintext"),
			Conditions: &map[string]any{
				"ArnLike":      map[string]any{"aws:PrincipalArn": users},
				"StringEquals": map[string]any{"kms:EncryptionContext:countersign:purpose": "master-key"},
			},
		}),
	}})
}

// secret makes the empty secret into which keys-rotate writes the Backend API key.
func (d *Data) secret() awscdk.CfnResource {
	secret := awssecretsmanager.NewCfnSecret(d.cdk, jsii.String("SecretKey"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("The key of the Backend API. The function keys-rotate makes it."),
	})
	secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE, nil)
	d.publish("SecretKey", partSecret, secret.Ref())
	return secret
}

// tableKey makes the key of the table and of its backups.
func (d *Data) tableKey() awskms.Key {
	key := awskms.NewKey(d.cdk, jsii.String("TableKey"), &awskms.KeyProps{
		Description: jsii.String("Encrypts the table of " + d.settings.Data), EnableKeyRotation: jsii.Bool(true),
		RemovalPolicy: awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE,
	})
	// As in the policy of DynamoDB's AWS managed key: a principal that may use the table may use its
	// key, through DynamoDB only.
	key.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("ThroughDynamoDB"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"),
		Resources:  jsii.Strings("*"), // in a key's policy: this key
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"kms:CallerAccount": d.cdk.Account(),
			"kms:ViaService":    join("dynamodb.", d.cdk.Region(), ".amazonaws.com"),
		}},
	}), nil)
	return key
}

// table makes the table of dynamo.Schema and returns its ARN. Deletion protection would make the
// rollback of a failed creation fail, so everything else that can fail comes before the table.
func (d *Data) table(key awskms.Key, before []awscdk.CfnResource) *string {
	table := awsdynamodb.NewTableV2(d.cdk, jsii.String("Table"), tableProps(key, d.settings.Warm))
	for _, part := range before {
		table.Node().DefaultChild().(awscdk.CfnResource).AddResourceDependency(part, nil)
	}
	d.publish("Table", partTable, table.TableName())
	d.publish("TableStream", partStream, table.TableStreamArn())
	awscdk.NewCfnOutput(d.cdk, jsii.String("TableName"), &awscdk.CfnOutputProps{Value: table.TableName(), Description: jsii.String("The table, for restores")})
	return table.TableArn()
}

// cdk translates the settings for the CDK: nothing, where they have nothing.
func (w Warm) cdk() *awsdynamodb.WarmThroughput {
	if w == (Warm{}) {
		return nil
	}
	return &awsdynamodb.WarmThroughput{ReadUnitsPerSecond: jsii.Number(w.Reads), WriteUnitsPerSecond: jsii.Number(w.Writes)}
}

// tableProps translates dynamo.Schema for the CDK.
func tableProps(key awskms.Key, warm Warm) *awsdynamodb.TablePropsV2 {
	schema := dynamo.Schema("")
	kinds := map[string]awsdynamodb.AttributeType{}
	for _, a := range schema.AttributeDefinitions {
		kinds[*a.AttributeName] = awsdynamodb.AttributeType(map[string]string{"S": "STRING", "N": "NUMBER", "B": "BINARY"}[string(a.AttributeType)])
	}
	attribute := func(name *string) *awsdynamodb.Attribute {
		return &awsdynamodb.Attribute{Name: name, Type: kinds[*name]}
	}
	var indexes []*awsdynamodb.GlobalSecondaryIndexPropsV2
	for _, index := range schema.GlobalSecondaryIndexes {
		indexes = append(indexes, &awsdynamodb.GlobalSecondaryIndexPropsV2{
			IndexName: index.IndexName, PartitionKey: attribute(index.KeySchema[0].AttributeName), SortKey: attribute(index.KeySchema[1].AttributeName),
			ProjectionType: awsdynamodb.ProjectionType_KEYS_ONLY,
			// A write of the table is one of its index too, and waits for the slower.
			WarmThroughput: warm.cdk(),
		})
	}
	return &awsdynamodb.TablePropsV2{
		PartitionKey:                     attribute(schema.KeySchema[0].AttributeName),
		Billing:                          awsdynamodb.Billing_OnDemand(nil),
		Encryption:                       awsdynamodb.TableEncryptionV2_CustomerManagedKey(key, nil),
		GlobalSecondaryIndexes:           &indexes,
		DynamoStream:                     awsdynamodb.StreamViewType(schema.StreamSpecification.StreamViewType),
		TimeToLiveAttribute:              jsii.String(dynamo.TimeToLive),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtection:               jsii.Bool(true),
		WarmThroughput:                   warm.cdk(),
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN,
	}
}
