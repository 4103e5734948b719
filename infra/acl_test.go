package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/countersign-mfa/countersign/infra/cost"
)

// TestWebACL: the ACL is in us-east-1 for CloudFront, and lets through what no rule blocks. Its
// rules are those of AWS against known bad addresses and inputs, the limit of an address, and the
// blocked countries. A caller above the limit gets 429 in the form of the API's errors.
func TestWebACL(t *testing.T) {
	set := behindEdge(true)
	set.Edge.Rate, set.Edge.Blocked = 500, []string{"KP", "AQ"}
	stack := NewACL(NewApp(), set, Env{Region: "eu-central-1"})
	awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{}), nil)
	for _, f := range findings(stack) {
		t.Error(f)
	}
	if *stack.Region() != "us-east-1" || *stack.StackName() != "countersign-edge" {
		t.Errorf("%s is in %s", *stack.StackName(), *stack.Region())
	}
	raw := template(stack)
	if raw["Parameters"] != nil {
		t.Errorf("it needs what us-east-1 may lack: %v", raw["Parameters"])
	}
	_, p := ofKind(t, raw, "AWS::WAFv2::WebACL")
	if got, _ := json.Marshal([]any{p["Scope"], p["DefaultAction"]}); string(got) != `["CLOUDFRONT",{"Allow":{}}]` {
		t.Errorf("the ACL is %s", got)
	}
	var got []string
	for i, r := range anyList(p["Rules"]) {
		r := r.(map[string]any)
		text, _ := json.Marshal([]any{r["Action"], r["OverrideAction"], r["Statement"]})
		got = append(got, string(text))
		if r["Priority"] != float64(i) || r["VisibilityConfig"].(map[string]any)["SampledRequestsEnabled"] != false {
			t.Errorf("%v has the priority %v, or keeps samples with cookies and keys", r["Name"], r["Priority"])
		}
	}
	want := []string{
		`[null,{"None":{}},{"ManagedRuleGroupStatement":{"Name":"AWSManagedRulesAmazonIpReputationList","VendorName":"AWS"}}]`,
		`[{"Block":{}},null,{"GeoMatchStatement":{"CountryCodes":["KP","AQ"]}}]`,
		`[{"Block":{"CustomResponse":{"CustomResponseBodyKey":"limit","ResponseCode":429,"ResponseHeaders":[{"Name":"retry-after","Value":"300"}]}}},null,` +
			`{"RateBasedStatement":{"AggregateKeyType":"IP","EvaluationWindowSec":300,"Limit":500}}]`,
		`[null,{"None":{}},{"ManagedRuleGroupStatement":{"Name":"AWSManagedRulesKnownBadInputsRuleSet","VendorName":"AWS"}}]`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the rules are\n%s", strings.Join(got, "\n"))
	}
	if body, _ := json.Marshal(p["CustomResponseBodies"]); !strings.Contains(string(body), "too_many_requests") || !strings.Contains(string(body), "APPLICATION_JSON") {
		t.Errorf("the answer is %s", body)
	}
	set.Edge.Rate, set.Edge.Blocked = 0, nil
	_, p = ofKind(t, template(NewACL(NewApp(), set, Env{})), "AWS::WAFv2::WebACL")
	if n := len(anyList(p["Rules"])); n != cost.EdgeRules {
		t.Errorf("the page of costs counts %d rules, and there are %d", cost.EdgeRules, n)
	}
	if rules, _ := json.Marshal(p["Rules"]); strings.Contains(string(rules), "GeoMatch") || !strings.Contains(string(rules), `"Limit":2000`) {
		t.Errorf("without settings the rules are %s", rules)
	}
}

// TestTheLogOfTheWebACL: it has blocked requests only, and nothing that a caller keeps secret.
func TestTheLogOfTheWebACL(t *testing.T) {
	raw := template(NewACL(NewApp(), behindEdge(false), Env{}))
	_, p := ofKind(t, raw, "AWS::WAFv2::LoggingConfiguration")
	redacted, _ := json.Marshal(p["RedactedFields"])
	if string(redacted) != `[{"QueryString":{}},{"UriPath":{}},{"SingleHeader":{"Name":"authorization"}},{"SingleHeader":{"Name":"cookie"}}]` {
		t.Errorf("left out are %s", redacted)
	}
	filter, _ := json.Marshal(p["LoggingFilter"])
	if string(filter) != `{"DefaultBehavior":"DROP","Filters":[{"Behavior":"KEEP","Conditions":[{"ActionCondition":{"Action":"BLOCK"}}],"Requirement":"MEETS_ANY"}]}` {
		t.Errorf("kept are %s", filter)
	}
	_, group := ofKind(t, raw, "AWS::Logs::LogGroup")
	to, _ := json.Marshal(p["LogDestinationConfigs"])
	if group["LogGroupName"] != "aws-waf-logs-countersign" || group["RetentionInDays"] != 30.0 || !strings.Contains(string(to), ":log-group:aws-waf-logs-countersign") {
		t.Errorf("the log is %v at %s", group, to)
	}
}

// TestNoDistributionWithoutItsACL: CloudFront without a WAF stops the synth, and says what to do.
func TestNoDistributionWithoutItsACL(t *testing.T) {
	set, here := behindEdge(true), Env{Account: "111122223333"}
	if err := errors.Join(set.check(), set.Edge.complete(here), set.Edge.complete(Env{})); err != nil {
		t.Error(err)
	}
	if err := set.Edge.complete(Env{Account: "444455556666"}); err == nil || !strings.Contains(err.Error(), "edge.certificate: it is not of the account") || !strings.Contains(err.Error(), "edge.acl: it is not") {
		t.Errorf("in another account: %v", err)
	}
	set.Edge.ACL = ""
	if err := set.check(); err != nil {
		t.Errorf("`make acl` cannot begin: %v", err)
	}
	if err := set.Edge.complete(here); err == nil || !strings.Contains(err.Error(), "edge.acl: it is missing; `make acl`") {
		t.Errorf("%v", err)
	}
	if err := (*Edge)(nil).complete(here); err != nil {
		t.Errorf("without CloudFront: %v", err)
	}
}

// TestWrongEdge: each wrong value stops the synth with a sentence that names the setting.
func TestWrongEdge(t *testing.T) {
	text, err := os.ReadFile("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const certificate = "certificate: arn:aws:acm:us-east-1:111122223333:certificate/1"
	for name, c := range map[string]struct{ edge, says string }{
		"no domain":                 {certificate, "edge: it needs domain"},
		"nothing":                   {"{}", "edge.certificate: \"\" is not the ARN"},
		"a certificate elsewhere":   {"certificate: arn:aws:acm:eu-central-1:111122223333:certificate/1", "in us-east-1, where CloudFront takes it from"},
		"a regional web ACL":        {"acl: arn:aws:wafv2:us-east-1:111122223333:regional/webacl/a/1", "edge.acl: "},
		"a web ACL by name":         {"acl: mine", "edge.acl: \"mine\" is not the ARN of a web ACL"},
		"a secret below one":        {"secret: -1", "edge.secret: -1 is not between 1 and"},
		"a secret in words":         {"secret: hidden", "edge.secret: hidden is not a whole number"},
		"a rate that WAF refuses":   {"rate: 9", "edge.rate: 9 is not between 10 and"},
		"half a request":            {"rate: 10.5", "edge.rate: 10.5 is not a whole number"},
		"a blocked country unknown": {"blocked_countries: [UK]", "edge.blocked_countries: \"UK\": "},
		"a blocked country twice":   {"blocked_countries: [FR, FR]", "edge.blocked_countries: \"FR\" stands twice"},
		"a required in words":       {"required: perhaps", "edge.required: perhaps is not true or false"},
		"a setting unknown":         {"require: true", "require"},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.WriteFile(file, append(slices.Clone(text), "\nedge:\n  "+c.edge+"\n"...), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSettings(file); err == nil || !strings.Contains(err.Error(), c.says) || !strings.HasPrefix(err.Error(), file) {
				t.Errorf("%v, want a sentence with %q", err, c.says)
			}
		})
	}
}
