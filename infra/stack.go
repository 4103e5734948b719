package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
)

// Env is the account and region of a deployment.
type Env struct{ Account, Region string }

// fallbackRegion is used when no region is set, as in a synth without credentials, because the
// table's construct needs one.
const fallbackRegion = "eu-central-1"

// Stack is the deployment under construction.
type Stack struct {
	cdk      awscdk.Stack
	settings Settings
	zip      func(name string) string
	table    awsdynamodb.TableV2
	sealing  awskms.Key
	secret   awssecretsmanager.CfnSecret
	failures awssqs.Queue
	url      *string
	key      *string // publishable key
	// logs is one group for all functions: a group for each would be a quarter of the 500 resources
	// that a stack may have, and Logs Insights reads at most 50 groups that are picked by hand.
	logs      awslogs.LogGroup
	functions map[string]lambdaFunction
}

// NewStack builds the stack. zip returns the path of a function's zip.
func NewStack(app awscdk.App, settings Settings, env Env, zip func(string) string) *Stack {
	if env.Region == "" {
		env.Region = fallbackRegion
	}
	environment := &awscdk.Environment{Region: &env.Region}
	if env.Account != "" {
		environment.Account = &env.Account
	}
	s := &Stack{
		cdk: awscdk.NewStack(app, &settings.Name, &awscdk.StackProps{
			Env: environment, Description: jsii.String("Countersign: multi-factor authentication"), AnalyticsReporting: jsii.Bool(false),
		}),
		settings: settings, zip: zip, functions: map[string]lambdaFunction{},
	}
	awscdk.Tags_Of(s.cdk).Add(jsii.String("application"), jsii.String("countersign"), nil)
	s.storage()
	s.failures = s.queue()
	gateway := s.gateway()
	s.logs = s.logGroup("FunctionsLog", "functions")
	for _, f := range plan.Functions() {
		s.function(f)
	}
	s.routes(gateway)
	s.jobs()
	s.feed()
	s.alarms(gateway)
	s.dashboard(gateway)
	s.outputs()
	return s
}

// names returns the functions' names in order.
func (s *Stack) names() []string { return slices.Sorted(maps.Keys(s.functions)) }

// outputs adds the values that an application's configuration needs.
func (s *Stack) outputs() {
	for name, value := range map[string]struct{ about, is *string }{
		"ApiUrl":         {jsii.String("Where clients reach the API: the proxy URL, or the Frontend API URL, of Clerk's SDKs"), s.url},
		"PublishableKey": {jsii.String("The publishable key of Clerk's SDKs"), s.key},
		"SecretKeyArn":   {jsii.String("The secret with the Backend API's key: aws secretsmanager get-secret-value --secret-id …"), s.secret.Ref()},
		"JwksUrl":        {jsii.String("The keys that verify session tokens"), awscdk.Fn_Join(jsii.String(""), &[]*string{s.url, jsii.String("/.well-known/jwks.json")})},
		"TableName":      {jsii.String("The table, for restores"), s.table.TableName()},
	} {
		awscdk.NewCfnOutput(s.cdk, &name, &awscdk.CfnOutputProps{Value: value.is, Description: value.about})
	}
}
