package main

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsiam"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/aws-cdk-go/awscdk/v2/interfaces/interfacesawscloudwatch"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/watch"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// watcher renders package watch: alarms, queries, dashboard.
type watcher struct {
	*Stack
	topic awssns.Topic
	names *strings.Replacer // placeholders and what they stand for
}

// watch makes everything that watches the deployment.
func (s *Stack) watch(gateway awsapigatewayv2.CfnApi) {
	w := &watcher{Stack: s, topic: s.topic()}
	w.names = strings.NewReplacer(
		watch.Stack, s.settings.Name, watch.Gateway, *gateway.Ref(), watch.Table, *s.table.TableName(),
		watch.Queue, *s.failures.QueueName(), watch.Topic, *w.topic.TopicName(), watch.Vault, s.settings.Data,
	)
	alarms := w.alarms()
	w.dashboard(alarms)
	groups := map[watch.Log]awslogs.LogGroup{watch.FunctionsLog: s.logs, watch.GatewayLog: s.access}
	for _, q := range watch.Queries() {
		awslogs.NewCfnQueryDefinition(s.cdk, jsii.String(id(q.Name)+"Query"), &awslogs.CfnQueryDefinitionProps{
			Name: jsii.String(s.settings.Name + "/" + q.Name), QueryString: jsii.String(q.Text), LogGroupNames: &[]any{groups[q.Log].LogGroupName()},
		})
	}
}

// topic returns the topic that alarms notify.
func (s *Stack) topic() awssns.Topic {
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
	awscdk.NewCfnOutput(s.cdk, jsii.String("AlarmTopic"), &awscdk.CfnOutputProps{
		Value: topic.TopicArn(), Description: jsii.String("The topic of the alarms. Subscribe to it, or confirm the mail of alarm_mail"),
	})
	return topic
}

// duration returns a duration for the CDK.
func duration(d time.Duration) awscdk.Duration {
	return awscdk.Duration_Minutes(jsii.Number(d.Minutes()))
}

// metric returns a metric of package watch.
func (w *watcher) metric(m watch.Metric, period time.Duration) awscloudwatch.IMetric {
	p := &awscloudwatch.MetricProps{Namespace: &m.Namespace, MetricName: &m.Name, Statistic: &m.Statistic, Period: duration(period)}
	if len(m.Dimensions) > 0 {
		dimensions := map[string]*string{}
		for name, value := range m.Dimensions {
			dimensions[name] = jsii.String(w.names.Replace(value))
		}
		p.DimensionsMap = &dimensions
	}
	return awscloudwatch.NewMetric(p)
}

func (w *watcher) expression(text string, period time.Duration, using map[string]awscloudwatch.IMetric) awscloudwatch.IMetric {
	return awscloudwatch.NewMathExpression(&awscloudwatch.MathExpressionProps{Expression: jsii.String(w.names.Replace(text)), UsingMetrics: &using, Period: duration(period)})
}

// watched returns what an alarm watches.
func (w *watcher) watched(a watch.Alarm) awscloudwatch.IMetric {
	using := map[string]awscloudwatch.IMetric{}
	for name, m := range a.Metrics {
		if a.Expression == "" {
			return w.metric(m, a.Period)
		}
		using[name] = w.metric(m, a.Period)
	}
	return w.expression(a.Expression, a.Period, using)
}

// alarms makes the alarms. Each notifies when it goes off and when it is over.
func (w *watcher) alarms() []interfacesawscloudwatch.IAlarmRef {
	var all []interfacesawscloudwatch.IAlarmRef
	for _, a := range watch.Alarms(w.settings.SMS.MonthlyBudget) {
		if w.settings.Canary && !a.OfService() { // the service beside the canary has it
			continue
		}
		if !w.settings.Backup.on() && a.OfBackups() {
			continue
		}
		comparison := awscloudwatch.ComparisonOperator_GREATER_THAN_THRESHOLD
		if a.Under {
			comparison = awscloudwatch.ComparisonOperator_LESS_THAN_THRESHOLD
		}
		silence := map[watch.NoData]awscloudwatch.TreatMissingData{watch.Calm: awscloudwatch.TreatMissingData_NOT_BREACHING, watch.Silence: awscloudwatch.TreatMissingData_MISSING}
		made := awscloudwatch.NewAlarm(w.cdk, jsii.String(id(a.Name)+"Alarm"), &awscloudwatch.AlarmProps{
			AlarmName: jsii.String(w.settings.Name + "-" + a.Name), AlarmDescription: jsii.String(a.About + ". See docs/operate/runbook.md, " + a.In() + "."),
			Metric: w.watched(a), Threshold: jsii.Number(a.Threshold), ComparisonOperator: comparison,
			EvaluationPeriods: jsii.Number(a.Periods), DatapointsToAlarm: jsii.Number(a.Datapoints), TreatMissingData: silence[a.NoData],
		})
		notify := awscloudwatchactions.NewSnsAction(w.topic)
		made.AddAlarmAction(notify)
		made.AddOkAction(notify)
		if a.NoData == watch.Silence {
			made.AddInsufficientDataAction(notify)
		}
		all = append(all, made)
	}
	return all
}

// filters makes the metrics of the access log.
func (s *Stack) filters() {
	for _, f := range watch.Filters() {
		var dimensions []any
		for _, name := range slices.Sorted(maps.Keys(f.Dimensions)) {
			dimensions = append(dimensions, &awslogs.CfnMetricFilter_DimensionProperty{Key: &name, Value: jsii.String(f.Dimensions[name])})
		}
		awslogs.NewCfnMetricFilter(s.cdk, jsii.String(f.Metric+"Filter"), &awslogs.CfnMetricFilterProps{
			LogGroupName: s.access.LogGroupName(), FilterPattern: jsii.String(f.Pattern),
			MetricTransformations: []any{&awslogs.CfnMetricFilter_MetricTransformationProperty{
				MetricNamespace: jsii.String(lambdahost.Namespace), MetricName: jsii.String(f.Metric), MetricValue: jsii.String("1"), Unit: jsii.String("Count"), Dimensions: dimensions,
			}},
		})
	}
}
