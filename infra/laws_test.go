package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// Rules that the template must keep, each with its reason. The golden file shows every change;
// these tests say which changes are forbidden.

func theOnly(t *testing.T, kind string) map[string]any {
	t.Helper()
	found := resources(kind)
	if len(found) != 1 {
		t.Fatalf("%d resources of the type %s", len(found), kind)
	}
	for _, p := range found {
		return p
	}
	return nil
}

// TestMasterKeysOnly: every grant on the sealing key requires the encryption context of master
// keys, so that KMS decrypts nothing else with it.
func TestMasterKeysOnly(t *testing.T) {
	n := 0
	for name, p := range resources("AWS::IAM::Role") {
		inline, _ := p["Policies"].([]any)
		for _, policy := range inline {
			statements := policy.(map[string]any)["PolicyDocument"].(map[string]any)["Statement"].([]any)
			for _, s := range statements {
				s := s.(map[string]any)
				if !strings.Contains(fmt.Sprint(s["Action"]), "kms:") {
					continue
				}
				n++
				if got := fmt.Sprint(s["Condition"]); got != "map[StringEquals:map[kms:EncryptionContext:countersign:purpose:master-key]]" {
					t.Errorf("%s may %v on condition %v", name, s["Action"], got)
				}
			}
		}
	}
	if n < len(plan.Functions())-2 { // all but the pages and sms-logging
		t.Errorf("%d statements about KMS", n)
	}
}

// TestKeysFollowTheTable: CloudFormation runs keys-rotate again when the table is another, as after
// a restore, so that the table accepts the secret of the Backend API.
func TestKeysFollowTheTable(t *testing.T) {
	if got := fmt.Sprint(theOnly(t, "Custom::Keys")["Table"]); got != "map[Ref:Table]" {
		t.Errorf("the property is %s", got)
	}
}

// TestSchedules: without the cleanup expired records stay, without rotation keys grow old, without
// the worker no webhook arrives. The queue that an alarm watches keeps runs that could not be
// started.
func TestSchedules(t *testing.T) {
	want := map[string]string{"CleanupSchedule": "rate(5 minutes)", "EventsDeliverSchedule": "rate(1 minute)", "KeysRotateSchedule": "rate(1 day)"}
	inputs := map[string]string{"CleanupSchedule": "execution_id", "EventsDeliverSchedule": "execution_id", "KeysRotateSchedule": `"rotate":"due"`}
	for name, p := range resources("AWS::Scheduler::Schedule") {
		target := p["Target"].(map[string]any)
		if p["ScheduleExpression"] != want[name] || p["State"] == "DISABLED" {
			t.Errorf("%s runs at %v, %v", name, p["ScheduleExpression"], p["State"])
		}
		function := strings.TrimSuffix(name, "Schedule")
		if at := fmt.Sprint(target["Arn"]); !strings.Contains(at, "GetAtt:["+function) {
			t.Errorf("%s starts %s", name, at)
		}
		if queue := fmt.Sprint(target["DeadLetterConfig"]); !strings.Contains(queue, "GetAtt:[DeadLetters") {
			t.Errorf("%s: what cannot be started goes to %s", name, queue)
		}
		if in := fmt.Sprint(target["Input"]); !strings.Contains(in, inputs[name]) {
			t.Errorf("%s gives %s", name, in)
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}

// TestFeed: the table's stream passes notes, and nothing else, to statistics-count, with the
// shard's name and one batch of it at a time. A batch that fails is halved, and goes to the queue
// before the stream forgets it.
func TestFeed(t *testing.T) {
	if view := theOnly(t, "AWS::DynamoDB::GlobalTable")["StreamSpecification"]; fmt.Sprint(view) != "map[StreamViewType:NEW_IMAGE]" {
		t.Errorf("the stream has %v", view)
	}
	p := theOnly(t, "AWS::Lambda::EventSourceMapping")
	for name, want := range map[string]string{
		"FunctionName": "StatisticsCount", "EventSourceArn": "Ref:TableStream", "StartingPosition": "TRIM_HORIZON", "DestinationConfig": "DeadLetters",
		"FilterCriteria": `{"dynamodb":{"NewImage":{"note":{"S":[{"exists":true}]}}}}`, "BisectBatchOnFunctionError": "true", "ParallelizationFactor": "1",
		"TumblingWindowInSeconds": "900", "MaximumBatchingWindowInSeconds": "20", "MaximumRecordAgeInSeconds": "43200", "MaximumRetryAttempts": "-1", "BatchSize": "1000",
	} {
		if got := fmt.Sprint(p[name]); !strings.Contains(got, want) {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if len(p) != 13 { // and tags
		t.Errorf("it has other parameters too: %v", slices.Sorted(maps.Keys(p)))
	}
}

// TestTheGatewayDecidesNoOrigins: with a CORS configuration the gateway would answer preflights
// itself and drop the functions' CORS headers, so allowed_origins would have no effect.
func TestTheGatewayDecidesNoOrigins(t *testing.T) {
	gateway := theOnly(t, "AWS::ApiGatewayV2::Api")
	if cors := gateway["Body"].(map[string]any)["x-amazon-apigateway-cors"]; cors != nil || gateway["CorsConfiguration"] != nil {
		t.Errorf("the gateway has a CORS configuration: %v, %v", cors, gateway["CorsConfiguration"])
	}
}

// TestEveryRouteMayCallItsFunction: without this permission the gateway answers 500. Its routes are
// below the stage, as in <api>/<stage>/<method>/<path>, and <api>/<stage>/$default.
func TestEveryRouteMayCallItsFunction(t *testing.T) {
	may := map[string]bool{}
	for _, p := range resources("AWS::Lambda::Permission") {
		if p["Principal"] == "apigateway.amazonaws.com" && strings.Contains(fmt.Sprint(p["SourceArn"]), "/*/*") {
			may[fmt.Sprint(p["FunctionName"])] = true
		}
	}
	for logical, p := range resources("AWS::Lambda::Function") {
		name := strings.TrimPrefix(p["FunctionName"].(string), "countersign-")
		routed := slices.ContainsFunc(plan.Routes(), func(e operation.Route) bool { return e.Group == name })
		if called := may[fmt.Sprint(map[string]any{"Fn::GetAtt": []any{logical, "Arn"}})]; called != routed {
			t.Errorf("%s: routes lead to it %v, and the gateway may call it %v", name, routed, called)
		}
	}
}

// TestLogsAreKeptAsLongAsTheSettingsSay: no log group is kept forever, or for a day only.
func TestLogsAreKeptAsLongAsTheSettingsSay(t *testing.T) {
	groups := resources("AWS::Logs::LogGroup")
	if len(groups) != 2 { // of the functions and of the gateway
		t.Errorf("%d groups", len(groups))
	}
	for name, p := range groups {
		// Log delivery appends other names to a policy of the account, which is soon full.
		if under := strings.HasPrefix(p["LogGroupName"].(string), "/aws/vendedlogs/"); under != strings.HasPrefix(name, "AccessLog") {
			t.Errorf("%s is %s", name, p["LogGroupName"])
		}
		if p["RetentionInDays"] != float64(example().LogDays) {
			t.Errorf("%s keeps %v days", name, p["RetentionInDays"])
		}
	}
}

// TestSlowerRoutes: routes that send SMS or count guesses have a lower limit than the others. No
// other route has a limit of its own.
func TestSlowerRoutes(t *testing.T) {
	stage := theOnly(t, "AWS::ApiGatewayV2::Stage")
	perRoute := maps.Clone(stage["RouteSettings"].(map[string]any)) // other tests read it too
	whole, set := stage["DefaultRouteSettings"].(map[string]any), example()
	if whole["ThrottlingRateLimit"] != set.Throttle.Rate || whole["ThrottlingBurstLimit"] != float64(set.Throttle.Burst) {
		t.Errorf("all: %v", whole)
	}
	served := map[string]plan.Function{}
	for _, f := range plan.Functions() {
		served[f.Name] = f
	}
	for _, e := range plan.Routes() {
		rate, burst := 0.0, 0.0
		counts := slices.ContainsFunc(served[e.Group].Operations, func(op operation.Operation) bool { return op.Permissions.Has(operation.Counts) })
		switch {
		case served[e.Group].Permissions.Has(operation.SendsSMS):
			rate, burst = 5, 10
		case counts:
			rate, burst = set.Throttle.Rate/5, float64(set.Throttle.Burst/5)
		}
		got, _ := perRoute[e.Key()].(map[string]any)
		delete(perRoute, e.Key())
		if rate == 0 && got != nil || rate > 0 && (got["ThrottlingRateLimit"] != rate || got["ThrottlingBurstLimit"] != burst) {
			t.Errorf("%s: %v, want %v and %v", e.Key(), got, rate, burst)
		}
	}
	for key := range perRoute {
		t.Errorf("a limit for %s, which is no route: the stage would be refused", key)
	}
}

// TestTheGatewayWaitsLongest: a function ends by itself, with its own answer, before the gateway
// gives up on it.
func TestTheGatewayWaitsLongest(t *testing.T) {
	limits := map[string]float64{}
	for _, p := range resources("AWS::Lambda::Function") {
		limits[strings.TrimPrefix(p["FunctionName"].(string), "countersign-")] = p["Timeout"].(float64)
	}
	body := theOnly(t, "AWS::ApiGatewayV2::Api")["Body"].(map[string]any)
	for name, i := range body["components"].(map[string]any)[integrations].(map[string]any) {
		wait := i.(map[string]any)["timeoutInMillis"].(float64)
		if limits[name] == 0 || wait <= limits[name]*1000 || wait > 30_000 {
			t.Errorf("%s may take %v s, and the gateway waits %v ms", name, limits[name], wait)
		}
	}
}

// TestTheImportLeavesNothingOut: an HTTP API accepts no route key that ends in a slash and ignores
// parameters, silently unless it fails on warnings.
func TestTheImportLeavesNothingOut(t *testing.T) {
	gateway := theOnly(t, "AWS::ApiGatewayV2::Api")
	if gateway["FailOnWarnings"] != true {
		t.Error("an import may leave routes out in silence")
	}
	for path, item := range gateway["Body"].(map[string]any)["paths"].(map[string]any) {
		if path != "/" && strings.HasSuffix(path, "/") {
			t.Errorf("%s ends in a slash", path)
		}
		for method, op := range item.(map[string]any) {
			if op.(map[string]any)["parameters"] != nil {
				t.Errorf("%s %s has parameters", method, path)
			}
		}
	}
}

// TestConcurrency: only functions whose callers cause SMS reserve concurrency, and none where the
// settings say 0. Request limits remain.
func TestConcurrency(t *testing.T) {
	for _, f := range plan.Functions() {
		if n := (SMS{}).reserved(f); n != 0 {
			t.Errorf("%s reserves %d of nothing", f.Name, n)
		}
		want := 0
		if f.Permissions.Has(operation.SendsSMS) && f.Name != string(plan.Deliver) {
			want = 7
		}
		if n := (SMS{Concurrency: 7}).reserved(f); n != want {
			t.Errorf("%s reserves %d, want %d", f.Name, n, want)
		}
	}
	if (SMS{}).sends() != 5 || (SMS{Concurrency: 7}).sends() != 7 {
		t.Error("the limit of requests a second is another")
	}
}
