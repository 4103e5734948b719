package main

import (
	"fmt"
	"strconv"

	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatch"
	"github.com/aws/aws-cdk-go/awscdk/v2/awscloudwatchactions"
	"github.com/aws/aws-cdk-go/awscdk/v2/awssns"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/cost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

func itoa(n int) string { return strconv.Itoa(n) }

func action(topic awssns.Topic) awscloudwatch.IAlarmAction {
	return awscloudwatchactions.NewSnsAction(topic)
}

func (s *Stack) dashboard(gateway awsapigatewayv2.CfnApi) {
	hour := minutes(60)
	api := map[string]*string{"ApiId": gateway.Ref()}
	table := map[string]*string{"TableName": s.table.TableName()}
	milli := cost.Duration.Each() * memoryMB / 1024 / 1000
	// An estimate; the AWS bill decides. docs/operate/cost.md has all parts.
	check := fmt.Sprintf("(%.10f*requests+%.10f*invocations+%.10f*duration+%.10f*read+%.10f*written)/MAX([1,right+wrong])",
		cost.Request.Each(), cost.Invocation.Each(), milli, cost.Read.Each(), cost.Write.Each())
	graph := func(title string, metrics ...awscloudwatch.IMetric) awscloudwatch.IWidget {
		return awscloudwatch.NewGraphWidget(&awscloudwatch.GraphWidgetProps{Title: &title, Left: &metrics, Width: jsii.Number(8)})
	}
	right, wrong := s.own(lambdahost.MetricVerified, "Sum", hour), s.own(lambdahost.MetricRefused, "Sum", hour)
	board := awscloudwatch.NewDashboard(s.cdk, jsii.String("Dashboard"), &awscloudwatch.DashboardProps{DashboardName: &s.settings.Name})
	board.AddWidgets(
		graph("Codes checked", right, wrong),
		graph("Text messages", s.own(lambdahost.MetricTexts, "Sum", hour), s.own(lambdahost.MetricFailed, "Sum", hour)),
		graph("Users locked", s.own(lambdahost.MetricLocked, "Sum", hour)),
	)
	board.AddWidgets(
		graph("Requests", s.metric("AWS/ApiGateway", "Count", "Sum", hour, api), s.metric("AWS/ApiGateway", "4xx", "Sum", hour, api), s.metric("AWS/ApiGateway", "5xx", "Sum", hour, api)),
		graph("Latency, ms", s.metric("AWS/ApiGateway", "Latency", "p50", hour, api), s.metric("AWS/ApiGateway", "Latency", "p99", hour, api)),
		graph("Spent on text messages this month, $", s.metric("AWS/SNS", "SMSMonthToDateSpentUSD", "Maximum", hour, nil)),
	)
	board.AddWidgets(graph("Cost per check, $, without text messages (all requests and functions of this account's region)", expression(check, hour, map[string]awscloudwatch.IMetric{
		"requests": s.metric("AWS/ApiGateway", "Count", "Sum", hour, api), "invocations": s.metric("AWS/Lambda", "Invocations", "Sum", hour, nil),
		"duration": s.metric("AWS/Lambda", "Duration", "Sum", hour, nil), "read": s.metric("AWS/DynamoDB", "ConsumedReadCapacityUnits", "Sum", hour, table),
		"written": s.metric("AWS/DynamoDB", "ConsumedWriteCapacityUnits", "Sum", hour, table), "right": right, "wrong": wrong,
	})))
}
