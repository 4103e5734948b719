package main

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
)

// TestLintInTemplate: `sam validate --lint` passes no arguments to cfn-lint. The CDK's DependsOn
// would fail it.
func TestLintInTemplate(t *testing.T) {
	metadata, _ := built.raw["Metadata"].(map[string]any)
	if got := fmt.Sprint(metadata["cfn-lint"]); got != "map[config:map[ignore_checks:[W3005]]]" {
		t.Errorf("the template tells cfn-lint %s", got)
	}
	if metadata["cdk_nag"] == nil {
		t.Error("the reasons of accepted findings are gone")
	}
}

// TestSAMLocal: SAM gives a function only variables that the template declares, so the address of
// the services must be one. A deployment has no such variable.
func TestSAMLocal(t *testing.T) {
	local := *built.stack
	local.settings.SAMLocal = true
	for _, f := range plan.Functions() {
		value, declared := (*local.environment(f))[endpointVariable]
		if !declared || *value != "" {
			t.Errorf("%s does not declare %s", f.Name, endpointVariable)
		}
		if _, declared := (*built.stack.environment(f))[endpointVariable]; declared {
			t.Errorf("a deployment declares %s", endpointVariable)
		}
	}
}
