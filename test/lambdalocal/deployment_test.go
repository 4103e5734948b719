package lambdalocal_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/openapi"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
	"github.com/countersign-mfa/countersign/test/needs"
)

var update = flag.Bool("update", false, "rewrite testdata/answers.txt")

// fixtureKey is the Backend API key in the fixtures.
const fixtureKey = "sk_live_fixture"

// bootstraps are built once for all tests.
var bootstraps = sync.OnceValues(func() (string, error) {
	dir := filepath.Join("..", "..", "bin", "functions")
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return abs, lambdalocal.Build(ctxForBuild(), filepath.Join("..", ".."), abs)
})

// lockedBuffer is a buffer that several processes write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *lockedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *lockedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// deploy starts a deployment, for which it needs a DynamoDB-compatible server.
func deploy(t testing.TB, secretKey string) (*lambdalocal.Deployment, *lockedBuffer) {
	t.Helper()
	endpoint := needs.Or(t, os.Getenv("DYNAMODB_ENDPOINT"), needs.DynamoDB, "DYNAMODB_ENDPOINT names no server; scripts/with-dynamodb.sh starts one")
	dir, err := bootstraps()
	if err != nil {
		t.Fatal(err)
	}
	log := &lockedBuffer{}
	d, err := lambdalocal.Deploy(t.Context(), endpoint, "local-"+time.Now().Format("150405.000000000"), dir, secretKey, log)
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	t.Cleanup(d.Stop)
	return d, log
}

// fixtures returns the events of a function: events/<function>.json and
// events/<function>.<variant>.json.
func fixtures(t testing.TB) map[string][]string {
	t.Helper()
	files, err := filepath.Glob("../../events/*.json")
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]string{}
	for _, f := range files {
		name, _, _ := strings.Cut(filepath.Base(f), ".")
		found[name] = append(found[name], f)
	}
	return found
}

// TestFixtures: every function has a fixture, and each has the form of an event of one of its
// routes.
func TestFixtures(t *testing.T) {
	found := fixtures(t)
	routes := map[string]bool{}
	for _, e := range plan.Routes() {
		routes[e.Group+" "+e.Key()] = true
	}
	for _, f := range plan.Functions() {
		if len(found[f.Name]) == 0 {
			t.Errorf("%s has no fixture in events", f.Name)
		}
		for _, file := range found[f.Name] {
			if !f.Requested() {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var e events.APIGatewayV2HTTPRequest
			d := json.NewDecoder(bytes.NewReader(text))
			d.DisallowUnknownFields()
			if err := d.Decode(&e); err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if !routes[f.Name+" "+e.RouteKey] {
				t.Errorf("%s comes by the route %s, which does not lead to %s", file, e.RouteKey, f.Name)
			}
			for name := range e.Headers {
				if name != strings.ToLower(name) || name == "cookie" {
					t.Errorf("%s has the header %s, which the gateway does not send so", file, name)
				}
			}
		}
		delete(found, f.Name)
	}
	for name := range found {
		t.Errorf("the fixtures of %s belong to no function", name)
	}
}

// TestBootstraps runs every real bootstrap with every fixture, and compares the answers with a
// golden file.
func TestBootstraps(t *testing.T) {
	d, log := deploy(t, fixtureKey)
	var lines []string
	for name, files := range fixtures(t) {
		for _, file := range files {
			if strings.HasSuffix(file, "keys-rotate.now.json") {
				continue // it replaces the key of the other fixtures; TestRotation runs it
			}
			event, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			answer := summary(d.Invoke(t.Context(), name, event))
			lines = append(lines, fmt.Sprintf("%-60s %s", filepath.Base(file), answer))
			if !declared(name, answer) {
				t.Errorf("%s: no operation of %s says that it answers %s", file, name, answer)
			}
		}
	}
	slices.Sort(lines)
	got := strings.Join(lines, "\n") + "\n"
	const golden = "testdata/answers.txt"
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got != string(want) {
		t.Errorf("the answers are\n%s\nwant those of %s (%v)\n%s", got, golden, err, log)
	}
	within(t, d)
}

// declared says whether the OpenAPI document declares an answer for one of the function's
// operations; the golden file would accept any. Functions without operations, such as pages, are
// not in the document.
func declared(function, answer string) bool {
	at := slices.IndexFunc(plan.Functions(), func(f plan.Function) bool { return f.Name == function })
	operations := plan.Functions()[at].Operations
	for _, op := range operations {
		if answer == fmt.Sprint(op.Status) {
			return true
		}
		for status, codes := range openapi.Errors(op) {
			for _, code := range codes {
				if answer == fmt.Sprintf("%d %s", status, code) {
					return true
				}
			}
		}
	}
	return len(operations) == 0
}

// TestAnswersThatAreNotDeclared: an undeclared status, and an error code of the other API.
func TestAnswersThatAreNotDeclared(t *testing.T) {
	for answer, want := range map[string]bool{"200": true, "401 authentication_invalid": true, "204": false, "401 clerk_key_invalid": false, "400 authentication_invalid": false} {
		if declared("me-get", answer) != want {
			t.Errorf("me-get answers %s: declared %v", answer, !want)
		}
	}
}

// summary returns an answer's status and error code.
func summary(answer []byte, err error) string {
	if err != nil {
		return "error " + strings.Join(strings.Fields(err.Error())[2:], " ")
	}
	var a struct {
		StatusCode int
		Body       string
	}
	if json.Unmarshal(answer, &a) != nil || a.StatusCode == 0 {
		return "result"
	}
	var body struct{ Errors []struct{ Code string } }
	if json.Unmarshal([]byte(a.Body), &body) == nil && len(body.Errors) > 0 {
		return fmt.Sprintf("%d %s", a.StatusCode, body.Errors[0].Code)
	}
	return fmt.Sprint(a.StatusCode)
}

// within fails for every call that a function made without a grant.
func within(t *testing.T, d *lambdalocal.Deployment) {
	t.Helper()
	allowed := map[string]bool{}
	for _, f := range plan.Functions() {
		for _, g := range f.Grants {
			allowed[fmt.Sprintf("%s %s %s", f.Name, g.Action, g.On.IndexName())] = true
		}
	}
	for _, c := range d.Stub.Calls() {
		if !allowed[fmt.Sprintf("%s %s %s", c.Caller, c.Action, c.Index)] {
			t.Errorf("%s called %s (index %q), which it is not granted", c.Caller, c.Action, c.Index)
			allowed[fmt.Sprintf("%s %s %s", c.Caller, c.Action, c.Index)] = true
		}
	}
}

// TestRotation: keys are replaced while functions keep working with the keys that they loaded.
func TestRotation(t *testing.T) {
	d, log := deploy(t, fixtureKey)
	list, err := os.ReadFile("../../events/users-list.json")
	if err != nil {
		t.Fatal(err)
	}
	count, err := os.ReadFile("../../events/users-count.json")
	if err != nil {
		t.Fatal(err)
	}
	now, err := os.ReadFile("../../events/keys-rotate.now.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		what, function string
		event          []byte
		want           string
	}{
		{"before", "users-list", list, "200"},
		{"rotated", "keys-rotate", now, "result"},
		{"the function that is warm", "users-list", list, "200"},
		{"a function that starts with both keys", "users-count", count, "200"},
		{"rotated again at once", "keys-rotate", []byte(`{"rotate":"due"}`), "result"},
		{"the signing keys revoked", "keys-rotate", []byte(`{"rotate":"revoke","only":"signing_key"}`), "result"},
		{"the function that is still warm", "users-list", list, "200"},
	} {
		if got := summary(d.Invoke(t.Context(), step.function, step.event)); got != step.want {
			t.Errorf("%s: %s, want %s\n%s", step.what, got, step.want, log)
		}
	}
	if strings.Contains(log.String(), "sk_live") {
		t.Error("a secret key is in the log")
	}
}
