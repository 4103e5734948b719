package watch

import (
	"fmt"

	"github.com/countersign-mfa/countersign/infra/cost"
	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// Graph is a graph of the dashboard: each metric a line, or one line of an expression over them.
type Graph struct {
	Title      string
	Metrics    []Metric
	Expression string // over metrics with the ids a, b, c, …
}

// Row is a row of the dashboard: a text, and graphs beside each other. With Status it shows the
// state of all alarms instead.
type Row struct {
	Title, Text string
	Status      bool
	Graphs      []Graph
}

// Dashboard returns the rows of the dashboard, what is wrong first. memoryMB is a function's
// memory.
func Dashboard(memoryMB float64) []Row {
	graph := func(title string, metrics ...Metric) Graph { return Graph{Title: title, Metrics: metrics} }
	right, wrong := own(lambdahost.MetricVerified, "Sum"), own(lambdahost.MetricRefused, "Sum")
	return []Row{
		{Title: "What is wrong", Text: "Red: an alarm is on. Each name is a section of docs/operate/runbook.md. Gray: no data yet.", Status: true},
		{
			Title: "Requests", Text: "5xx are our failures; 4xx are mostly wrong codes and ended sessions. Saved queries: gateway-errors, failed-requests, slow-routes.",
			Graphs: []Graph{
				graph("Requests", gateway("Count", "Sum")), graph("Answers 4xx and 5xx", gateway("4xx", "Sum"), gateway("5xx", "Sum")),
				graph("Latency in ms: half, and 99 %, of requests are faster", gateway("Latency", "p50"), gateway("Latency", "p99")),
			},
		},
		{
			Title: "Checks", Text: "Many wrong codes mean guessing or a broken application. Saved queries: codes, refused-addresses.",
			Graphs: []Graph{graph("Right and wrong codes", right, wrong), graph("Users locked", own(lambdahost.MetricLocked, "Sum"))},
		},
		{
			Title: "Text messages and money", Text: "More messages than right codes mean pumping, or messages that do not arrive. Saved query: sms-by-hour.",
			Graphs: []Graph{
				graph("Accepted, of these dropped by SNS, not accepted, refused by limits", own(lambdahost.MetricTexts, "Sum"), own(lambdahost.MetricDropped, "Sum"), own(lambdahost.MetricFailed, "Sum"), own(lambdahost.MetricStopped, "Sum")),
				graph("Share of the account's messages that arrived, 0 to 1", account("SMSSuccessRate", "Average")),
				graph("Share of the day's budget reserved, in %", own(lambdahost.MetricSpent, "Maximum")),
				graph("Spent in this account and month, in $", account("SMSMonthToDateSpentUSD", "Maximum")),
			},
		},
		{
			Title: "Cleanup, keys, webhooks", Text: "All of these should be near zero, but the age of the master key grows to 365 days. Saved query: errors.",
			Graphs: []Graph{
				graph("Seconds that the oldest expired record waits", own(lambdahost.MetricBehind, "Maximum")),
				graph("Age of the master key, in days", own(lambdahost.MetricKeyAge, "Maximum")),
				graph("Webhooks: failed tries, given up", own(lambdahost.MetricHooksFailed, "Sum"), own(lambdahost.MetricHooksGivenUp, "Sum")),
				graph("Failed runs: cleanup, keys, webhooks, statistics", job(plan.Cleanup, "Errors", "Sum"), job(plan.Rotate, "Errors", "Sum"), job(plan.Deliver, "Errors", "Sum"), job(plan.Count, "Errors", "Sum")),
			},
		},
		{
			Title: "Cost", Text: "An estimate from list prices of us-east-1, without text messages, logs and fixed costs. It counts all functions of this account and region.",
			Graphs: []Graph{{
				Title: "$ for a checked code",
				Metrics: []Metric{
					gateway("Count", "Sum"), {"AWS/Lambda", "Invocations", "Sum", nil}, {"AWS/Lambda", "Duration", "Sum", nil}, table("ConsumedReadCapacityUnits"), table("ConsumedWriteCapacityUnits"), right, wrong,
				},
				Expression: fmt.Sprintf("IF(f+g>0,(%.10f*a+%.10f*b+%.13f*c+%.10f*d+%.10f*e)/(f+g),0)", cost.Request.Each(), cost.Invocation.Each(), cost.Duration.Each()*memoryMB/1024/1000, cost.Read.Each(), cost.Write.Each()),
			}},
		},
	}
}
