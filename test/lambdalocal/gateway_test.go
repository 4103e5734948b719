package lambdalocal_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// Pages of https://docs.aws.amazon.com/apigateway/latest/developerguide/ that the rules come from.
const (
	pageRoutes = "http-api-develop-routes.html"
	pageLambda = "http-api-develop-integrations-lambda.html"
	pageQuotas = "http-api-quotas.html"
)

// TestPlansThatAGatewayRefuses: each rule about routes, with its source.
func TestPlansThatAGatewayRefuses(t *testing.T) {
	many := func(n int, group func(int) string) []operation.Route {
		all := make([]operation.Route, n)
		for i := range all {
			all[i] = operation.Route{Method: "GET", Path: fmt.Sprintf("/r%d", i), Group: group(i)}
		}
		return all
	}
	one := func(method, path string) []operation.Route {
		return []operation.Route{{Method: method, Path: path, Group: "f"}}
	}
	same := func(int) string { return "f" }
	for what, c := range map[string]struct {
		routes []operation.Route
		source string // empty for a plan that is accepted
	}{
		"the plan":                  {plan.Routes(), ""},
		"the root":                  {one("GET", "/"), ""},
		"a path":                    {one("GET", "/x"), ""},
		"a greedy end":              {one("GET", "/x/{slash+}"), ""},
		"any method":                {one("ANY", "/x"), ""},
		"the default route":         {one("", "$default"), ""},
		"a slash at the end":        {one("GET", "/x/"), "HttpRouteKey of the CDK"},
		"a slash after a parameter": {one("GET", "/x/{id}/"), "HttpRouteKey of the CDK"},
		"no slash at the beginning": {one("GET", "x"), "HttpRouteKey of the CDK"},
		"no path":                   {one("GET", ""), "HttpRouteKey of the CDK"},
		"two slashes":               {one("GET", "/x//y"), "HttpRouteKey of the CDK"},
		"another method":            {one("TRACE", "/x"), "apigatewayv2 API, routes"},
		"no method":                 {one("", "/x"), "apigatewayv2 API, routes"},
		"a greedy middle":           {one("GET", "/x/{y+}/z"), pageRoutes},
		"half a parameter":          {one("GET", "/x/a{y}"), pageRoutes},
		"a parameter twice":         {one("GET", "/x/{y}/{y}"), pageRoutes},
		"a route twice":             {append(one("GET", "/x"), one("GET", "/x")...), "ConflictException of CreateRoute"},
		"300 routes":                {many(300, same), ""},
		"301 routes":                {many(301, same), pageQuotas},
		"300 integrations":          {many(300, func(i int) string { return fmt.Sprint(i) }), ""},
	} {
		_, err := lambdalocal.NewGateway(lambdalocal.GatewayConfig{Routes: c.routes})
		if (err == nil) != (c.source == "") {
			t.Errorf("%s (%s): %v", what, c.source, err)
		}
	}
	if _, err := lambdalocal.NewGateway(lambdalocal.GatewayConfig{Routes: one("GET", "/"), Wait: 31 * time.Second}); err == nil {
		t.Errorf("a wait of 31 s is accepted (%s)", pageQuotas)
	}
}

// echo is a gateway whose functions answer with their name and keep the event.
func echo(t *testing.T, c lambdalocal.GatewayConfig) (*lambdalocal.Gateway, *[]byte) {
	t.Helper()
	last := &[]byte{}
	if c.Invoke == nil {
		c.Invoke = func(_ *http.Request, function string, event []byte) ([]byte, error) {
			*last = event
			return json.Marshal(map[string]any{"statusCode": 200, "body": function})
		}
	}
	g, err := lambdalocal.NewGateway(c)
	if err != nil {
		t.Fatal(err)
	}
	return g, last
}

// TestSelection: which route takes a request. The first four rows are the example of the page
// "Create routes for HTTP APIs".
func TestSelection(t *testing.T) {
	var routes []operation.Route
	for _, key := range []string{
		"GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default", "POST /both", "ANY /both", "GET /", "GET /own/{id}", "PUT /own/{id}", "GET /own/text",
	} {
		method, path, ok := strings.Cut(key, " ")
		if !ok {
			method, path = "", key
		}
		routes = append(routes, operation.Route{Method: method, Path: path, Group: key})
	}
	narrow := slices.Concat(routes[:3], routes[4:]) // without ANY /{proxy+}
	for _, c := range []struct {
		routes         []operation.Route
		request, route string
		rule           string
	}{
		{routes, "GET /pets/dog/1", "GET /pets/dog/1", "a full match"},
		{routes, "GET /pets/dog/2", "GET /pets/dog/{id}", "a full match"},
		{routes, "GET /pets/cat/1", "GET /pets/{proxy+}", "greedy"},
		{routes, "POST /test/5", "ANY /{proxy+}", "greedy, for all methods"},
		{narrow, "HEAD /pets/dog/1", "$default", "a HEAD is no GET"},
		{narrow, "OPTIONS /pets/dog/1", "$default", "an OPTIONS needs a route, too"},
		{narrow, "POST /pets/dog/1", "$default", "methods are exact"},
		{narrow, "POST /both", "POST /both", "ANY takes methods that the path has not"},
		{narrow, "PATCH /both", "ANY /both", "ANY takes methods that the path has not"},
		{narrow, "GET /", "GET /", "the root"},
		{narrow, "GET /nothing", "$default", "the rest"},
		{narrow, "GET /own/text", "GET /own/text", "text before a parameter"},
		{narrow, "PUT /own/text", "PUT /own/{id}", "a full match is of route and method"},
		{narrow, "GET /own/a/b", "$default", "a parameter is one part"},
		{narrow, "GET /own", "$default", "the whole path"},
		{routes[:3], "GET /nothing", "404", "no $default route"},
		{routes[:3], "HEAD /pets/dog/1", "404", "no $default route"},
	} {
		g, _ := echo(t, lambdalocal.GatewayConfig{Routes: c.routes, Slash: lambdalocal.Strict})
		method, path, _ := strings.Cut(c.request, " ")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		got := w.Body.String()
		if w.Code == http.StatusNotFound {
			got = "404"
			wantMessage(t, c.request, w, "Not Found")
		}
		if got != c.route {
			t.Errorf("%s is taken by %s, want %s: %s (%s)", c.request, got, c.route, c.rule, pageRoutes)
		}
	}
}

func wantMessage(t *testing.T, what string, w *httptest.ResponseRecorder, message string) {
	t.Helper()
	var body map[string]string
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || len(body) != 1 || body["message"] != message || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("%s: the gateway says %s %v, want the message %q", what, w.Body, err, message)
	}
}

// TestTheGatewaysOwnAnswers: limits and failures, each with its source.
func TestTheGatewaysOwnAnswers(t *testing.T) {
	routes := []operation.Route{{Method: "POST", Path: "/x", Group: "f"}}
	answer := func(text string) lambdalocal.Invoke {
		return func(*http.Request, string, []byte) ([]byte, error) { return []byte(text), nil }
	}
	slow := func(r *http.Request, _ string, _ []byte) ([]byte, error) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	for what, c := range map[string]struct {
		header, body int // bytes
		config       lambdalocal.GatewayConfig
		status       int
		message      string // of the gateway; empty for a function's answer
		source       string
	}{
		"a long header":           {header: 10_200, status: 431, message: "Request Header Fields Too Large", source: pageQuotas},
		"a header within":         {header: 10_000, status: 200, source: pageQuotas},
		"a long body":             {body: 10<<20 + 1, status: 413, message: "Request Entity Too Large", source: pageQuotas},
		"a body over an event":    {body: 7 << 20, status: 413, message: "Request Too Long", source: "6 MB, Lambda quotas"},
		"a body within":           {body: 1 << 20, status: 200, source: pageQuotas},
		"a throttled route":       {config: lambdalocal.GatewayConfig{Admit: func(operation.Route) bool { return false }}, status: 429, message: "Too Many Requests", source: "http-api-throttling.html"},
		"a function that is late": {config: lambdalocal.GatewayConfig{Invoke: slow, Wait: time.Millisecond}, status: 503, message: "Service Unavailable", source: pageQuotas},
		"a function that failed":  {config: lambdalocal.GatewayConfig{Invoke: func(*http.Request, string, []byte) ([]byte, error) { return nil, errors.New("panic") }}, status: 500, message: "Internal Server Error", source: "http-api-troubleshooting-lambda.html"},
		"no JSON":                 {config: lambdalocal.GatewayConfig{Invoke: answer("x")}, status: 500, message: "Internal Server Error", source: pageLambda},
		"a number as the body":    {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":200,"body":7}`)}, status: 500, message: "Internal Server Error", source: pageLambda},
		"a list as a header":      {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":200,"headers":{"a":["b"]}}`)}, status: 500, message: "Internal Server Error", source: pageLambda},
		"a status in words":       {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":"OK"}`)}, status: 500, message: "Internal Server Error", source: pageLambda},
		"no status of HTTP":       {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":7}`)}, status: 500, message: "Internal Server Error", source: pageLambda},
		"broken base 64":          {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":200,"body":"!","isBase64Encoded":true}`)}, status: 500, message: "Internal Server Error", source: pageLambda},
		"a long answer":           {config: lambdalocal.GatewayConfig{Invoke: answer(`{"statusCode":200,"body":"` + strings.Repeat("a", 6<<20) + `"}`)}, status: 500, message: "Internal Server Error", source: "6 MB, Lambda quotas"},
		"no status at all":        {config: lambdalocal.GatewayConfig{Invoke: answer(`{"a":1}`)}, status: 200, source: pageLambda},
	} {
		c.config.Routes = routes
		g, _ := echo(t, c.config)
		r := httptest.NewRequest(http.MethodPost, "/x", strings.NewReader(strings.Repeat("a", c.body)))
		if c.header > 0 {
			r.Header.Set("X-Long", strings.Repeat("a", c.header))
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%s: %d, want %d (%s)", what, w.Code, c.status, c.source)
		}
		if c.message != "" {
			wantMessage(t, what, w, c.message)
		}
	}
}

// TestCORSOfAGateway: a gateway with a CORS configuration answers preflights itself and drops the
// function's CORS headers; one without passes both on (http-api-cors.html).
func TestCORSOfAGateway(t *testing.T) {
	routes := []operation.Route{{Method: "GET", Path: "/x", Group: "f"}, {Path: plan.Default, Group: "last"}}
	called := ""
	invoke := func(_ *http.Request, function string, _ []byte) ([]byte, error) {
		called = function
		return []byte(`{"statusCode":200,"headers":{"access-control-allow-origin":"https://b.example","vary":"Origin"}}`), nil
	}
	own := &lambdalocal.CORS{Origins: []string{"https://a.example"}, Methods: []string{"GET"}, Headers: []string{"authorization"}}
	for _, c := range []struct {
		cors           *lambdalocal.CORS
		method, origin string
		called, allow  string
	}{
		{own, "GET", "https://a.example", "f", "https://a.example"},
		{own, "GET", "https://b.example", "f", ""},
		{own, "OPTIONS", "https://a.example", "", "https://a.example"},
		{own, "OPTIONS", "https://b.example", "", ""},
		{nil, "GET", "https://b.example", "f", "https://b.example"},
		{nil, "OPTIONS", "https://b.example", "last", "https://b.example"},
	} {
		g, _ := echo(t, lambdalocal.GatewayConfig{Routes: routes, CORS: c.cors, Invoke: invoke})
		r := httptest.NewRequest(c.method, "/x", nil)
		r.Header.Set("Origin", c.origin)
		r.Header.Set("Access-Control-Request-Method", "GET")
		w := httptest.NewRecorder()
		called = ""
		g.ServeHTTP(w, r)
		if got := w.Header().Get("Access-Control-Allow-Origin"); called != c.called || got != c.allow {
			t.Errorf("configured %v, %s from %s: function %q, allows %q; want %q and %q", c.cors != nil, c.method, c.origin, called, got, c.called, c.allow)
		}
	}
}

// response is an answer as it travelled, without the body.
type response struct {
	status    int
	length    int64
	encodings []string // of Transfer-Encoding
	header    http.Header
}

// sent sends the bytes of a request, with CRLF for each line feed, and returns the answer.
func sent(t *testing.T, g http.Handler, text string) response {
	t.Helper()
	server := httptest.NewServer(g)
	defer server.Close()
	c, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	if _, err := io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	_, _ = io.Copy(io.Discard, res.Body)
	return response{res.StatusCode, res.ContentLength, res.TransferEncoding, res.Header}
}

// TestTheEventOfARequest: payload format 2.0, from requests as they are sent.
func TestTheEventOfARequest(t *testing.T) {
	routes := []operation.Route{{Method: "GET", Path: "/x/{id}", Group: "f"}, {Method: "POST", Path: "/x/{id}", Group: "f"}, {Path: plan.Default, Group: "last"}}
	for what, c := range map[string]struct {
		request string
		want    func(e events.APIGatewayV2HTTPRequest, raw string) bool
	}{
		"header names are lower case": {"GET /x/1 HTTP/1.1\nHost: h\nX-Some-Name: V\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Headers["x-some-name"] == "V" && e.Headers["host"] == "h"
		}},
		"duplicate headers are joined": {"GET /x/1 HTTP/1.1\nHost: h\nA: 1\nA: 2\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool { return e.Headers["a"] == "1,2" }},
		"cookies have a member of their own": {"GET /x/1 HTTP/1.1\nHost: h\nCookie: a=1; b=2\nCookie: c=3\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return fmt.Sprint(e.Cookies) == "[a=1 b=2 c=3]" && e.Headers["cookie"] == ""
		}},
		"duplicate parameters are joined": {"GET /x/1?a=1&a=%32&b= HTTP/1.1\nHost: h\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.QueryStringParameters["a"] == "1,2" && e.RawQueryString == "a=1&a=%32&b="
		}},
		"no body is no member": {"GET /x/1 HTTP/1.1\nHost: h\n\n", func(_ events.APIGatewayV2HTTPRequest, raw string) bool {
			return !strings.Contains(raw, `"body"`) && strings.Contains(raw, `"isBase64Encoded":false`)
		}},
		"an empty body is none, and gets a type": {"POST /x/1 HTTP/1.1\nHost: h\nContent-Length: 0\n\n", func(e events.APIGatewayV2HTTPRequest, raw string) bool {
			return !strings.Contains(raw, `"body"`) && !e.IsBase64Encoded && e.Headers["content-type"] != ""
		}},
		"a form is in base 64": {"POST /x/1 HTTP/1.1\nHost: h\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 3\n\na=1", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Body == "YT0x" && e.IsBase64Encoded
		}},
		"JSON is text": {"POST /x/1 HTTP/1.1\nHost: h\nContent-Type: application/json; charset=utf-8\nContent-Length: 2\n\n{}", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Body == "{}" && !e.IsBase64Encoded
		}},
		"a chunked body has a length": {"POST /x/1 HTTP/1.1\nHost: h\nTransfer-Encoding: chunked\nContent-Type: text/plain\n\n3\nabc\n0\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Body == "abc" && e.Headers["content-length"] == "3" && e.Headers["transfer-encoding"] == ""
		}},
		"headers of the connection stay": {"GET /x/1 HTTP/1.1\nHost: h\nConnection: keep-alive\nTE: trailers\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Headers["connection"] == "" && e.Headers["te"] == ""
		}},
		"the path is decoded once": {"GET /x/a%2525 HTTP/1.1\nHost: h\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.RawPath == "/x/a%25" && e.RequestContext.HTTP.Path == "/x/a%25" && e.PathParameters["id"] == "a%25"
		}},
		"a decoded slash is one": {"GET /x/a%2Fb HTTP/1.1\nHost: h\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.RawPath == "/x/a/b" && e.RouteKey == plan.Default
		}},
		"the caller's address is the gateway's": {"GET /x/1 HTTP/1.1\nHost: h\nX-Forwarded-For: 10.9.9.9\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.RequestContext.HTTP.SourceIP == "127.0.0.1" && e.Headers["x-forwarded-for"] == "10.9.9.9, 127.0.0.1"
		}},
		"the route is named": {"GET /x/1 HTTP/1.1\nHost: h\n\n", func(e events.APIGatewayV2HTTPRequest, _ string) bool {
			return e.Version == "2.0" && e.RouteKey == "GET /x/{id}" && e.RequestContext.RouteKey == e.RouteKey && e.PathParameters["id"] == "1" && e.RequestContext.Stage == "$default"
		}},
	} {
		g, last := echo(t, lambdalocal.GatewayConfig{Routes: routes})
		sent(t, g, c.request)
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(*last, &e); err != nil || !c.want(e, string(*last)) {
			t.Errorf("%s (%s): %v %s", what, pageLambda, err, *last)
		}
	}
}

// TestTheAnswerOfAFunction: what a client gets of it.
func TestTheAnswerOfAFunction(t *testing.T) {
	routes := []operation.Route{{Method: "GET", Path: "/x", Group: "f"}}
	g, _ := echo(t, lambdalocal.GatewayConfig{Routes: routes, Invoke: func(*http.Request, string, []byte) ([]byte, error) {
		return []byte(`{"statusCode":201,"headers":{"content-type":"text/plain","connection":"close","transfer-encoding":"chunked","www-authenticate":"Basic","content-length":"99"},` +
			`"cookies":["a=1; Path=/","b=2"],"body":"YWI=","isBase64Encoded":true}`), nil
	}})
	res := sent(t, g, "GET /x HTTP/1.1\nHost: h\n\n")
	h := res.header
	if res.status != 201 || fmt.Sprint(h.Values("Set-Cookie")) != "[a=1; Path=/ b=2]" || res.length != 2 || h.Get("Connection") != "" || len(res.encodings) > 0 ||
		h.Get("Www-Authenticate") != "" || h.Get("X-Amzn-Remapped-Www-Authenticate") != "Basic" || h.Get("Apigw-Requestid") == "" || h.Get("Content-Type") != "text/plain" {
		t.Errorf("%d, %d bytes, %v, %v", res.status, res.length, res.encodings, h)
	}
}
