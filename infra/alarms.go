package main

import (
	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// alarm is one CloudWatch alarm. docs/operate/runbook.md has a section for each, by its name.
type alarm struct {
	name, about string
	metric      awscloudwatch.IMetric
	over        float64 // the alarm goes off when the metric is greater
	under       bool    // or when it is smaller
	periods     int
	silence     awscloudwatch.TreatMissingData // the meaning of missing data
}

const (
	// fewest is how many codes must have been checked before a ratio counts.
	fewest      = 20
	lockedMost  = 20  // in an hour
	guessed     = 100 // wrong codes within five minutes, over all users
	keyDays     = 400 // keys-rotate replaces a master key after 365 days
	budgetShare = 0.8
	behindMost  = 86_400 // seconds
)

func minutes(n float64) awscdk.Duration { return awscdk.Duration_Minutes(jsii.Number(n)) }

func (s *Stack) metric(namespace, name, statistic string, period awscdk.Duration, dimensions map[string]*string) awscloudwatch.Metric {
	p := &awscloudwatch.MetricProps{Namespace: &namespace, MetricName: &name, Statistic: &statistic, Period: period}
	if len(dimensions) > 0 {
		p.DimensionsMap = &dimensions
	}
	return awscloudwatch.NewMetric(p)
}

// own returns a metric that the functions emit.
func (s *Stack) own(name, statistic string, period awscdk.Duration) awscloudwatch.Metric {
	return s.metric(lambdahost.Namespace, name, statistic, period, map[string]*string{lambdahost.MetricDimension: s.table.TableName()})
}

func expression(text string, period awscdk.Duration, using map[string]awscloudwatch.IMetric) awscloudwatch.MathExpression {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{Expression: &text, UsingMetrics: &using, Period: period})
}

func (s *Stack) watched(gateway awsapigatewayv2.CfnApi) []alarm {
	api := map[string]*string{"ApiId": gateway.Ref()}
	table := map[string]*string{"TableName": s.table.TableName()}
	calm, alarming := awscloudwatch.TreatMissingData_NOT_BREACHING, awscloudwatch.TreatMissingData_BREACHING
	job := func(j plan.Job, name string, period awscdk.Duration) awscloudwatch.Metric {
		return s.metric("AWS/Lambda", name, "Sum", period, map[string]*string{"FunctionName": s.functions[string(j)].FunctionName()})
	}
	return []alarm{
		{"error-rate", "More than 1 % of requests fail on our side", expression("100*failed/MAX([all,1])", minutes(5), map[string]awscloudwatch.IMetric{
			"failed": s.metric("AWS/ApiGateway", "5xx", "Sum", minutes(5), api), "all": s.metric("AWS/ApiGateway", "Count", "Sum", minutes(5), api),
		}), 1, false, 2, calm},
		{"functions-throttled", "Functions of this region and account are throttled", s.metric("AWS/Lambda", "Throttles", "Sum", minutes(5), nil), 0, false, 2, calm},
		{"table-throttled", "The table is throttled", expression("reads+writes", minutes(5), map[string]awscloudwatch.IMetric{
			"reads": s.metric("AWS/DynamoDB", "ReadThrottleEvents", "Sum", minutes(5), table), "writes": s.metric("AWS/DynamoDB", "WriteThrottleEvents", "Sum", minutes(5), table),
		}), 0, false, 2, calm},
		{"sms-spend", "Four fifths of the month's budget for text messages are spent", s.metric("AWS/SNS", "SMSMonthToDateSpentUSD", "Maximum", minutes(5), nil),
			budgetShare * s.settings.SMS.MonthlyBudget, false, 1, calm},
		{"sms-failing", "Text messages are not accepted", s.own(lambdahost.MetricFailed, "Sum", minutes(5)), 5, false, 2, calm},
		{"sms-dropped", "SNS drops text messages because of a setting or a limit of the account", s.own(lambdahost.MetricDropped, "Sum", minutes(5)), 0, false, 1, calm},
		// SMSSuccessRate is a share from 0 to 1 of the account's messages, over all applications.
		{"sms-success-rate", "More than three of ten text messages of the account do not arrive", s.metric("AWS/SNS", "SMSSuccessRate", "Average", minutes(60), nil), 0.7, true, 2, calm},
		{"sms-day-50", "Half of a day's money for text messages is spent", s.own(lambdahost.MetricSpent, "Maximum", minutes(5)), 49, false, 1, calm},
		{"sms-day-80", "Four fifths of a day's money for text messages are spent", s.own(lambdahost.MetricSpent, "Maximum", minutes(5)), 79, false, 1, calm},
		{"sms-day-100", "Text messages are refused: the day's money is spent", s.own(lambdahost.MetricSpent, "Maximum", minutes(5)), 99, false, 1, calm},
		{"sms-breaker", "Text messages are refused: too few codes are used", s.own(lambdahost.MetricBreaker, "Sum", minutes(5)), 0, false, 1, calm},
		{"users-locked", "Many users were locked out within an hour", s.own(lambdahost.MetricLocked, "Sum", minutes(60)), lockedMost, false, 1, calm},
		{"codes-refused", "More than half of the codes are wrong", expression("IF(wrong+right>"+itoa(fewest)+",100*wrong/(wrong+right),0)", minutes(15), map[string]awscloudwatch.IMetric{
			"wrong": s.own(lambdahost.MetricRefused, "Sum", minutes(15)), "right": s.own(lambdahost.MetricVerified, "Sum", minutes(15)),
		}), 50, false, 2, calm},
		{"guessing", "More than 100 wrong codes within five minutes, more than a fifth of all", expression("IF(wrong>"+itoa(guessed)+",100*wrong/(wrong+right),0)", minutes(5), map[string]awscloudwatch.IMetric{
			"wrong": s.own(lambdahost.MetricRefused, "Sum", minutes(5)), "right": s.own(lambdahost.MetricVerified, "Sum", minutes(5)),
		}), 20, false, 1, calm},
		{"cleanup-age", "The cleanup has not run for three hours", job(plan.Cleanup, "Invocations", minutes(60)), 1, true, 3, alarming},
		{"cleanup-failing", "The cleanup fails", job(plan.Cleanup, "Errors", minutes(60)), 0, false, 2, calm},
		{"cleanup-behind", "The cleanup is a day behind", s.own(lambdahost.MetricBehind, "Minimum", minutes(60)), behindMost, false, 2, calm},
		{"rotation-failing", "The key rotation fails", job(plan.Rotate, "Errors", minutes(60)), 0, false, 1, calm},
		{"key-age", "The master key was not replaced in time", s.own(lambdahost.MetricKeyAge, "Maximum", minutes(1440)), keyDays, false, 2, alarming},
		{"statistics-late", "Statistics are an hour behind", job(plan.Count, "IteratorAge", minutes(5)), 3600_000, false, 1, calm},
		{"dead-letters", "A scheduled run could not be started, or a batch not counted", s.metric("AWS/SQS", "ApproximateNumberOfMessagesVisible", "Maximum", minutes(5),
			map[string]*string{"QueueName": s.failures.QueueName()}), 0, false, 1, calm},
	}
}

// ofCanary are the alarms of a canary. The others watch the jobs, the table or the account, and the
// service beside the canary has them.
var ofCanary = map[string]bool{"error-rate": true}

func (s *Stack) alarms(gateway awsapigatewayv2.CfnApi) {
	topic := awssns.NewTopic(s.cdk, jsii.String("Alarms"), &awssns.TopicProps{EnforceSSL: jsii.Bool(true), DisplayName: jsii.String(s.settings.Name + " alarms")})
	topic.AddToResourcePolicy(awsiam.NewPolicyStatement(&awsiam.PolicyStatementProps{
		Principals: &[]awsiam.IPrincipal{awsiam.NewServicePrincipal(jsii.String("cloudwatch.amazonaws.com"), nil)},
		Actions:    jsii.Strings("sns:Publish"), Resources: &[]*string{topic.TopicArn()},
		Conditions: &map[string]any{"StringEquals": map[string]any{"aws:SourceAccount": s.cdk.Account()}},
	}))
	if s.settings.AlarmMail != "" {
		awssns.NewCfnSubscription(s.cdk, jsii.String("AlarmMail"), &awssns.CfnSubscriptionProps{
			TopicArn: topic.TopicArn(), Protocol: jsii.String("email"), Endpoint: &s.settings.AlarmMail,
		})
	}
	for _, a := range s.watched(gateway) {
		if s.settings.Canary && !ofCanary[a.name] {
			continue
		}
		comparison := awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD
		if a.under {
			comparison = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		}
		made := awscloudwatch.NewAlarm(s.cdk, jsii.String(id(a.name)+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmName: jsii.String(s.settings.Name + "-" + a.name), AlarmDescription: jsii.String(a.about + ". See docs/operate/runbook.md, " + a.name + "."),
			Metric: a.metric, Threshold: jsii.Number(a.over), ComparisonOperator: comparison, EvaluationPeriods: jsii.Number(a.periods), TreatMissingData: a.silence,
		})
		made.AddAlarmAction(action(topic))
	}
}
