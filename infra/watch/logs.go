package watch

import "strings"

// field is a field of the access log, with its variable:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging-variables.html
type field struct{ name, variable string }

// accessFields are those of a line. None has a query, a body, a cookie, a header or a path's
// values.
//
// error is $context.error.message. $context.error.messageString is "the quoted value" of it, and
// would end the quotes around it, on lines of errors alone. Every variable has quotes here, because
// one without a value is logged as a hyphen. A line has no time, because CloudWatch keeps one with
// each event, and every byte is paid for.
var accessFields = []field{
	{"request", "$context.requestId"},
	{"api", "$context.apiId"},
	{"route", "$context.routeKey"},
	{"status", "$context.status"},
	{"latency_ms", "$context.responseLatency"},
	{"function_ms", "$context.integrationLatency"},
	// function_status is Lambda's status for the invocation, not the function's answer: 429 for a
	// throttled one.
	{"function_status", "$context.integrationStatus"},
	{"ip", "$context.identity.sourceIp"},
	{"error", "$context.error.message"},
	{"function_error", "$context.integrationErrorMessage"},
}

// AccessLog returns the format of the gateway's log: one line of JSON a request.
func AccessLog() string {
	parts := make([]string, len(accessFields))
	for i, f := range accessFields {
		parts[i] = `"` + f.name + `":"` + f.variable + `"`
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// Metrics that are made of the access log, and their dimensions. A dimension's value is a field of
// the line.
const (
	MetricRouteErrors = "RouteErrors"
	MetricThrottled   = "FunctionsThrottled"
	DimensionAPI      = "Api"
	DimensionRoute    = "Route"
)

// Filter makes a metric of the lines of the access log that match a pattern; each adds 1:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
type Filter struct {
	Metric, Pattern string
	Dimensions      map[string]string // field of the line, as in $.route
}

// Filters returns the metric filters of the access log. A metric exists, and costs, only in hours
// with a matching line.
func Filters() []Filter {
	return []Filter{
		{MetricRouteErrors, `{ $.status = "5*" }`, map[string]string{DimensionAPI: "$.api", DimensionRoute: "$.route"}},
		{MetricThrottled, `{ $.function_status = "429" }`, map[string]string{DimensionAPI: "$.api"}},
	}
}

// Log is a log group of a deployment.
type Log string

// The log groups.
const (
	FunctionsLog Log = "functions"
	GatewayLog   Log = "access"
)

// Name returns the group's name. The gateway's delivery of logs adds each group to a resource
// policy of the account with at most 5,120 characters, unless the name begins with
// /aws/vendedlogs/:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-logging.html
func (l Log) Name(stack string) string {
	name := "/countersign/" + stack + "/" + string(l)
	if l == GatewayLog {
		return "/aws/vendedlogs" + name
	}
	return name
}

// SavedQuery is a saved query of Logs Insights. docs/operate/runbook.md names each.
type SavedQuery struct {
	Name string
	Log  Log
	Text string
}

// Queries returns the saved queries:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
func Queries() []SavedQuery {
	return []SavedQuery{
		{"failed-requests", FunctionsLog, "fields @timestamp, operation, status, code, trace | filter status >= 500 | sort @timestamp desc | limit 100"},
		{"errors", FunctionsLog, "fields @timestamp, @logStream, msg, error, operation, trace | filter level = 'ERROR' or level = 'WARN' | sort @timestamp desc | limit 100"},
		{"trace", FunctionsLog, "fields @timestamp, operation, method, status, code, us, error | filter trace = 'PASTE-THE-TRACE-ID' | sort @timestamp asc"},
		{"codes", FunctionsLog, "filter msg = 'request' and code != '' | stats count(*) as answers by operation, code | sort answers desc | limit 50"},
		{"sms-by-hour", FunctionsLog, "filter operation like /prepare/ and status = 200 | stats count(*) as messages by bin(1h) as hour, operation | sort hour desc"},
		{"events", FunctionsLog, "filter msg = 'event' | stats count(*) as events by name | sort events desc"},
		{"gateway-errors", GatewayLog, "fields @timestamp, route, status, error, function_error, function_status, request | filter status >= 500 or status = 429 | sort @timestamp desc | limit 100"},
		{"refused-addresses", GatewayLog, "filter status = 422 or status = 429 or status = 401 | stats count(*) as refused by ip, route | sort refused desc | limit 50"},
		{"slow-routes", GatewayLog, "stats count(*) as requests, pct(latency_ms, 50) as p50, pct(latency_ms, 99) as p99 by route | sort p99 desc | limit 50"},
	}
}
