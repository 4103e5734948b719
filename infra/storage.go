package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// storage makes the table, its key, the key that wraps master keys, and the secret for the Backend
// API key. All outlive the stack: without the sealing key every authenticator is lost.
func (s *Stack) storage() {
	tableKey := awskms.NewKey(s.cdk, jsii.String("TableKey"), &awskms.KeyProps{
		Description: jsii.String("Encrypts the table " + s.settings.Name), EnableKeyRotation: jsii.Bool(true), RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
	// As in the policy of DynamoDB's AWS managed key: a principal that may use the table may use its
	// key, through DynamoDB only.
	tableKey.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Sid:        jsii.String("ThroughDynamoDB"),
		Principals: &[]awsiam.IPrincipal{awsiam.NewAnyPrincipal()},
		Actions:    jsii.Strings("kms:Encrypt", "kms:Decrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo", "kms:GenerateDataKey", "kms:DescribeKey", "kms:CreateGrant"),
		Resources:  jsii.Strings("*"), // in a key's policy: this key
		Conditions: &map[string]any{"StringEquals": map[string]any{
			"kms:CallerAccount": s.cdk.Account(),
			"kms:ViaService":    awscdk.Fn_Join(jsii.String(""), &[]*string{jsii.String("dynamodb."), s.cdk.Region(), jsii.String(".amazonaws.com")}),
		}},
	}), nil)
	s.sealing = awskms.NewKey(s.cdk, jsii.String("SealingKey"), &awskms.KeyProps{
		Description: jsii.String("Wraps the master keys of " + s.settings.Name), EnableKeyRotation: jsii.Bool(true), RemovalPolicy: awscdk.RemovalPolicy_RETAIN,
	})
	s.secret = awssecretsmanager.NewCfnSecret(s.cdk, jsii.String("SecretKey"), &awssecretsmanager.CfnSecretProps{
		Description: jsii.String("The key of the Backend API. The function keys-rotate makes it."),
	})
	s.secret.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN, nil)
	s.table = s.newTable(tableKey)
}

// newTable makes the table of dynamo.Schema.
func (s *Stack) newTable(key awskms.Key) awsdynamodb.TableV2 {
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
		})
	}
	return awsdynamodb.NewTableV2(s.cdk, jsii.String("Table"), &awsdynamodb.TablePropsV2{
		PartitionKey:                     attribute(schema.KeySchema[0].AttributeName),
		Billing:                          awsdynamodb.Billing_OnDemand(nil),
		Encryption:                       awsdynamodb.TableEncryptionV2_CustomerManagedKey(key, nil),
		GlobalSecondaryIndexes:           &indexes,
		DynamoStream:                     awsdynamodb.StreamViewType(schema.StreamSpecification.StreamViewType),
		TimeToLiveAttribute:              jsii.String(dynamo.TimeToLive),
		PointInTimeRecoverySpecification: &awsdynamodb.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: jsii.Bool(true)},
		DeletionProtection:               jsii.Bool(true),
		RemovalPolicy:                    awscdk.RemovalPolicy_RETAIN,
	})
}
