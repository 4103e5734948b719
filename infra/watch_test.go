package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/infra/watch"
)

// flat renders a value of a template as a text, with Refs and joins as names in braces: what
// package watch calls ${Table} is ${Table} here too.
func flat(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return fmt.Sprint(v)
	case []any:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(flat(part))
		}
		return b.String()
	case map[string]any:
		if parts, ok := v["Fn::Join"].([]any); ok {
			return flat(parts[1])
		}
		if of, ok := v["Fn::GetAtt"].([]any); ok {
			return placeholder(of[0].(string))
		}
		if ref, ok := v["Ref"].(string); ok {
			return placeholder(ref)
		}
	}
	text, _ := json.Marshal(v)
	return string(text)
}

// placeholder returns the name by which package watch knows a resource.
func placeholder(logicalName string) string {
	for prefix, name := range map[string]string{"Api": watch.Gateway, "Table": watch.Table, deadLetterQueue: watch.Queue, "Alarms": watch.Topic} {
		if regexp.MustCompile(`^` + prefix + `([0-9A-F]{8})?$`).MatchString(logicalName) {
			return name
		}
	}
	return "${" + logicalName + "}"
}

// named returns the resources of a type by a property, with the stack's name as a placeholder.
func named(kind, property string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for _, p := range resources(kind) {
		found[strings.Replace(flat(p[property]), "countersign", watch.Stack, 1)] = p
	}
	return found
}

func anyList(v any) []any { l, _ := v.([]any); return l }

func dimensions(list any) map[string]string {
	found := map[string]string{}
	for _, d := range anyList(list) {
		d := d.(map[string]any)
		value := d["Value"]
		if value == nil {
			value = ""
		}
		name := d["Name"]
		if name == nil {
			name = d["Key"]
		}
		found[name.(string)] = strings.Replace(flat(value), "countersign-", watch.Stack+"-", 1)
	}
	return found
}

func metricOf(namespace, name, statistic, of any) watch.Metric {
	m := watch.Metric{Namespace: flat(namespace), Name: flat(name), Statistic: flat(statistic), Dimensions: dimensions(of)}
	if len(m.Dimensions) == 0 {
		m.Dimensions = nil
	}
	return m
}

// watches returns what an alarm of the template watches, as package watch describes it.
func watches(p map[string]any) (metrics map[string]watch.Metric, expression string, period float64) {
	metrics = map[string]watch.Metric{}
	if p["MetricName"] != nil {
		statistic := p["Statistic"]
		if statistic == nil {
			statistic = p["ExtendedStatistic"]
		}
		metrics["m"] = metricOf(p["Namespace"], p["MetricName"], statistic, p["Dimensions"])
		return metrics, "", p["Period"].(float64)
	}
	for _, q := range anyList(p["Metrics"]) {
		q := q.(map[string]any)
		if stat, ok := q["MetricStat"].(map[string]any); ok {
			m := stat["Metric"].(map[string]any)
			metrics[q["Id"].(string)] = metricOf(m["Namespace"], m["MetricName"], stat["Stat"], m["Dimensions"])
			period = stat["Period"].(float64)
			continue
		}
		expression = flat(q["Expression"])
		if of, ok := q["Period"].(float64); ok {
			period = of
		}
	}
	return metrics, expression, period
}

// TestAlarmsAreThoseOfTheTable: the template has each alarm of package watch, as its tests evaluate
// it, and no other. Each notifies the topic when it goes off and when it is over; one that tells
// silence also when data ends.
func TestAlarmsAreThoseOfTheTable(t *testing.T) {
	made := named("AWS::CloudWatch::Alarm", "AlarmName")
	for _, a := range watch.Alarms(example().SMS.MonthlyBudget) {
		if a.OfBackups() { // TestBackupAlarms
			continue
		}
		name := watch.Stack + "-" + a.Name
		p := made[name]
		delete(made, name)
		if p == nil {
			t.Errorf("there is no alarm %s", a.Name)
			continue
		}
		metrics, expression, period := watches(p)
		got := watch.Alarm{
			Name: a.Name, Section: a.Section, About: a.About, Metrics: metrics, Expression: expression, Period: a.Period, Threshold: p["Threshold"].(float64),
			Under: p["ComparisonOperator"] == "LessThanThreshold", Datapoints: int(p["DatapointsToAlarm"].(float64)), Periods: int(p["EvaluationPeriods"].(float64)), NoData: watch.NoData(p["TreatMissingData"].(string)),
		}
		if a.Metrics == nil {
			a.Metrics = map[string]watch.Metric{}
		}
		if want := fmt.Sprintf("%+v", a); fmt.Sprintf("%+v", got) != want || period != a.Period.Seconds() {
			t.Errorf("%+v every %v s, want %s", got, period, want)
		}
		if about := flat(p["AlarmDescription"]); about != a.About+". See docs/operate/runbook.md, "+a.In()+"." {
			t.Errorf("%s says %q", a.Name, about)
		}
		for _, actions := range []string{"AlarmActions", "OKActions", "InsufficientDataActions"} {
			want := watch.Topic
			if actions == "InsufficientDataActions" && a.NoData != watch.Silence {
				want = ""
			}
			if got := flat(anyList(p[actions])); got != want {
				t.Errorf("%s: %s are %q, want %q", a.Name, actions, got, want)
			}
		}
		if p["ActionsEnabled"] == false {
			t.Errorf("%s is switched off", a.Name)
		}
	}
	for name := range made {
		t.Errorf("%s is not in the table", name)
	}
}

// TestMetricsOfTheAccessLog: each filter of package watch reads the gateway's log, for every line
// that matches.
func TestMetricsOfTheAccessLog(t *testing.T) {
	var access string
	for name, p := range resources("AWS::Logs::LogGroup") {
		if strings.HasSuffix(flat(p["LogGroupName"]), "/access") {
			access = placeholder(name)
		}
	}
	got := map[string]bool{}
	for _, p := range resources("AWS::Logs::MetricFilter") {
		for _, m := range anyList(p["MetricTransformations"]) {
			m := m.(map[string]any)
			got[fmt.Sprint(flat(m["MetricNamespace"]), " ", flat(m["MetricName"]), " ", flat(m["MetricValue"]), " ", p["FilterPattern"], " ", flat(p["LogGroupName"]), " ", dimensions(m["Dimensions"]))] = true
		}
	}
	want := map[string]bool{}
	for _, f := range watch.Filters() {
		want[fmt.Sprint("Countersign ", f.Metric, " 1 ", f.Pattern, " ", access, " ", f.Dimensions)] = true
	}
	if !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if format := flat(theOnly(t, "AWS::ApiGatewayV2::Stage")["AccessLogSettings"].(map[string]any)["Format"]); format != watch.AccessLog() {
		t.Errorf("the access log is %s", format)
	}
}

// TestSavedQueries: each query of package watch is saved under the stack's name, for its log group.
func TestSavedQueries(t *testing.T) {
	made := named("AWS::Logs::QueryDefinition", "Name")
	for _, q := range watch.Queries() {
		p := made[watch.Stack+"/"+q.Name]
		delete(made, watch.Stack+"/"+q.Name)
		if p == nil || flat(p["QueryString"]) != q.Text {
			t.Errorf("%s is %v", q.Name, p)
			continue
		}
		groups := anyList(p["LogGroupNames"])
		if len(groups) != 1 || !strings.HasSuffix(flat(resources("AWS::Logs::LogGroup")[strings.Trim(flat(groups), "${}")]["LogGroupName"]), "/"+string(q.Log)) {
			t.Errorf("%s reads %v", q.Name, groups)
		}
	}
	for name := range made {
		t.Errorf("%s is not in the table", name)
	}
}

// TestTheDashboardShowsAllAlarmsFirst: a reader in a hurry sees what is wrong without scrolling.
func TestTheDashboardShowsAllAlarmsFirst(t *testing.T) {
	body := flat(theOnly(t, "AWS::CloudWatch::Dashboard")["DashboardBody"])
	alarms, graphs := strings.Index(body, `"type":"alarm"`), strings.Index(body, `"type":"metric"`)
	if alarms < 0 || graphs < alarms {
		t.Errorf("the alarms are at %d, the first graph at %d", alarms, graphs)
	}
	for name := range resources("AWS::CloudWatch::Alarm") {
		if !strings.Contains(body, "${"+name+"}") {
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	for _, row := range watch.Dashboard(memoryMB) {
		text, _ := json.Marshal("## " + row.Title + "\n" + row.Text)
		if !strings.Contains(body, strings.Trim(string(text), `"`)) {
			t.Errorf("the dashboard lacks the text of %q", row.Title)
		}
		for _, g := range row.Graphs {
			if title, _ := json.Marshal(g.Title); !strings.Contains(body, string(title)) {
				t.Errorf("the dashboard lacks the graph %q", g.Title)
			}
		}
	}
}

// TestRunsThatFailedGoToTheQueue: Lambda tries a scheduled run three times. Then it sends it to the
// queue that an alarm watches; without a destination it would drop it in silence.
func TestRunsThatFailedGoToTheQueue(t *testing.T) {
	made := map[string]map[string]any{}
	for _, p := range resources("AWS::Lambda::EventInvokeConfig") {
		made[flat(p["FunctionName"])] = p
	}
	for _, j := range plan.Scheduled() {
		var p map[string]any
		for name, of := range made {
			if strings.HasPrefix(name, "${"+id(string(j))) {
				p = of
			}
		}
		if p == nil || p["MaximumRetryAttempts"] != 2.0 || !strings.Contains(fmt.Sprint(p["DestinationConfig"]), "OnFailure:map[Destination:map[Fn::GetAtt:["+deadLetterQueue) {
			t.Errorf("%s: %v", j, p)
		}
	}
}
