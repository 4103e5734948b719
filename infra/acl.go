package main

import (
	"strconv"

	"encoding/json"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/awslogs"
	"github.com/aws/aws-cdk-go/awscdk/v2/awswafv2"
	"github.com/aws/jsii-runtime-go"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

const (
	rateWindow = 300 // seconds in which AWS WAF counts requests
	tooMany    = 429
	limitBody  = "limit"
	// aclLogs is the beginning that AWS WAF demands of a log group's name
	// (https://docs.aws.amazon.com/waf/latest/developerguide/logging-cw-logs.html).
	aclLogs = "aws-waf-logs-"
)

// NewACL builds the stack of the web ACL, which must be in us-east-1. It is a stack of its own,
// because a stack has one region; the service knows the ACL by its ARN in the settings.
func NewACL(app awscdk.App, settings Settings, env Env) awscdk.Stack {
	env.Region = edgeRegion
	name := settings.Name + webACL
	stack := awscdk.NewStack(app, &name, &awscdk.StackProps{
		Env: env.cdk(), Description: jsii.String("Countersign: web ACL of CloudFront"), AnalyticsReporting: jsii.Bool(false),
		// Without assets the stack needs no CDK bootstrap, which us-east-1 may not have.
		Synthesizer: awscdk.NewBootstraplessSynthesizer(nil),
	})
	awscdk.Tags_Of(stack).Add(jsii.String("application"), jsii.String("countersign"), nil)
	acl := awswafv2.NewCfnWebACL(stack, jsii.String("Acl"), &awswafv2.CfnWebACLProps{
		Name: &name, Scope: jsii.String("CLOUDFRONT"), DefaultAction: &awswafv2.CfnWebACL_DefaultActionProperty{Allow: &awswafv2.CfnWebACL_AllowActionProperty{}},
		VisibilityConfig: visibility(name), Rules: rules(settings.Edge),
		CustomResponseBodies: map[string]any{limitBody: &awswafv2.CfnWebACL_CustomResponseBodyProperty{
			ContentType: jsii.String("APPLICATION_JSON"), Content: jsii.String(limitAnswer()),
		}},
	})
	aclLog(stack, acl, settings)
	awscdk.NewCfnOutput(stack, jsii.String("AclArn"), &awscdk.CfnOutputProps{Value: acl.AttrArn(), Description: jsii.String("The value of edge.acl in the settings")})
	return stack
}

// visibility counts requests by rule. It keeps no samples, which would hold cookies and keys.
func visibility(metric string) *awswafv2.CfnWebACL_VisibilityConfigProperty {
	return &awswafv2.CfnWebACL_VisibilityConfigProperty{MetricName: &metric, CloudWatchMetricsEnabled: jsii.Bool(true), SampledRequestsEnabled: jsii.Bool(false)}
}

// rules are the rules of the web ACL, the cheapest first.
func rules(set *Edge) []any {
	var all []any
	add := func(name string, r awswafv2.CfnWebACL_RuleProperty) {
		r.Name, r.Priority, r.VisibilityConfig = &name, jsii.Number(len(all)), visibility(name)
		all = append(all, &r)
	}
	managed := func(name string) {
		add(name, awswafv2.CfnWebACL_RuleProperty{
			OverrideAction: &awswafv2.CfnWebACL_OverrideActionProperty{None: map[string]any{}},
			Statement: &awswafv2.CfnWebACL_StatementProperty{
				ManagedRuleGroupStatement: &awswafv2.CfnWebACL_ManagedRuleGroupStatementProperty{VendorName: jsii.String("AWS"), Name: &name},
			},
		})
	}
	managed("AWSManagedRulesAmazonIpReputationList")
	if len(set.Blocked) > 0 {
		add("countries", awswafv2.CfnWebACL_RuleProperty{
			Action:    &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{}},
			Statement: &awswafv2.CfnWebACL_StatementProperty{GeoMatchStatement: &awswafv2.CfnWebACL_GeoMatchStatementProperty{CountryCodes: jsii.Strings(set.Blocked...)}},
		})
	}
	add("rate", awswafv2.CfnWebACL_RuleProperty{
		Action: &awswafv2.CfnWebACL_RuleActionProperty{Block: &awswafv2.CfnWebACL_BlockActionProperty{
			CustomResponse: &awswafv2.CfnWebACL_CustomResponseProperty{
				ResponseCode: jsii.Number(tooMany), CustomResponseBodyKey: jsii.String(limitBody),
				ResponseHeaders: []any{&awswafv2.CfnWebACL_CustomHTTPHeaderProperty{Name: jsii.String("retry-after"), Value: jsii.String(strconv.Itoa(rateWindow))}},
			},
		}},
		Statement: &awswafv2.CfnWebACL_StatementProperty{RateBasedStatement: &awswafv2.CfnWebACL_RateBasedStatementProperty{
			AggregateKeyType: jsii.String("IP"), Limit: jsii.Number(set.rate()), EvaluationWindowSec: jsii.Number(rateWindow),
		}},
	})
	managed("AWSManagedRulesKnownBadInputsRuleSet")
	return all
}

// limitAnswer is the body of the rate rule's answer, in the form of the API's errors.
func limitAnswer() string {
	text, err := json.Marshal(wire.NewEnvelope(apierr.New(apierr.TooManyRequests), ""))
	if err != nil {
		panic(err) // strings
	}
	return string(text)
}

// aclLog keeps the blocked requests, without path, query, cookie and key: the gateway and the
// functions log the others.
func aclLog(stack awscdk.Stack, acl awswafv2.CfnWebACL, settings Settings) {
	group := awslogs.NewLogGroup(stack, jsii.String("AclLog"), &awslogs.LogGroupProps{
		LogGroupName: jsii.String(aclLogs + settings.Name),
		Retention:    awslogs.RetentionDays(retention(settings.LogDays)), RemovalPolicy: awscdk.RemovalPolicy_DESTROY,
	})
	header := func(name string) any {
		return &awswafv2.CfnLoggingConfiguration_FieldToMatchProperty{SingleHeader: map[string]any{"Name": name}}
	}
	// The library passes these values on as they are.
	blocked := map[string]any{"Behavior": "KEEP", "Requirement": "MEETS_ANY", "Conditions": []any{map[string]any{"ActionCondition": map[string]any{"Action": "BLOCK"}}}}
	logging := awswafv2.NewCfnLoggingConfiguration(stack, jsii.String("AclLogging"), &awswafv2.CfnLoggingConfigurationProps{
		ResourceArn: acl.AttrArn(),
		LogDestinationConfigs: &[]any{stack.FormatArn(&awscdk.ArnComponents{
			Service: jsii.String("logs"), Resource: jsii.String("log-group"), ResourceName: jsii.String(aclLogs + settings.Name), ArnFormat: awscdk.ArnFormat_COLON_RESOURCE_NAME,
		})},
		LoggingFilter: map[string]any{"DefaultBehavior": "DROP", "Filters": []any{blocked}},
		RedactedFields: []any{
			&awswafv2.CfnLoggingConfiguration_FieldToMatchProperty{QueryString: map[string]any{}}, &awswafv2.CfnLoggingConfiguration_FieldToMatchProperty{UriPath: map[string]any{}},
			header("authorization"), header("cookie"),
		},
	})
	logging.AddResourceDependency(group.Node().DefaultChild().(awscdk.CfnResource), nil)
}
