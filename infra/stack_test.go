package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-cdk-go/awscdk/v2"
	"github.com/aws/aws-cdk-go/awscdk/v2/assertions"
	"github.com/aws/jsii-runtime-go"
	"github.com/cdklabs/cdk-nag-go/cdknag/v2"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/test/needs"
)

var update = flag.Bool("update", false, "rewrite testdata/template.golden.json")

// built are the stacks of the example settings, synthesised once for all tests.
var built struct {
	data  *Data
	stack *Stack
	// raw is the template of the service, rawData that of the data.
	raw, rawData map[string]any
}

func TestMain(m *testing.M) {
	flag.Parse()
	if _, err := exec.LookPath("node"); err != nil {
		fmt.Println(needs.Missing(needs.Node, "the tests of the infrastructure need Node on the PATH"))
		if !needs.LeftOut(needs.Node) {
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := func() int {
		defer jsii.Close()
		dir, err := os.MkdirTemp("", "zips")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		prepare(dir)
		return m.Run()
	}()
	os.Exit(code)
}

func example() Settings {
	s, err := ReadSettings("settings.yaml")
	if err != nil {
		panic(err)
	}
	// So that the golden file shows what they add.
	s.EventBus, s.SMS.Concurrency, s.Tracing = "default", 5, true
	return s
}

// fakes writes tiny files in place of the functions' zips.
func fakes(dir string) func(string) string {
	return func(name string) string {
		path := filepath.Join(dir, name+".zip")
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			panic(err)
		}
		return path
	}
}

func prepare(dir string) {
	built.data, built.stack = NewStacks(NewApp(), example(), Env{}, fakes(dir))
	for _, stack := range []awscdk.Stack{built.data.cdk, built.stack.cdk} {
		awscdk.Aspects_Of(stack).Add(cdknag.NewAwsSolutionsChecks(&cdknag.NagPackProps{}), nil)
		justify(stack)
	}
	built.raw, built.rawData = template(built.stack.cdk), template(built.data.cdk)
}

// template synthesises a stack.
func template(stack awscdk.Stack) map[string]any {
	text, err := json.Marshal(assertions.Template_FromStack(stack, nil).ToJSON())
	var raw map[string]any
	if err == nil {
		err = json.Unmarshal(text, &raw)
	}
	if err != nil {
		panic(err)
	}
	return raw
}

// everything returns the resources of both stacks. Their logical names differ.
func everything() map[string]map[string]any {
	all := map[string]map[string]any{}
	for _, raw := range []map[string]any{built.raw, built.rawData} {
		for name, r := range raw["Resources"].(map[string]any) {
			if all[name] != nil {
				panic(name + " is in both stacks")
			}
			all[name] = r.(map[string]any)
		}
	}
	return all
}

// resources returns the properties of the resources of a type, of both stacks.
func resources(kind string) map[string]map[string]any {
	found := map[string]map[string]any{}
	for name, r := range everything() {
		if r["Type"] == kind {
			found[name], _ = r["Properties"].(map[string]any)
		}
	}
	return found
}

// TestDescriptions: make preflight knows a deployment by the descriptions of its stacks. With
// another description it would take the stacks of an earlier version for those of another team.
func TestDescriptions(t *testing.T) {
	if service, data := built.raw["Description"], built.rawData["Description"]; service != "Countersign: multi-factor authentication" || data != "Countersign: table and keys" {
		t.Errorf("the descriptions are %q and %q", service, data)
	}
}

// TestGolden shows every change of the templates.
func TestGolden(t *testing.T) {
	golden(t, "testdata/template.golden.json", built.raw)
	golden(t, "testdata/data.golden.json", built.rawData)
}

func golden(t *testing.T, file string, raw map[string]any) {
	t.Helper()
	text, err := json.MarshalIndent(raw, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`[0-9a-f]{64}`).ReplaceAllString(string(text), "HASH") + "\n"
	if *update {
		if err := errorsOf(os.MkdirAll("testdata", 0o755), os.WriteFile(file, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the template is not %s; -update rewrites it. It changes\n\t%s", file, strings.Join(changes(string(want), got), "\n\t"))
	}
}

func errorsOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestLimits: CloudFormation accepts 500 resources and a template of 1 MB. Each operation takes
// three, so a few more operations need a second stack, or one role that invokes all functions.
func TestLimits(t *testing.T) {
	text, _ := json.Marshal(built.raw)
	const edge = 5 // the secret and the log group of an edge, and their policies
	if n := len(built.raw["Resources"].(map[string]any)) + len(plan.SignIn) + edge; n > 500 {
		t.Errorf("%d resources with keep_warm and an edge", n)
	}
	if len(text) > 900_000 {
		t.Errorf("a template of %d bytes", len(text))
	}
}

func TestFunctions(t *testing.T) {
	made := map[string]map[string]any{}
	for _, p := range resources("AWS::Lambda::Function") {
		made[strings.TrimPrefix(p["FunctionName"].(string), "countersign-")] = p
	}
	for _, f := range plan.Functions() {
		p := made[f.Name]
		delete(made, f.Name)
		if p == nil {
			t.Errorf("%s is not in the template", f.Name)
			continue
		}
		if p["Runtime"] != "provided.al2023" || fmt.Sprint(p["Architectures"]) != "[arm64]" || p["Handler"] != "bootstrap" {
			t.Errorf("%s runs on %v %v %v", f.Name, p["Runtime"], p["Architectures"], p["Handler"])
		}
		logging := p["LoggingConfig"].(map[string]any)
		if logging["LogFormat"] != "JSON" || logging["LogGroup"] == nil || fmt.Sprint(p["TracingConfig"]) != "map[Mode:Active]" {
			t.Errorf("%s: logs %v, traces %v", f.Name, logging, p["TracingConfig"])
		}
		want := any(nil)
		if f.Sends() && f.Job == "" { // one schedule starts events-deliver
			want = 5.0
		}
		if p["ReservedConcurrentExecutions"] != want {
			t.Errorf("%s sends texts %v and has a reserved concurrency of %v, want %v", f.Name, f.Sends(), p["ReservedConcurrentExecutions"], want)
		}
	}
	for name := range made {
		t.Errorf("%s is in the template and not in the deployment plan", name)
	}
}

// TestRoutes: every route of the deployment plan is in the template, and leads to its function.
func TestRoutes(t *testing.T) {
	functions := map[string]bool{}
	for _, p := range resources("AWS::Lambda::Function") {
		functions[strings.TrimPrefix(p["FunctionName"].(string), "countersign-")] = true
	}
	var api map[string]any
	for _, p := range resources("AWS::ApiGatewayV2::Api") {
		api = p["Body"].(map[string]any)
	}
	integrated := api["components"].(map[string]any)[integrations].(map[string]any)
	got := map[string]string{}
	for path, item := range api["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			method = strings.Replace(method, "x-amazon-apigateway-any-method", plan.Any, 1)
			ref := op.(map[string]any)["x-amazon-apigateway-integration"].(map[string]any)["$ref"].(string)
			name := ref[strings.LastIndex(ref, "/")+1:]
			uri, _ := json.Marshal(integrated[name].(map[string]any)["uri"])
			target := regexp.MustCompile(`:function:countersign-([^"/]+)/invocations`).FindSubmatch(uri)
			if target == nil || string(target[1]) != name || !functions[name] {
				t.Errorf("the integration %s calls %s", name, uri)
			}
			key := strings.ToUpper(method) + " " + path
			if path == "/"+plan.Default { // x-amazon-apigateway-any-method in the guide of API Gateway
				key = plan.Default
				if op.(map[string]any)["isDefaultRoute"] != true {
					t.Errorf("%s is an ordinary route: unknown paths would get the gateway's own 404", path)
				}
			}
			got[key] = name
		}
	}
	want := map[string]string{}
	for _, e := range plan.Routes() {
		want[e.Key()] = e.Group
	}
	for key, name := range want {
		if got[key] != name {
			t.Errorf("%s leads to %q, want %s", key, got[key], name)
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("%s is in the template and not in the plan", key)
	}
}

// statement is one statement of a role's policy.
type statement struct {
	Effect                        string
	Action, Resource, NotResource any
}

func texts(v any) []string {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		return []string{v}
	case []any:
		var all []string
		for _, x := range v {
			all = append(all, texts(x)...)
		}
		return all
	default:
		text, _ := json.Marshal(v)
		return []string{string(text)}
	}
}

// policies returns the statements of the roles' policies, by the role's logical name.
func policies(t *testing.T) map[string][]statement {
	t.Helper()
	found := map[string][]statement{}
	add := func(role string, document any) {
		text, _ := json.Marshal(document.(map[string]any)["Statement"])
		var list []statement
		if err := json.Unmarshal(text, &list); err != nil {
			t.Fatal(err)
		}
		found[role] = append(found[role], list...)
	}
	for _, p := range resources("AWS::IAM::Policy") {
		for _, role := range p["Roles"].([]any) {
			add(role.(map[string]any)["Ref"].(string), p["PolicyDocument"])
		}
	}
	for name, p := range resources("AWS::IAM::Role") {
		inline, _ := p["Policies"].([]any)
		for _, policy := range inline {
			add(name, policy.(map[string]any)["PolicyDocument"])
		}
	}
	return found
}

// TestLeastPrivilege: a function's role has exactly its grants, its log and its traces. Only the
// wildcards listed here exist.
func TestLeastPrivilege(t *testing.T) {
	always := []string{"logs:CreateLogStream", "logs:PutLogEvents", "xray:PutTelemetryRecords", "xray:PutTraceSegments"}
	all := policies(t)
	for _, f := range plan.Functions() {
		var role string
		for _, p := range resources("AWS::Lambda::Function") {
			if p["FunctionName"] == "countersign-"+f.Name {
				role = p["Role"].(map[string]any)["Fn::GetAtt"].([]any)[0].(string)
			}
		}
		want := slices.Clone(always)
		for _, g := range f.Grants {
			want = append(want, g.Action)
		}
		var got []string
		for _, s := range all[role] {
			got = append(got, texts(s.Action)...)
		}
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, slices.Compact(want)) {
			t.Errorf("%s may %v, want %v", f.Name, got, want)
		}
	}
	for role, list := range all {
		for _, s := range list {
			for _, a := range texts(s.Action) {
				if strings.Contains(a, "*") {
					t.Errorf("%s may %s", role, a)
				}
			}
			for _, r := range append(texts(s.Resource), texts(s.NotResource)...) {
				// Phone numbers have no ARN, and NotResource excludes the topics, which have one.
				topics := s.Resource == nil && fmt.Sprint(s.Action) == "sns:Publish"
				// X-Ray has no resources, and the SMS settings of the account have no ARN.
				traces := !slices.ContainsFunc(texts(s.Action), func(a string) bool { return !strings.HasPrefix(a, "xray:") && !strings.HasSuffix(a, "etSMSAttributes") })
				streams := strings.HasPrefix(texts(s.Action)[0], "logs:") // :* stands for its streams
				// The stream's name is a time. AWS grants all streams of the table in its own example.
				feed := strings.Contains(r, `,"/stream/*"`)
				if strings.Contains(r, "*") && !topics && !traces && !streams && !feed {
					t.Errorf("%s may %v on %s", role, s.Action, r)
				}
			}
		}
	}
	if n := len(resources("AWS::IAM::ManagedPolicy")); n > 0 {
		t.Errorf("%d managed policies", n)
	}
	for name, p := range resources("AWS::IAM::Role") {
		if p["ManagedPolicyArns"] != nil {
			t.Errorf("%s has managed policies", name)
		}
	}
}

func TestTable(t *testing.T) {
	for _, p := range resources("AWS::DynamoDB::GlobalTable") {
		text, _ := json.Marshal(p)
		for _, part := range []string{
			`"BillingMode":"PAY_PER_REQUEST"`, `"DeletionProtectionEnabled":true`, `"PointInTimeRecoveryEnabled":true`, `"SSEType":"KMS"`,
			`"TimeToLiveSpecification":{"AttributeName":"ttl","Enabled":true}`, `"ProjectionType":"KEYS_ONLY"`, `"KeySchema":[{"AttributeName":"pk","KeyType":"HASH"}]`,
			`"KeySchema":[{"AttributeName":"xs","KeyType":"HASH"},{"AttributeName":"xe","KeyType":"RANGE"}]`,
		} {
			if !strings.Contains(string(text), part) {
				t.Errorf("the table lacks %s: %s", part, text)
			}
		}
	}
}

// TestNoSecretInTheTemplate: keys-rotate makes keys; the template neither holds nor generates one.
func TestNoSecretInTheTemplate(t *testing.T) {
	text, _ := json.Marshal([]any{built.raw, built.rawData})
	for _, word := range []string{"sk_live", "sk_test", "SecretString\":", "GenerateSecretString"} {
		if strings.Contains(string(text), word) {
			t.Errorf("the template has %s", word)
		}
	}
}

// TestNag: the rules of AWS Solutions find nothing that nag_test.go does not justify.
func TestNag(t *testing.T) {
	for _, stack := range []awscdk.Stack{built.data.cdk, built.stack.cdk} {
		notes := assertions.Annotations_FromStack(stack)
		for _, found := range []*[]*assertionsMessage{notes.FindError(jsii.String("*"), assertions.Match_AnyValue()), notes.FindWarning(jsii.String("*"), assertions.Match_AnyValue())} {
			for _, m := range *found {
				t.Errorf("%s: %v", *m.Id, m.Entry.Data)
			}
		}
	}
}

// TestEnvironment: a function has exactly the variables of the plan.
func TestEnvironment(t *testing.T) {
	optional := map[string]bool{"COUNTERSIGN_EDGE": true, "COUNTERSIGN_RESTORED_AT": true, "COUNTERSIGN_SMS_NUMBER_RANGES": true, "COUNTERSIGN_SMS_SENDER_ID": true, "COUNTERSIGN_SMS_NUMBER": true}
	for _, f := range plan.Functions() {
		for _, p := range resources("AWS::Lambda::Function") {
			if p["FunctionName"] != "countersign-"+f.Name {
				continue
			}
			// The tests share the template.
			told := maps.Clone(p["Environment"].(map[string]any)["Variables"].(map[string]any))
			// Otherwise the command doctor could only tell the age of its own plans.
			if age, _ := told[lambdahost.EnvNumberingPlans].(string); f.DescribesInstance() && !strings.HasPrefix(age, "numbering plans of 20") {
				t.Errorf("%s is told %q as the age of the numbering plans", f.Name, age)
			}
			for _, name := range f.Variables() {
				if told[name] == nil && !optional[name] {
					t.Errorf("%s is not told %s", f.Name, name)
				}
				delete(told, name)
			}
			for name := range told {
				t.Errorf("%s is told %s, which the plan does not know", f.Name, name)
			}
		}
	}
}
