package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// behindEdge are settings with CloudFront in front.
func behindEdge(required bool) Settings {
	s := example()
	s.Domain = Domain{Name: "clerk.example.com", Certificate: "arn:aws:acm:eu-central-1:111122223333:certificate/1"}
	s.Edge = &Edge{Certificate: "arn:aws:acm:us-east-1:111122223333:certificate/2", ACL: "arn:aws:wafv2:us-east-1:111122223333:global/webacl/countersign-edge/3", Required: required}
	return s
}

// edged is the service behind CloudFront, with what cdk-nag finds.
var edged = sync.OnceValues(func() (map[string]any, []string) {
	dir, err := os.MkdirTemp("", "zips")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	_, service := NewStacks(NewApp(), behindEdge(true), Env{}, fakes(dir))
	awscdk.Aspects_Of(service.cdk).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{}), nil)
	justify(service.cdk)
	justifyEdge(service.cdk)
	return template(service.cdk), findings(service.cdk)
})

// ofKind returns the properties of the only resource of a type in a template.
func ofKind(t *testing.T, raw map[string]any, kind string) (name string, properties map[string]any) {
	t.Helper()
	n := 0
	for at, r := range raw["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == kind {
			name, properties = at, r["Properties"].(map[string]any)
			n++
		}
	}
	if n != 1 {
		t.Fatalf("%d resources of the type %s", n, kind)
	}
	return name, properties
}

func findings(stack awscdk.Stack) []string {
	var all []string
	notes := assertions.Annotations_FromStack(stack)
	for _, found := range []*[]*assertionsMessage{notes.FindError(jsii.String("*"), assertions.Match_AnyValue()), notes.FindWarning(jsii.String("*"), assertions.Match_AnyValue())} {
		for _, m := range *found {
			all = append(all, fmt.Sprintf("%s: %v", *m.Id, m.Entry.Data))
		}
	}
	return all
}

// justifyEdge lists the findings about CloudFront that are accepted, each with its reason.
func justifyEdge(stack awscdk.Stack) {
	for id, reason := range map[string]string{
		"AwsSolutions-CFR1": "The web ACL blocks countries, if a team wants that.",
		"AwsSolutions-CFR3": "CloudFront's log cannot leave out the query, in which tickets are. The functions log each request with the caller's address, and the web ACL what it blocks.",
	} {
		cdknag.NagSuppressions_AddStackSuppressions(stack, &[]*cdknag.NagPackSuppression{{Id: &id, Reason: &reason}}, jsii.Bool(true))
	}
}

func TestNagBehindCloudFront(t *testing.T) {
	_, found := edged()
	for _, f := range found {
		t.Error(f)
	}
}

// TestCloudFrontIsTheDomain: callers reach CloudFront by the domain, over TLS 1.2 or newer only.
// CloudFront reaches the API by TLS, at a host that answers for the same name.
func TestCloudFrontIsTheDomain(t *testing.T) {
	raw, _ := edged()
	_, p := ofKind(t, raw, "AWS::CloudFront::Distribution")
	c := p["DistributionConfig"].(map[string]any)
	for name, want := range map[string]string{
		"Aliases": `["clerk.example.com"]`, "Enabled": "true", "HttpVersion": `"http2and3"`, "IPV6Enabled": "true",
		"WebACLId":          `"arn:aws:wafv2:us-east-1:111122223333:global/webacl/countersign-edge/3"`,
		"ViewerCertificate": `{"AcmCertificateArn":"arn:aws:acm:us-east-1:111122223333:certificate/2","MinimumProtocolVersion":"TLSv1.2_2021","SslSupportMethod":"sni-only"}`,
	} {
		if got, _ := json.Marshal(c[name]); string(got) != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if c["Logging"] != nil {
		t.Error("CloudFront keeps a log, with the queries in which tickets are")
	}
	origins := anyList(c["Origins"])
	origin, _ := json.Marshal(origins[0])
	for _, part := range []string{`"RegionalDomainName"`, `"OriginProtocolPolicy":"https-only"`, `"OriginSSLProtocols":["TLSv1.2"]`} {
		if len(origins) != 1 || !strings.Contains(string(origin), part) {
			t.Errorf("%d origins, and the first has no %s: %s", len(origins), part, origin)
		}
	}
	_, api := ofKind(t, raw, "AWS::ApiGatewayV2::Api")
	if api["DisableExecuteApiEndpoint"] != true {
		t.Error("the API answers at a third host too")
	}
	for _, function := range raw["Resources"].(map[string]any) {
		if r := function.(map[string]any); r["Type"] == "AWS::Lambda::Function" {
			told := r["Properties"].(map[string]any)["Environment"].(map[string]any)["Variables"].(map[string]any)
			if told[lambdahost.EnvURL] != "https://clerk.example.com" {
				t.Errorf("a function is told the URL %v", told[lambdahost.EnvURL])
			}
		}
	}
}

// TestTheGatewayGivesUpBeforeCloudFront: otherwise CloudFront sends a GET up to three times, and a
// nonce of a handshake works once.
func TestTheGatewayGivesUpBeforeCloudFront(t *testing.T) {
	raw, _ := edged()
	_, p := ofKind(t, raw, "AWS::CloudFront::Distribution")
	origin := p["DistributionConfig"].(map[string]any)["Origins"].([]any)[0].(map[string]any)
	if wait := origin["CustomOriginConfig"].(map[string]any)["OriginReadTimeout"].(float64); wait <= waitSecs+1 {
		t.Errorf("CloudFront waits %v s, the gateway %d s", wait, waitSecs+1)
	}
}

// TestTheHeaderOfCloudFront: it is a reference to the version of the secret that keys-rotate makes
// before. CloudFormation resolves a reference again only when its text changes, so another number
// in the settings is another reference. The template holds no secret.
func TestTheHeaderOfCloudFront(t *testing.T) {
	raw, _ := edged()
	at, p := ofKind(t, raw, "AWS::CloudFront::Distribution")
	header, _ := json.Marshal(p["DistributionConfig"].(map[string]any)["Origins"].([]any)[0].(map[string]any)["OriginCustomHeaders"])
	want := `[{"HeaderName":"X-Countersign-Edge","HeaderValue":{"Fn::Join":["",["{{resolve:secretsmanager:",{"Ref":"EdgeSecret"},":SecretString:::countersign-edge-secret-version-00000001}}"]]}}]`
	if string(header) != want {
		t.Errorf("the header is %s, want %s", header, want)
	}
	value, made := ofKind(t, raw, "Custom::Edge")
	if made["Version"] != "countersign-edge-secret-version-00000001" || made["Name"] != "countersign" || !strings.Contains(fmt.Sprint(made["ServiceToken"]), "KeysRotate") {
		t.Errorf("the version of the secret is made by %v", made)
	}
	if before := texts(raw["Resources"].(map[string]any)[at].(map[string]any)["DependsOn"]); !slices.Contains(before, value) {
		t.Errorf("CloudFront gets the secret after %v: functions would refuse it", before)
	}
	next := Edge{Secret: 2}
	if id := next.version(); id == made["Version"] || len(id) < 32 || len(id) > 64 {
		t.Errorf("the second version is %s", id)
	}
	name, secret := ofKind(t, raw, "AWS::SecretsManager::Secret")
	if secret["SecretString"] != nil || secret["GenerateSecretString"] != nil {
		t.Error("the template has or makes the secret: only keys-rotate knows its hash")
	}
	if r := raw["Resources"].(map[string]any)[name].(map[string]any); r["DeletionPolicy"] != "Delete" {
		t.Errorf("the secret outlives the stack: %v", r["DeletionPolicy"])
	}
}

// TestWhoIsBehindCloudFront: all functions that the gateway calls, and no others, are told that
// CloudFront is required. Only keys-rotate may read or make its secret.
func TestWhoIsBehindCloudFront(t *testing.T) {
	raw, _ := edged()
	requested := map[string]bool{}
	for _, f := range plan.Functions() {
		requested["countersign-"+f.Name] = f.Requested()
	}
	for _, r := range raw["Resources"].(map[string]any) {
		r := r.(map[string]any)
		text, _ := json.Marshal(r)
		switch r["Type"] {
		case "AWS::Lambda::Function":
			p := r["Properties"].(map[string]any)
			mode := p["Environment"].(map[string]any)["Variables"].(map[string]any)[lambdahost.EnvEdge]
			if name := p["FunctionName"].(string); requested[name] != (mode == lambdahost.EdgeRequired) || !requested[name] && mode != nil {
				t.Errorf("%s is told %v", name, mode)
			}
		case "AWS::IAM::Role":
			reads := strings.Contains(string(text), `{"Ref":"EdgeSecret"}`)
			if rotates := strings.Contains(fmt.Sprint(r), "GenerateDataKeyWithoutPlaintext"); reads != rotates {
				t.Errorf("a role may read CloudFront's secret: %v, and makes keys: %v", reads, rotates)
			}
		}
	}
	for mode, want := range map[*Edge]string{nil: "", {}: "believed", {Required: true}: "required"} {
		if mode.mode() != want {
			t.Errorf("%+v is %q, want %q", mode, mode.mode(), want)
		}
	}
}

// TestWhatCloudFrontKeeps: nothing of the API. Of files and public keys, what Cache-Control allows,
// one answer for all callers of an origin: no cookie, no query and no credential reaches the API
// there. No error, because CloudFront would give it to other callers.
func TestWhatCloudFrontKeeps(t *testing.T) {
	raw, _ := edged()
	_, p := ofKind(t, raw, "AWS::CloudFront::Distribution")
	c := p["DistributionConfig"].(map[string]any)
	whole := c["DefaultCacheBehavior"].(map[string]any)
	if whole["CachePolicyId"] != "4135ea2d-6df8-44a3-9df3-4b5a84be39ad" { // CachingDisabled
		t.Errorf("the API's answers are cached by %v", whole["CachePolicyId"])
	}
	if got := fmt.Sprint(whole["AllowedMethods"]); got != "[GET HEAD OPTIONS PUT PATCH POST DELETE]" {
		t.Errorf("the methods are %s", got)
	}
	var patterns []string
	behaviours := append(anyList(c["CacheBehaviors"]), whole)
	for _, b := range behaviours {
		b := b.(map[string]any)
		if b["ViewerProtocolPolicy"] != "https-only" {
			t.Errorf("%v: %v: a redirect comes after the secrets of the request", b["PathPattern"], b["ViewerProtocolPolicy"])
		}
		functions, _ := json.Marshal(b["FunctionAssociations"])
		if !strings.Contains(string(functions), `"EventType":"viewer-request","FunctionARN":{"Fn::GetAtt":["EdgeSlashes","FunctionARN"]}`) {
			t.Errorf("%v: slashes stay: %s", b["PathPattern"], functions)
		}
		if pattern, ok := b["PathPattern"].(string); ok {
			patterns = append(patterns, pattern)
			if got := fmt.Sprint(b["AllowedMethods"], b["CachePolicyId"], b["OriginRequestPolicyId"]); got != "[GET HEAD OPTIONS] map[Fn::GetAtt:[EdgeCache Id]] map[Fn::GetAtt:[EdgeCachedRequests Id]]" {
				t.Errorf("%s: %s", pattern, got)
			}
		}
	}
	if !slices.Equal(patterns, []string{"/assets/*", "/.well-known/*"}) || !slices.Equal(patterns, plan.CachedByEdge()) {
		t.Errorf("the paths are %v", patterns)
	}
	_, cache := ofKind(t, raw, "AWS::CloudFront::CachePolicy")
	config := cache["CachePolicyConfig"].(map[string]any)
	key, _ := json.Marshal(config["ParametersInCacheKeyAndForwardedToOrigin"])
	const want = `{"CookiesConfig":{"CookieBehavior":"none"},"EnableAcceptEncodingBrotli":false,"EnableAcceptEncodingGzip":true,` +
		`"HeadersConfig":{"HeaderBehavior":"whitelist","Headers":["Origin"]},"QueryStringsConfig":{"QueryStringBehavior":"none"}}`
	if string(key) != want || config["MinTTL"] != 0.0 || config["DefaultTTL"] != 0.0 {
		t.Errorf("the cache key is %s, and without Cache-Control an answer is kept %v s", key, config["DefaultTTL"])
	}
	kept := map[float64]bool{}
	for _, e := range anyList(c["CustomErrorResponses"]) {
		e := e.(map[string]any)
		kept[e["ErrorCode"].(float64)] = e["ErrorCachingMinTTL"] != 0.0 || len(e) != 2
	}
	for _, status := range plan.EdgeErrors() {
		if keeps, ok := kept[float64(status)]; keeps || !ok {
			t.Errorf("CloudFront keeps the answer %d for other callers", status)
		}
	}
}

// TestWhatReachesTheAPI: of the API, all that a caller sends, and the caller's address; of cached
// paths, only the host, the address and what a preflight asks.
func TestWhatReachesTheAPI(t *testing.T) {
	raw, _ := edged()
	want := map[string]string{
		"EdgeRequests": `{"CookiesConfig":{"CookieBehavior":"all"},"HeadersConfig":{"HeaderBehavior":"allViewerAndWhitelistCloudFront","Headers":["CloudFront-Viewer-Address"]},` +
			`"Name":"countersign-eu-central-1-requests","QueryStringsConfig":{"QueryStringBehavior":"all"}}`,
		"EdgeCachedRequests": `{"CookiesConfig":{"CookieBehavior":"none"},"HeadersConfig":{"HeaderBehavior":"whitelist",` +
			`"Headers":["Host","CloudFront-Viewer-Address","Access-Control-Request-Method","Access-Control-Request-Headers"]},` +
			`"Name":"countersign-eu-central-1-cached-requests","QueryStringsConfig":{"QueryStringBehavior":"none"}}`,
	}
	for name, r := range raw["Resources"].(map[string]any) {
		if r := r.(map[string]any); r["Type"] == "AWS::CloudFront::OriginRequestPolicy" {
			if got, _ := json.Marshal(r["Properties"].(map[string]any)["OriginRequestPolicyConfig"]); string(got) != want[name] {
				t.Errorf("%s is %s, want %s", name, got, want[name])
			}
			delete(want, name)
		}
	}
	for name := range want {
		t.Errorf("there is no %s", name)
	}
}

// TestSlashesAtTheEnd runs the CloudFront Function.
func TestSlashesAtTheEnd(t *testing.T) {
	raw, _ := edged()
	_, p := ofKind(t, raw, "AWS::CloudFront::Function")
	config := p["FunctionConfig"].(map[string]any)
	if config["Runtime"] != "cloudfront-js-2.0" || p["AutoPublish"] != true {
		t.Errorf("the function is %v, published %v", config, p["AutoPublish"])
	}
	paths := map[string]string{
		"/": "/", "//": "/", "/v1/me/phone_numbers/": "/v1/me/phone_numbers", "/v1/me/": "/v1/me", "/v1/me//": "/v1/me", "/v1/me": "/v1/me", "/assets/a.js": "/assets/a.js",
		"/dashboard/": "/dashboard", "/v1//me": "/v1//me", "/v1/me/%2F": "/v1/me/%2F",
	}
	given, _ := json.Marshal(paths)
	script := p["FunctionCode"].(string) + "\nfor (const [from, to] of Object.entries(" + string(given) + ")) {\n" +
		"  const got = handler({request: {uri: from, headers: {}}});\n  if (got.uri !== to || !got.headers) console.log(from + ' is ' + got.uri + ', want ' + to);\n}"
	out, err := exec.CommandContext(t.Context(), "node", "-e", script).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%s %v", out, err)
	}
	if len(p["FunctionCode"].(string)) > 10_240 {
		t.Error("a CloudFront Function has at most 10 KB")
	}
}

// TestWithoutCloudFrontNothingOfIt: a team without the setting pays nothing for it.
func TestWithoutCloudFrontNothingOfIt(t *testing.T) {
	text, _ := json.Marshal(built.raw)
	for _, word := range []string{"CloudFront", "Custom::Edge", "EdgeSecret", lambdahost.EnvEdge} {
		if strings.Contains(string(text), word) {
			t.Errorf("the template has %s", word)
		}
	}
}
