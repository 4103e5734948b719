package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awsapigatewayv2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslambda"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/infra/watch"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// gateway makes the HTTP API. Its routes are one OpenAPI body instead of a resource each, because a
// stack may have 500 resources.
func (s *Stack) gateway() awsapigatewayv2.CfnApi {
	gateway := awsapigatewayv2.NewCfnApi(s.cdk, jsii.String("Api"), &awsapigatewayv2.CfnApiProps{
		DisableExecuteApiEndpoint: jsii.Bool(s.settings.Domain != Domain{}),
		// Otherwise an import silently leaves out unsupported parts.
		FailOnWarnings: jsii.Bool(true),
	})
	host := join(gateway.Ref(), ".execute-api.", s.cdk.Region(), ".", awscdk.Aws_URL_SUFFIX())
	if s.settings.Domain != (Domain{}) {
		host = &s.settings.Domain.Name
	}
	s.url = join("https://", host)
	// Clerk's form: the host that answers, and a dollar sign, in base 64.
	s.key = join("pk_live_", awscdk.Fn_Base64(join(host, "$")))
	return gateway
}

func join(parts ...any) *string {
	texts := make([]*string, len(parts))
	for i, p := range parts {
		switch p := p.(type) {
		case string:
			texts[i] = &p
		case *string:
			texts[i] = p
		}
	}
	return awscdk.Fn_Join(jsii.String(""), &texts)
}

const integrations = "x-amazon-apigateway-integrations"

// routes sets the gateway's body, its stage and its domain. It returns the host that answers for
// the domain, or nil without one.
func (s *Stack) routes(gateway awsapigatewayv2.CfnApi) (regional *string) {
	gateway.SetBody(s.body())
	for _, name := range s.names() {
		if !s.functions[name].plan.Requested() {
			continue
		}
		awslambda.NewCfnPermission(s.cdk, jsii.String(id(name)+"Permission"), &awslambda.CfnPermissionProps{
			Action: jsii.String("lambda:InvokeFunction"), FunctionName: s.functions[name].FunctionArn(), Principal: jsii.String("apigateway.amazonaws.com"),
			SourceArn: join("arn:", awscdk.Aws_PARTITION(), ":execute-api:", s.cdk.Region(), ":", s.cdk.Account(), ":", gateway.Ref(), "/*/*"),
		})
	}
	s.stage(gateway)
	if s.settings.Domain != (Domain{}) {
		return s.domain(gateway)
	}
	return nil
}

// body returns the OpenAPI document of the routes: every route of the deployment plan, and one
// integration for each function. It has no parameters, because HTTP APIs ignore them with a
// warning. It has no CORS configuration: with one, the gateway would answer preflights itself and
// drop the functions' CORS headers, so origins that a team allows later would get none
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html).
func (s *Stack) body() map[string]any {
	paths, used := map[string]any{}, map[string]any{}
	for _, e := range plan.Routes() {
		path := e.Path
		if path == plan.Default {
			path = "/" + plan.Default
		}
		item, _ := paths[path].(map[string]any)
		if item == nil {
			item = map[string]any{}
			paths[path] = item
		}
		operation := map[string]any{
			"responses":                       map[string]any{"default": map[string]any{"description": "the function's answer"}},
			"x-amazon-apigateway-integration": map[string]any{"$ref": "#/components/" + integrations + "/" + e.Group},
		}
		if e.Path == plan.Default {
			operation["isDefaultRoute"] = true
		}
		item[method(e)] = operation
		used[e.Group] = map[string]any{
			"type": "AWS_PROXY", "httpMethod": "POST", "payloadFormatVersion": "2.0", "timeoutInMillis": (waitSecs + 1) * 1000,
			"uri": join("arn:", awscdk.Aws_PARTITION(), ":apigateway:", s.cdk.Region(), ":lambda:path/2015-03-31/functions/", s.arn(e.Group), "/invocations"),
		}
	}
	return map[string]any{
		"openapi": "3.0.1",
		"info":    map[string]any{"title": s.settings.Name, "version": "1"},
		"paths":   paths, "components": map[string]any{integrations: used},
	}
}

// arn returns a function's ARN by its name. The gateway cannot refer to the functions, because they
// refer to the gateway's address.
func (s *Stack) arn(name string) *string {
	return join("arn:", awscdk.Aws_PARTITION(), ":lambda:", s.cdk.Region(), ":", s.cdk.Account(), ":function:", s.functionName(name))
}

// method returns a route's method in an OpenAPI document for the gateway.
func method(e operation.Route) string {
	if e.Method == plan.Any || e.Path == plan.Default {
		return "x-amazon-apigateway-any-method"
	}
	return strings.ToLower(e.Method)
}

func (s *Stack) stage(gateway awsapigatewayv2.CfnApi) {
	s.access = s.logGroup("AccessLog", watch.GatewayLog)
	s.filters()
	t := s.settings.Throttle
	// Detailed metrics cost up to $1.80 a month for each route: six custom metrics at $0.30
	// (https://aws.amazon.com/cloudwatch/pricing/). Lambda's free metrics say the same, because each
	// route is a function.
	limit := func(rate float64, burst int) map[string]any {
		return map[string]any{"ThrottlingRateLimit": rate, "ThrottlingBurstLimit": burst, "DetailedMetricsEnabled": false}
	}
	perRoute := map[string]any{}
	for _, e := range plan.Routes() {
		if rate, burst, ok := s.slower(e); ok {
			perRoute[e.Key()] = limit(rate, burst)
		}
	}
	awsapigatewayv2.NewCfnStage(s.cdk, jsii.String("Stage"), &awsapigatewayv2.CfnStageProps{
		ApiId: gateway.Ref(), StageName: jsii.String("$default"), AutoDeploy: jsii.Bool(true),
		AccessLogSettings: &awsapigatewayv2.CfnStage_AccessLogSettingsProperty{DestinationArn: s.access.LogGroupArn(), Format: jsii.String(watch.AccessLog())},
		DefaultRouteSettings: &awsapigatewayv2.CfnStage_RouteSettingsProperty{
			ThrottlingRateLimit: &t.Rate, ThrottlingBurstLimit: jsii.Number(t.Burst), DetailedMetricsEnabled: jsii.Bool(false),
		},
		RouteSettings: perRoute,
	})
}

// slower returns the lower request limit of a route that sends SMS or checks codes or passwords. ok
// is false for every other route.
func (s *Stack) slower(e operation.Route) (rate float64, burst int, ok bool) {
	f := s.functions[e.Group].plan
	const guessShare = 5
	switch {
	case f.Sends():
		n := s.settings.SMS.sends()
		return float64(n), 2 * n, true
	case slices.ContainsFunc(f.Operations, func(op operation.Operation) bool { return op.Permissions.Has(operation.Counts) }):
		return s.settings.Throttle.Rate / guessShare, max(s.settings.Throttle.Burst/guessShare, 1), true
	}
	return 0, 0, false
}

func (s *Stack) domain(gateway awsapigatewayv2.CfnApi) (regional *string) {
	domain := awsapigatewayv2.NewCfnDomainName(s.cdk, jsii.String("Domain"), &awsapigatewayv2.CfnDomainNameProps{
		DomainName: &s.settings.Domain.Name,
		DomainNameConfigurations: []any{&awsapigatewayv2.CfnDomainName_DomainNameConfigurationProperty{
			CertificateArn: &s.settings.Domain.Certificate, EndpointType: jsii.String("REGIONAL"), SecurityPolicy: jsii.String("TLS_1_2"),
		}},
	})
	awsapigatewayv2.NewCfnApiMapping(s.cdk, jsii.String("DomainMapping"), &awsapigatewayv2.CfnApiMappingProps{
		ApiId: gateway.Ref(), DomainName: domain.Ref(), Stage: jsii.String("$default"),
	}).AddDependency(s.cdk.Node().FindChild(jsii.String("Stage")).(awscdk.CfnResource))
	about := "Make %s a CNAME of this"
	if s.settings.Edge != nil {
		about = "Where CloudFront finds %s; EdgeTarget is the host for the CNAME"
	}
	awscdk.NewCfnOutput(s.cdk, jsii.String("DomainTarget"), &awscdk.CfnOutputProps{
		Value: domain.AttrRegionalDomainName(), Description: jsii.String(fmt.Sprintf(about, s.settings.Domain.Name)),
	})
	return domain.AttrRegionalDomainName()
}
