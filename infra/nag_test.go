package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/cloudassemblyschema"
	"github.com/aws/aws-cdk-go/awscdk/v2/cxapi"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"
)

var _ = cloudassemblyschema.ArtifactType("")

// assertionsMessage is the CDK's type of a finding.
type assertionsMessage = cxapi.SynthesisMessage

// justify lists the findings that are accepted, each with its reason.
func justify(stack awscdk.Stack) {
	for _, of := range [][2]string{ // in this order: they are part of the golden template
		{"AwsSolutions-IAM5", "X-Ray knows no resources, a log group's streams have no other name, and a message to a phone number has no ARN; TestLeastPrivilege lists all of them."},
		{"AwsSolutions-SMG4", "The function keys-rotate makes the key and replaces it when the team asks: changing it by itself would cut off the team's servers."},
		{"AwsSolutions-SQS3", "The queue is itself the dead-letter queue of the schedules."},
	} {
		cdknag.NagSuppressions_AddStackSuppressions(stack, &[]*cdknag.NagPackSuppression{{Id: jsii.String(of[0]), Reason: jsii.String(of[1])}}, jsii.Bool(true))
	}
}
