package main

import (
	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsscheduler"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssqs"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/rotation"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
)

// deadLetterQueue is the queue of runs that could not be started, and of batches that could not be
// counted.
const deadLetterQueue = "DeadLetters"

func (s *Stack) queue() awssqs.Queue {
	return awssqs.NewQueue(s.cdk, jsii.String(deadLetterQueue), &awssqs.QueueProps{
		Encryption: awssqs.QueueEncryption_SQS_MANAGED, EnforceSSL: jsii.Bool(true), RetentionPeriod: awscdk.Duration_Days(jsii.Number(14)),
	})
}

// Parameters of the event source mapping that passes notes to statistics-count:
// https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-params.html
const (
	// feedBatch is a number of records. Each holds an item of about a kilobyte; an event has 6 MB.
	feedBatch = 1000
	// feedWait is in seconds. A batch fills for so long, so statistics are right within a minute.
	feedWait = 20
	// feedKept is in seconds. A failing batch then goes to the queue; the stream keeps it for a day.
	feedKept = 12 * 60 * 60
	// feedTries has no limit but feedKept.
	feedTries = -1
	// feedWindow is in seconds, the longest. With a window an event names its shard.
	feedWindow = 15 * 60
	// feedAtOnce is the number of batches of a shard. With more, a position would mean nothing.
	feedAtOnce = 1
)

// feed makes the event source mapping of statistics-count. The filter passes on only items with a
// note.
func (s *Stack) feed() {
	f := s.functions[string(plan.Count)]
	filter := map[string]any{"dynamodb": map[string]any{"NewImage": map[string]any{dynamo.NoteAttribute: map[string]any{"S": []any{map[string]any{"exists": true}}}}}}
	text, err := json.Marshal(filter)
	if err != nil {
		panic(err) // maps of strings
	}
	awslambda.NewCfnEventSourceMapping(s.cdk, jsii.String("StatisticsFeed"), &awslambda.CfnEventSourceMappingProps{
		FunctionName: f.FunctionArn(), EventSourceArn: s.table.TableStreamArn(), StartingPosition: jsii.String("TRIM_HORIZON"),
		FilterCriteria: &awslambda.CfnEventSourceMapping_FilterCriteriaProperty{
			Filters: &[]any{&awslambda.CfnEventSourceMapping_FilterProperty{Pattern: jsii.String(string(text))}},
		},
		BatchSize: jsii.Number(feedBatch), MaximumBatchingWindowInSeconds: jsii.Number(feedWait), TumblingWindowInSeconds: jsii.Number(feedWindow),
		ParallelizationFactor: jsii.Number(feedAtOnce), BisectBatchOnFunctionError: jsii.Bool(true),
		MaximumRecordAgeInSeconds: jsii.Number(feedKept), MaximumRetryAttempts: jsii.Number(feedTries),
		DestinationConfig: &awslambda.CfnEventSourceMapping_DestinationConfigProperty{
			OnFailure: &awslambda.CfnEventSourceMapping_OnFailureProperty{Destination: s.failures.QueueArn()},
		},
	})
}

// warmRate is how often an environment is used that must stay. Lambda says only that it "retains
// the execution environment for some time in anticipation of another function invocation":
// docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html.
const warmRate = "rate(5 minutes)"

// keepWarm makes a schedule for each function of a sign-in. Its event is no HTTP request, so the
// function answers 400 without a call. Provisioned concurrency would need a version and an alias of
// each function, and cost $5 a month each. A lost event is not repeated.
func (s *Stack) keepWarm(role awsiam.Role) {
	var functions []*string
	for _, name := range plan.SignIn {
		f := s.functions[name].FunctionArn()
		functions = append(functions, f)
		awsscheduler.NewCfnSchedule(s.cdk, jsii.String(id(name)+"Warm"), &awsscheduler.CfnScheduleProps{
			ScheduleExpression: jsii.String(warmRate),
			FlexibleTimeWindow: &awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")},
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn: f, RoleArn: role.RoleArn(), Input: jsii.String("{}"),
				RetryPolicy: &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(0)},
			},
		})
	}
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings("lambda:InvokeFunction"), Resources: &functions}))
}

// jobs makes the schedules, and the custom resource that runs keys-rotate when it is created or
// changed. So keys exist before the first request.
func (s *Stack) jobs() {
	queue := s.failures
	role := awsiam.NewRole(s.cdk, jsii.String("SchedulerRole"), &awsiam.RoleProps{AssumedBy: awsiam.NewServicePrincipal(jsii.String("scheduler.amazonaws.com"), nil)})
	cleanup, deliver, rotate := s.functions[string(plan.Cleanup)], s.functions[string(plan.Deliver)], s.functions[string(plan.Rotate)]
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Actions: jsii.Strings("lambda:InvokeFunction"), Resources: &[]*string{cleanup.FunctionArn(), deliver.FunctionArn(), rotate.FunctionArn()},
	}))
	role.AddToPolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{Actions: jsii.Strings("sqs:SendMessage"), Resources: &[]*string{queue.QueueArn()}}))
	schedule := func(f lambdaFunction, expression string, window awsscheduler.CfnSchedule_FlexibleTimeWindowProperty, input any) {
		text, err := json.Marshal(input)
		if err != nil {
			panic(err) // a struct of strings
		}
		awsscheduler.NewCfnSchedule(s.cdk, jsii.String(id(f.plan.Name)+"Schedule"), &awsscheduler.CfnScheduleProps{
			ScheduleExpression: &expression,
			FlexibleTimeWindow: &window,
			Target: &awsscheduler.CfnSchedule_TargetProperty{
				Arn: f.FunctionArn(), RoleArn: role.RoleArn(), Input: jsii.String(string(text)),
				DeadLetterConfig: &awsscheduler.CfnSchedule_DeadLetterConfigProperty{Arn: queue.QueueArn()},
				RetryPolicy:      &awsscheduler.CfnSchedule_RetryPolicyProperty{MaximumRetryAttempts: jsii.Number(3), MaximumEventAgeInSeconds: jsii.Number(3600)},
			},
		})
	}
	some := awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("FLEXIBLE"), MaximumWindowInMinutes: jsii.Number(15)}
	none := awsscheduler.CfnSchedule_FlexibleTimeWindowProperty{Mode: jsii.String("OFF")}
	run := lambdahost.Schedule{
		ScheduledTime: "<aws.scheduler.scheduled-time>", ExecutionID: "<aws.scheduler.execution-id>", Attempt: "<aws.scheduler.attempt-number>",
	}
	// A run uses four of the five minutes while there is more to clean, so a backlog is worked off
	// without a pause. Lambda ends functions that invoke themselves.
	schedule(cleanup, "rate(5 minutes)", none, run)
	schedule(deliver, "rate(1 minute)", none, run)
	schedule(rotate, "rate(1 day)", some, rotation.Request{Rotate: "due"})
	if s.settings.KeepWarm {
		s.keepWarm(role)
	}
	awscdk.NewCustomResource(s.cdk, jsii.String("Keys"), &awscdk.CustomResourceProps{
		ServiceToken: rotate.FunctionArn(), ResourceType: jsii.String("Custom::Keys"), ServiceTimeout: awscdk.Duration_Seconds(jsii.Number(jobSecs)),
		// Another table has other keys: the function then adopts the secret of the Backend API.
		Properties: &map[string]any{"Table": s.table.TableName(), "Settings": map[string]any{"Countries": s.settings.Countries, "MFARequired": s.settings.MFARequired}},
	})
}
