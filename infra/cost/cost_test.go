package cost_test

import (
	"math"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/cost"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// TestPrices: each price has its page, and is told apart from the others by its name.
func TestPrices(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range append(cost.Prices(), cost.EdgeRequest, cost.ACL, cost.ACLRule, cost.ACLRequest) {
		if p.What == "" || p.Unit == "" || p.Per <= 0 || p.Dollars < 0 || !strings.Contains(p.Page, "pricing") {
			t.Errorf("%+v is incomplete", p)
		}
		if seen[p.What] {
			t.Errorf("two prices are named %s", p.What)
		}
		seen[p.What] = true
	}
}

// TestEdge: a web ACL with three rules and a secret, and the requests to CloudFront and WAF.
func TestEdge(t *testing.T) {
	if fixed, million := cost.Edge(); !near(fixed.Total(), 8.40) || !near(million.Total(), 1.60) {
		t.Errorf("the edge costs %v and %v", fixed.Total(), million.Total())
	}
}

func TestUse(t *testing.T) {
	use := cost.Use{cost.Request: 2}.Plus(3, cost.Use{cost.Request: 1, cost.Trace: 4})
	if use[cost.Request] != 5 || use[cost.Trace] != 12 {
		t.Errorf("the sum is %v", use)
	}
	if got := use.Total(); !near(got, 5e-6) {
		t.Errorf("five requests and traces that are off cost %v", got)
	}
	// Lambda bills whole milliseconds, and half a GB for half of the price.
	if got := cost.Lambda(512, 11.2)[cost.Duration]; !near(got, 0.006) {
		t.Errorf("11.2 ms at 512 MB are %v GB-seconds", got)
	}
	if got := cost.Logged(2, 200)[cost.Log] * (1 << 30); !near(got, 252) {
		t.Errorf("two lines of 200 bytes together are %v bytes", got)
	}
}

// TestTraced: little traffic is traced whole, much of it to a twentieth.
func TestTraced(t *testing.T) {
	for n, want := range map[float64]float64{0: 0, 1e6: 1e6, cost.Month: cost.Month, 100e6: cost.Month + 0.05*(100e6-cost.Month)} {
		if got := cost.Traced(n)[cost.Trace]; !near(got, want) {
			t.Errorf("%v requests are %v traces, want %v", n, got, want)
		}
	}
}

func TestReadTemplate(t *testing.T) {
	got, err := cost.ReadTemplate([]byte(`{"Resources": {
		"A": {"Type": "AWS::KMS::Key"},
		"B": {"Type": "AWS::SecretsManager::Secret"},
		"C": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"MetricName": "Throttles"}},
		"D": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": [{"Expression": "a/b"}, {"MetricStat": {}}, {"MetricStat": {}}]}},
		"E": {"Type": "AWS::Lambda::Function", "Properties": {"MemorySize": 512, "Environment": {"Variables": {}}}},
		"F": {"Type": "AWS::SQS::Queue", "Properties": {"Metrics": "of another form"}}
	}}`), []byte(`{"Resources": {
		"G": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(5 minutes)", "Target": {"Arn": {"Fn::GetAtt": ["E", "Arn"]}}}},
		"H": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": {"MaximumBatchingWindowInSeconds": 20}},
		"I": {"Type": "AWS::ApiGatewayV2::Stage", "Properties": {"AccessLogSettings": {"Format": "$context.status"}}}
	}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got.Fixed[cost.Key] != 1 || got.Fixed[cost.Secret] != 1 || got.Fixed[cost.AlarmMetric] != 3 {
		t.Errorf("fixed costs are those of %v", got.Fixed)
	}
	if got.Runs["E"] != 30*24*12 || got.BatchSeconds != 20 || got.MemoryMB != 512 || got.AccessLog != "$context.status" {
		t.Errorf("the template is read as %+v", got)
	}
}

// TestATemplateThatCannotBeCounted is an error, not a lower price.
func TestATemplateThatCannotBeCounted(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":       `{`,
		"no rate":       `{"Resources": {"G": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "cron(0 1 * * ? *)", "Target": {"Arn": {"Fn::GetAtt": ["E", "Arn"]}}}}}}`,
		"a zero rate":   `{"Resources": {"G": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(0 minutes)", "Target": {"Arn": {"Fn::GetAtt": ["E", "Arn"]}}}}}}`,
		"no function":   `{"Resources": {"G": {"Type": "AWS::Scheduler::Schedule", "Properties": {"ScheduleExpression": "rate(1 minute)"}}}}`,
		"another alarm": `{"Resources": {"C": {"Type": "AWS::CloudWatch::Alarm", "Properties": {"Metrics": 7}}}}`,
	} {
		if _, err := cost.ReadTemplate([]byte(text)); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}
