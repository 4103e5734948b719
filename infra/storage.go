package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/jsii-runtime-go"
)

// storage refers to the data: to the parts that the settings name as existing, and else to those of
// the data stack.
func (s *Stack) storage() {
	e := s.settings.Existing
	table := &awsdynamodb.TableAttributesV2{TableName: s.part("Table", partTable, e.Table)}
	if !s.settings.Canary { // which reads no stream
		table.TableStreamArn = s.part("TableStream", partStream, e.TableStream)
	}
	s.table = awsdynamodb.TableV2_FromTableAttributes(s.cdk, jsii.String("ImportedTable"), table)
	s.sealing = awskms.Key_FromKeyArn(s.cdk, jsii.String("ImportedSealingKey"), s.part("SealingKey", partSealing, e.SealingKey))
	s.secret = awssecretsmanager.Secret_FromSecretCompleteArn(s.cdk, jsii.String("ImportedSecretKey"), s.part("SecretKey", partSecret, e.Secret))
}

// part returns the name or ARN of a part of the data. Without a value in the settings it is a
// template parameter, whose value CloudFormation reads from SSM at each deployment. An export of
// the data stack would forbid every change of the value while a service imports it.
func (s *Stack) part(id, part, existing string) *string {
	if existing != "" {
		return &existing
	}
	return awscdk.NewCfnParameter(s.cdk, &id, &awscdk.CfnParameterProps{
		Type: jsii.String("AWS::SSM::Parameter::Value<String>"), Default: jsii.String(s.settings.parameter(part)),
		Description: jsii.String("The name of an SSM parameter of the stack " + s.settings.Data),
	}).ValueAsString()
}
