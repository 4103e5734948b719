package main

import (
	"maps"
	"slices"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsdynamodb"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awskms"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssecretsmanager"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/infra/watch"
)

// Env is the account and region of a deployment.
type Env struct{ Account, Region string }

// fallbackRegion is used when no region is set, as in a synth without credentials, because the
// table's construct needs one.
const fallbackRegion = "eu-central-1"

func (e Env) cdk() *awscdk.Environment {
	if e.Region == "" {
		e.Region = fallbackRegion
	}
	environment := &awscdk.Environment{Region: &e.Region}
	if e.Account != "" {
		environment.Account = &e.Account
	}
	return environment
}

// NewStacks builds the data stack and the service stack. data is nil when the service uses only
// existing data.
func NewStacks(app awscdk.App, settings Settings, env Env, zip func(string) string) (data *Data, service *Stack) {
	data, service = NewData(app, settings, env), NewStack(app, settings, env, zip)
	if data != nil {
		service.cdk.AddStackDependency(data.cdk, jsii.String("its SSM parameters name the data"))
	}
	return data, service
}

// Stack is the service under construction: everything that can be made again.
type Stack struct {
	cdk      awscdk.Stack
	settings Settings
	zip      func(name string) string
	table    awsdynamodb.ITableV2
	sealing  awskms.IKey
	secret   awssecretsmanager.ISecret
	// edgeSecret proves to the functions that a request came through CloudFront; nil without it.
	edgeSecret awssecretsmanager.CfnSecret
	failures   awssqs.Queue
	smsLog     awsiam.Role // with which SNS logs failed deliveries
	url        *string
	key        *string // publishable key
	// logs is one group for all functions: a group for each would be a quarter of the 500 resources
	// that a stack may have, and Logs Insights reads at most 50 groups that are picked by hand.
	logs, access awslogs.LogGroup
	functions    map[string]lambdaFunction
}

// NewStack builds the service stack. zip returns the path of a function's zip.
func NewStack(app awscdk.App, settings Settings, env Env, zip func(string) string) *Stack {
	s := &Stack{
		cdk: awscdk.NewStack(app, &settings.Name, &awscdk.StackProps{
			Env: env.cdk(), Description: jsii.String("Countersign: multi-factor authentication"), AnalyticsReporting: jsii.Bool(false),
			SuppressTemplateIndentation: jsii.Bool(true), // CloudFormation counts white space
		}),
		settings: settings, zip: zip, functions: map[string]lambdaFunction{},
	}
	awscdk.Tags_Of(s.cdk).Add(jsii.String("application"), jsii.String("countersign"), nil)
	s.storage()
	if settings.Edge != nil {
		s.edgeSecret = s.secretOfEdge()
	}
	s.failures = s.queue()
	gateway := s.gateway()
	s.smsLogRole()
	s.logs = s.logGroup("FunctionsLog", watch.FunctionsLog)
	for _, f := range plan.Functions() {
		s.function(f)
	}
	regional := s.routes(gateway)
	if settings.Edge != nil {
		s.edge(regional)
	}
	if !s.settings.Canary { // the jobs of the other service serve the same table
		s.jobs()
		s.feed()
		s.smsReports()
	}
	s.watch(gateway)
	s.lintInTemplate()
	s.outputs()
	return s
}

// names returns the functions' names in order.
func (s *Stack) names() []string { return slices.Sorted(maps.Keys(s.functions)) }

// outputs adds the values that an application's configuration needs.
func (s *Stack) outputs() {
	for name, value := range map[string]struct{ about, is *string }{
		"NumberingPlans": {jsii.String("The age of the numbering plans, by which new phone numbers are valid"), jsii.String(s.settings.SMS.plansAge())},
		"ApiUrl":         {jsii.String("Where clients reach the API: the proxy URL, or the Frontend API URL, of Clerk's SDKs"), s.url},
		"PublishableKey": {jsii.String("The publishable key of Clerk's SDKs"), s.key},
		"SecretKeyArn":   {jsii.String("The secret with the Backend API's key: aws secretsmanager get-secret-value --secret-id …"), s.secret.SecretArn()},
		"JwksUrl":        {jsii.String("The keys that verify session tokens"), awscdk.Fn_Join(jsii.String(""), &[]*string{s.url, jsii.String("/.well-known/jwks.json")})},
		"TableName":      {jsii.String("The table that the service uses"), s.table.TableName()},
	} {
		awscdk.NewCfnOutput(s.cdk, &name, &awscdk.CfnOutputProps{Value: value.is, Description: value.about})
	}
}
