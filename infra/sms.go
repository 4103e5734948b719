package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/smslogging"
)

// smsGroup returns the name of SNS's log group of messages to numbers, which is one for the account
// and region (https://docs.aws.amazon.com/sns/latest/dg/sms_stats_cloudwatch.html).
func (s *Stack) smsGroup(end string) *string {
	return awscdk.Fn_Join(jsii.String("/"), &[]*string{jsii.String("sns"), s.cdk.Region(), s.cdk.Account(), jsii.String("DirectPublishToPhoneNumber" + end)})
}

// failureGroup is the end of the name of the log group of failed deliveries.
const failureGroup = "/Failure"

func (s *Stack) logGroupARN(name *string) *string {
	return s.cdk.FormatArn(&awscdk.ArnComponents{
		Service: jsii.String("logs"), Resource: jsii.String("log-group"), ResourceName: name, ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
	})
}

// smsLogRole makes the role with which SNS logs messages that it does not deliver. It outlives the
// stack, because the account's setting names it and another team may read the log by then.
func (s *Stack) smsLogRole() {
	everything := awscdk.Fn_Join(jsii.String(""), &[]*string{s.logGroupARN(s.smsGroup("")), jsii.String("*")})
	s.smsLog = awsiam.NewRole(s.cdk, jsii.String("SMSLogRole"), &awsiam.RoleProps{
		AssumedBy: awsiam.NewServicePrincipal(jsii.String("sns.amazonaws.com"), &awsiam.ServicePrincipalOpts{
			Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.cdk.Account()}},
		}),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Log": awsiam.NewPolicyDocument(&awsiam.PolicyDocumentProps{
			Statements: &[]awsiam.PolicyStatement{awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
				Actions:   jsii.Strings("logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"),
				Resources: &[]*string{everything},
			})},
		})},
	})
	s.smsLog.ApplyRemovalPolicy(awscdk.RemovalPolicy_RETAIN_ON_UPDATE_OR_DELETE)
}

// smsReports makes the custom resource that runs sms-logging, and lets the log of failed deliveries
// call sms-reports. A log group that CloudFormation makes would fail where another team has it.
func (s *Stack) smsReports() {
	reports, logging := s.functions[string(plan.Reports)], s.functions[string(plan.Logging)]
	allowed := awslambda.NewCfnPermission(s.cdk, jsii.String("SMSReportsPermission"), &awslambda.CfnPermissionProps{
		Action: jsii.String("lambda:InvokeFunction"), FunctionName: reports.FunctionArn(), Principal: jsii.String("logs.amazonaws.com"),
		SourceAccount: s.cdk.Account(), SourceArn: awscdk.Fn_Join(jsii.String(""), &[]*string{s.logGroupARN(s.smsGroup(failureGroup)), jsii.String(":*")}),
	})
	state := awscdk.NewCustomResource(s.cdk, jsii.String("SMSLogging"), &awscdk.CustomResourceProps{
		ServiceToken: logging.FunctionArn(), ResourceType: jsii.String("Custom::SMSLogging"), ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(jobSecs)),
		Properties: &map[string]any{"Role": s.smsLog.RoleArn(), "LogGroup": s.smsGroup(failureGroup), "Filter": s.settings.Name, "Function": reports.FunctionArn()},
	})
	state.Node().AddDependency(allowed)
	awscdk.NewCfnOutput(s.cdk, jsii.String("SmsUndeliveredSeen"), &awscdk.CfnOutputProps{
		Value: state.GetAttString(jsii.String(smslogging.State)), Description: jsii.String("Whether messages that SNS does not deliver are seen"),
	})
}
