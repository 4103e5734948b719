package main

import "github.com/aws/jsii-runtime-go"

// endpointVariable is the variable with which SDKs and functions find another server for all AWS
// services. Lambda does not set it.
const endpointVariable = "AWS_ENDPOINT_URL"

// lintInTemplate leaves out W3005 in the template itself, because `sam validate --lint` passes no
// arguments on: the CDK repeats in DependsOn what a reference already says.
func (s *Stack) lintInTemplate() {
	s.cdk.TemplateOptions().SetMetadata(&map[string]any{
		"cfn-lint": map[string]any{"config": map[string]any{"ignore_checks": []string{"W3005"}}},
	})
}

// forSAM declares what `sam local invoke --env-vars` may change: it changes only variables that the
// template declares.
func (s *Stack) forSAM(variables map[string]*string) {
	if s.settings.SAMLocal {
		variables[endpointVariable] = jsii.String("")
	}
}
