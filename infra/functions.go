package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambdadestinations"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/infra/watch"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// lambdaFunction is a function of the stack with its plan.
type lambdaFunction struct {
	awslambda.Function
	plan plan.Function
}

const (
	// memoryMB is the memory of a function. With less, the share of a processor slows TLS and
	// password hashing; see docs/operate/cost.md.
	memoryMB = 512
	waitSecs = 10 // no client waits longer for an answer
	jobSecs  = 300
)

// id returns the logical name of a function or alarm in CloudFormation: me-totp-create is
// MeTotpCreate.
func id(name string) string {
	var b strings.Builder
	for _, word := range strings.Split(name, "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

func (s *Stack) functionName(name string) string { return s.settings.Name + "-" + name }

// logGroup returns a log group.
func (s *Stack) logGroup(id string, log watch.Log) awslogs.LogGroup {
	return awslogs.NewLogGroup(s.cdk, &id, &awslogs.LogGroupProps{
		LogGroupName: jsii.String(log.Name(s.settings.Name)),
		Retention:    awslogs.RetentionDays(retention(s.settings.LogDays)), RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
}

func (s *Stack) function(f plan.Function) {
	tracing := awslambda.Tracing_DISABLED
	if s.settings.Tracing {
		tracing = awslambda.Tracing_ACTIVE
	}
	props := &awslambda.FunctionProps{
		FunctionName: jsii.String(s.functionName(f.Name)),
		Description:  jsii.String(describe(f)),
		Runtime:      awslambda.Runtime_PROVIDED_AL2023(), Architecture: awslambda.Architecture_ARM_64(), Handler: jsii.String("bootstrap"),
		Code:    awslambda.Code_FromAsset(jsii.String(s.zip(f.Name)), nil),
		Role:    s.role(f),
		Timeout: awscdk.Duration_Seconds(jsii.Number(waitSecs)), MemorySize: jsii.Number(memoryMB),
		LogGroup: s.logs, LoggingFormat: awslambda.LoggingFormat_JSON,
		// Lambda's own two log lines for each invocation would cost more than the invocation.
		SystemLogLevelV2: awslambda.SystemLogLevel_WARN, Tracing: tracing,
		Environment: s.environment(f),
	}
	if f.Job == plan.Reports || f.Job == plan.Logging {
		props.Timeout = awscdk.Duration_Seconds(jsii.Number(jobSecs))
		props.RetryAttempts = jsii.Number(2)
	}
	if slices.Contains(plan.Scheduled(), f.Job) {
		props.Timeout = awscdk.Duration_Seconds(jsii.Number(jobSecs))
		props.RetryAttempts = jsii.Number(2)
		// Otherwise a run that failed three times leaves no trace but its log.
		props.OnFailure = awslambdadestinations.NewSqsDestination(s.failures)
	}
	if n := s.settings.SMS.reserved(f); n > 0 {
		props.ReservedConcurrentExecutions = jsii.Number(n)
	}
	s.functions[f.Name] = lambdaFunction{awslambda.NewFunction(s.cdk, jsii.String(id(f.Name)), props), f}
}

func describe(f plan.Function) string {
	if f.Job != "" {
		return "Countersign: " + f.Name
	}
	return fmt.Sprintf("Countersign: %s %s", f.Operations[0].Method, f.Operations[0].Path)
}

// retention returns the CDK's name for a number of days.
func retention(days int) string {
	return map[int]string{
		1: "ONE_DAY", 3: "THREE_DAYS", 5: "FIVE_DAYS", 7: "ONE_WEEK", 14: "TWO_WEEKS", 30: "ONE_MONTH", 60: "TWO_MONTHS", 90: "THREE_MONTHS",
		120: "FOUR_MONTHS", 150: "FIVE_MONTHS", 180: "SIX_MONTHS", 365: "ONE_YEAR",
	}[days]
}

// role allows a function the shared log group, its traces and its grants, each by exact actions on
// exact resources. The policy is part of the role: a separate policy would be one more resource for
// each function, and a stack may have 500.
func (s *Stack) role(f plan.Function) awsiam.IRole {
	policy := awsiam.NewPolicyDocument(nil)
	allow := func(p *awsiam.PolicyStatementProps) { policy.AddStatements(awsiam.NewPolicyStatement(p)) }
	allow(&awsiam.PolicyStatementProps{
		// The name of a stream begins with the date, so no pattern names those of one function.
		Actions: jsii.Strings("logs:CreateLogStream", "logs:PutLogEvents"), Resources: &[]*string{s.logs.LogGroupArn()},
	})
	if s.settings.Tracing { // X-Ray has no resources
		allow(&awsiam.PolicyStatementProps{Actions: jsii.Strings("xray:PutTraceSegments", "xray:PutTelemetryRecords"), Resources: jsii.Strings("*")})
	}
	for _, g := range f.Grants {
		if g.On == plan.Bus && s.settings.EventBus == "" || g.On == plan.EdgeSecret && s.settings.Edge == nil {
			continue
		}
		allow(s.statement(g))
	}
	role := awsiam.NewRole(s.cdk, jsii.String(id(f.Name)+"Role"), &awsiam.RoleProps{
		Path:           jsii.String(s.settings.rolePath()),
		AssumedBy:      awsiam.NewServicePrincipal(jsii.String("lambda.amazonaws.com"), nil),
		InlinePolicies: &map[string]awsiam.PolicyDocument{"Grants": policy},
	})
	// The policy has tracing, the only permission that the library would add.
	return role.WithoutPolicyUpdates(nil)
}

func (s *Stack) statement(g plan.Grant) *awsiam.PolicyStatementProps {
	p := &awsiam.PolicyStatementProps{Actions: &[]*string{&g.Action}}
	switch g.On {
	case plan.Table:
		p.Resources = &[]*string{s.table.TableArn()}
	case plan.Index, plan.Lists:
		index := awscdk.Fn_Join(jsii.String(""), &[]*string{s.table.TableArn(), jsii.String("/index/" + g.On.IndexName())})
		p.Resources = &[]*string{index}
	case plan.Stream:
		streams := awscdk.Fn_Join(jsii.String(""), &[]*string{s.table.TableArn(), jsii.String("/stream/*")})
		p.Resources = &[]*string{streams}
	case plan.Failures:
		p.Resources = &[]*string{s.failures.QueueArn()}
	case plan.Key:
		p.Resources = &[]*string{s.sealing.KeyArn()}
		p.Conditions = &map[string]any{"StringEquals": map[string]any{"kms:EncryptionContext:countersign:purpose": "master-key"}}
	case plan.Bus:
		p.Resources = &[]*string{s.cdk.FormatArn(&awscdk.ArnComponents{Service: jsii.String("events"), Resource: jsii.String("event-bus"), ResourceName: &s.settings.EventBus})}
	case plan.Secret:
		p.Resources = &[]*string{s.secret.SecretArn()}
	case plan.EdgeSecret:
		p.Resources = &[]*string{s.edgeSecret.Ref()}
	case plan.SMSSettings: // they have no ARN
		p.Resources = jsii.Strings("*")
	case plan.FailureLog:
		group := s.logGroupARN(s.smsGroup(failureGroup))
		p.Resources = &[]*string{group, awscdk.Fn_Join(jsii.String(""), &[]*string{group, jsii.String(":*")})}
	case plan.LogRole:
		p.Resources = &[]*string{s.smsLog.RoleArn()}
		p.Conditions = &map[string]any{"StringEquals": map[string]any{"iam:PassedToService": "sns.amazonaws.com"}}
	case plan.Phones:
		// A message to a phone number has no ARN. Topics have ARNs and are excluded: NotResource
		// allows everything without one.
		p.NotResources = &[]*string{jsii.String("arn:" + *awscdk.Aws_PARTITION() + ":sns:*:*:*")}
	}
	return p
}

// environment returns the variables that lambdahost.ReadEnvironment reads.
func (s *Stack) environment(f plan.Function) *map[string]*string {
	set := s.settings
	e := map[string]*string{
		lambdahost.EnvTable: s.table.TableName(), lambdahost.EnvKey: s.sealing.KeyArn(), lambdahost.EnvURL: s.url,
		lambdahost.EnvAppName: &set.AppName, lambdahost.EnvPublishableKey: s.key, lambdahost.EnvSMSHost: &set.SMSHost,
		lambdahost.EnvOrigins: jsii.String(strings.Join(set.Origins, ",")),
	}
	optional := map[string]string{lambdahost.EnvRestoredAt: set.RestoredAt, lambdahost.EnvEventBus: set.EventBus}
	if f.Sends() {
		optional[lambdahost.EnvSenderID], optional[lambdahost.EnvNumber] = set.SMS.SenderID, set.SMS.Number
		optional[lambdahost.EnvMaxPrice] = fmt.Sprint(set.SMS.MaxPrice)
	}
	if f.Permissions.Has(operation.Numbers) {
		optional[lambdahost.EnvNumberRanges] = set.SMS.addedRanges()
	}
	if f.DescribesInstance() {
		optional[lambdahost.EnvNumberingPlans] = set.SMS.plansAge()
	}
	if f.Requested() {
		optional[lambdahost.EnvEdge] = set.Edge.mode()
	}
	for name, value := range optional {
		if value != "" {
			e[name] = &value
		}
	}
	if f.Job == plan.Pages {
		e[lambdahost.EnvAppearance] = jsii.String(set.Appearance.json())
	}
	if f.Job == plan.Rotate || f.Job == plan.Pages {
		e[lambdahost.EnvSecret] = s.secret.SecretArn()
	}
	s.forSAM(e)
	return &e
}
