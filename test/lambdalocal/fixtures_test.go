package lambdalocal_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// added are the headers that the gateway adds to those of the client.
var added = []string{"host", "content-length", "x-amzn-trace-id", "x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"}

// request returns the request that a client sent, so that the gateway made this event.
func request(t *testing.T, e events.APIGatewayV2HTTPRequest) *http.Request {
	t.Helper()
	body := []byte(e.Body)
	if e.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(e.Body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(e.RequestContext.HTTP.Method, "/", bytes.NewReader(body))
	r.URL = &url.URL{Path: e.RawPath, RawQuery: e.RawQueryString}
	r.Host, r.RemoteAddr, r.Proto = e.RequestContext.DomainName, e.RequestContext.HTTP.SourceIP+":40000", e.RequestContext.HTTP.Protocol
	for name, value := range e.Headers {
		r.Header.Set(name, value)
	}
	for _, name := range added {
		r.Header.Del(name)
	}
	if len(e.Cookies) > 0 {
		r.Header.Set("Cookie", strings.Join(e.Cookies, "; "))
	}
	return r
}

// again sends the request of an event through a gateway, and returns the function and the event
// that the gateway makes. What differs with each request is that of the first event.
func again(t *testing.T, routes []operation.Route, first events.APIGatewayV2HTTPRequest) (function string, made events.APIGatewayV2HTTPRequest) {
	t.Helper()
	g, err := lambdalocal.NewGateway(lambdalocal.GatewayConfig{Routes: routes, Slash: lambdalocal.Strict, Invoke: func(_ *http.Request, name string, event []byte) ([]byte, error) {
		function = name
		return []byte(`{}`), json.Unmarshal(event, &made)
	}})
	if err != nil {
		t.Fatal(err)
	}
	g.ServeHTTP(httptest.NewRecorder(), request(t, first))
	was, is := first.RequestContext, &made.RequestContext
	is.AccountID, is.APIID, is.DomainPrefix, is.RequestID, is.Time, is.TimeEpoch = was.AccountID, was.APIID, was.DomainPrefix, was.RequestID, was.Time, was.TimeEpoch
	if made.Headers != nil {
		made.Headers["x-amzn-trace-id"] = first.Headers["x-amzn-trace-id"]
	}
	return function, made
}

// TestFixturesAreEventsOfTheGateway: each fixture is the event that the gateway makes of its
// request, to the function that the fixture is for. -update writes them so.
func TestFixturesAreEventsOfTheGateway(t *testing.T) {
	for _, f := range plan.Functions() {
		if !f.Requested() {
			continue
		}
		for _, file := range fixtures(t)[f.Name] {
			var e events.APIGatewayV2HTTPRequest
			text, err := os.ReadFile(file)
			if err != nil || json.Unmarshal(text, &e) != nil {
				t.Fatalf("%s: %v", file, err)
			}
			function, made := again(t, plan.Routes(), e)
			if function != f.Name {
				t.Errorf("%s: the gateway passes this request to %q", file, function)
			}
			if *update {
				writeFixture(t, file, made)
				continue
			}
			if diff := cmp.Diff(members(t, made), members(t, e)); diff != "" {
				t.Errorf("%s is not the gateway's event:\n%s", filepath.Base(file), diff)
			}
			if strings.Contains(string(text), `"body": ""`) {
				t.Errorf("%s has an empty body: the gateway then sends none", filepath.Base(file))
			}
		}
	}
}

// order is the order of the members in a fixture.
var order = []string{
	"version", "routeKey", "rawPath", "rawQueryString", "cookies", "headers", "queryStringParameters", "pathParameters", "requestContext", "body", "isBase64Encoded",
}

func writeFixture(t *testing.T, file string, e events.APIGatewayV2HTTPRequest) {
	t.Helper()
	all := members(t, e)
	var lines []string
	for _, name := range order {
		if all[name] == nil {
			continue
		}
		var b bytes.Buffer
		encoder := json.NewEncoder(&b)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("  ", "  ")
		if err := encoder.Encode(all[name]); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("  %q: %s", name, strings.TrimSpace(b.String())))
	}
	text := "{\n" + strings.Join(lines, ",\n") + "\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // a fixture
		t.Fatal(err)
	}
}

// members returns an event as JSON has it. The type of the library adds an empty certificate of the
// client, which an API without mutual TLS has not.
func members(t *testing.T, e events.APIGatewayV2HTTPRequest) map[string]any {
	t.Helper()
	var all map[string]any
	text, err := json.Marshal(e)
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	delete(all["requestContext"].(map[string]any), "authentication")
	return all
}

// TestTheDocumentedEvent: the gateway makes AWS's example event of payload format 2.0 of its
// request. The example is on page http-api-develop-integrations-lambda.html of the guide of API
// Gateway. It has more: an authorizer, a client certificate, and variables of stage and path, which
// this API has not.
func TestTheDocumentedEvent(t *testing.T) {
	text, err := os.ReadFile("testdata/event.json")
	if err != nil {
		t.Fatal(err)
	}
	var example events.APIGatewayV2HTTPRequest
	var want map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &example); err != nil {
		t.Fatal(err)
	}
	example.Headers["content-type"] = "text/plain"
	example.Headers["user-agent"] = example.RequestContext.HTTP.UserAgent
	_, made := again(t, []operation.Route{{Path: plan.Default, Group: "f"}}, example)
	for _, name := range append(added, "content-type", "user-agent") { // not in the example
		delete(made.Headers, name)
	}
	if diff := cmp.Diff(want, members(t, made)); diff != "" {
		t.Error(diff)
	}
}
