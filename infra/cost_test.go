package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
)

// TestRoutesPublishNoDetailedMetrics: they would cost $1.80 a month for each route in use, and no
// alarm reads them.
func TestRoutesPublishNoDetailedMetrics(t *testing.T) {
	stage := theOnly(t, "AWS::ApiGatewayV2::Stage")
	settings := map[string]any{"every other route": stage["DefaultRouteSettings"]}
	for route, s := range stage["RouteSettings"].(map[string]any) {
		settings[route] = s
	}
	for route, s := range settings {
		if s.(map[string]any)["DetailedMetricsEnabled"] != false {
			t.Errorf("%s publishes detailed metrics", route)
		}
	}
}

// TestTracesAreOffByDefault: at little traffic X-Ray traces nearly every request, and costs more
// than the requests.
func TestTracesAreOffByDefault(t *testing.T) {
	s, err := ReadSettings("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if s.Tracing || s.KeepWarm {
		t.Errorf("settings.yaml has traces %v, warm functions %v", s.Tracing, s.KeepWarm)
	}
}

// TestWarmFunctions: keep_warm adds a schedule for each function of a sign-in, and nothing else.
// Every five minutes is a common rate for this. A lost event is not repeated.
func TestWarmFunctions(t *testing.T) {
	known := map[string]bool{}
	for _, f := range plan.Functions() {
		known[f.Name] = true
	}
	_, service := stacks(t, func(s *Settings) { s.KeepWarm = true })
	made := service["Resources"].(map[string]any)
	for _, name := range plan.SignIn {
		schedule, _ := made[id(name)+"Warm"].(map[string]any)
		if !known[name] || schedule == nil {
			t.Errorf("%s is a function %v, its schedule %v", name, known[name], schedule)
			continue
		}
		p := schedule["Properties"].(map[string]any)
		target := p["Target"].(map[string]any)
		if at := fmt.Sprint(target["Arn"]); !strings.Contains(at, "GetAtt:["+id(name)) || p["ScheduleExpression"] != "rate(5 minutes)" || target["Input"] != "{}" {
			t.Errorf("the schedule of %s is %v", name, p)
		}
		if fmt.Sprint(target["RetryPolicy"]) != "map[MaximumRetryAttempts:0]" {
			t.Errorf("a lost event of %s is repeated", name)
		}
	}
	if more := len(made) - len(built.raw["Resources"].(map[string]any)); more != len(plan.SignIn) {
		t.Errorf("keep_warm adds %d resources for %d functions", more, len(plan.SignIn))
	}
}
