package lambdahost_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// seen is what a handler sees of a request.
type seen struct {
	Method, Path, Query, Body, Address, Host string
	Cookies                                  []string
	Header                                   http.Header
}

func look(into *seen) http.Handler {
	return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*into = seen{r.Method, r.URL.Path, r.URL.RawQuery, string(body), lambdahost.Address(r).String(), r.Host, nil, r.Header.Clone()}
		for _, c := range r.Cookies() {
			into.Cookies = append(into.Cookies, c.Name+"="+c.Value)
		}
		into.Header.Del("Cookie")
	})
}

// anEvent is an event exactly as API Gateway sends it.
const anEvent = `{
  "version": "2.0", "routeKey": "POST /v1/me/phone_numbers/{phone_number_id}", "rawPath": "/v1/me/phone_numbers/idn_a/b/",
  "rawQueryString": "_method=PATCH&_clerk_session_id=sess_1&a=1&a=2",
  "cookies": ["__client=token", "other=2"],
  "headers": {"content-type": "application/x-www-form-urlencoded", "origin": "https://app.example.com", "x-forwarded-for": "10.9.9.9", "accept": "a, b"},
  "queryStringParameters": {"_method": "PATCH", "_clerk_session_id": "sess_1", "a": "1,2"},
  "requestContext": {"accountId": "123456789012", "apiId": "api", "domainName": "clerk.example.com", "requestId": "r", "stage": "$default",
    "http": {"method": "POST", "path": "/v1/me/phone_numbers/idn_a/b/", "protocol": "HTTP/1.1", "sourceIp": "192.0.2.7", "userAgent": "test"}},
  "body": "ZGVmYXVsdF9zZWNvbmRfZmFjdG9yPXRydWU=", "isBase64Encoded": true
}`

func TestTheRequestOfAnEvent(t *testing.T) {
	var e events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal([]byte(anEvent), &e); err != nil {
		t.Fatal(err)
	}
	var got seen
	if _, err := lambdahost.Handle(look(&got))(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	want := seen{
		"POST", "/v1/me/phone_numbers/idn_a/b/", "_method=PATCH&_clerk_session_id=sess_1&a=1&a=2", "default_second_factor=true", "192.0.2.7", "clerk.example.com",
		[]string{"__client=token", "other=2"},
		http.Header{
			"Content-Type": {"application/x-www-form-urlencoded"}, "Origin": {"https://app.example.com"}, "X-Forwarded-For": {"10.9.9.9"}, "Accept": {"a, b"},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// TestThePathIsDecodedOnce: rawPath is decoded text. Each row is a path in a request line, the
// gateway's rawPath of it, and the handler's path.
func TestThePathIsDecodedOnce(t *testing.T) {
	for _, c := range []struct{ sent, raw, seen string }{
		{"/v1/users/a%2Fb", "/v1/users/a/b", "/v1/users/a/b"},
		{"/v1/users/a%252Fb", "/v1/users/a%2Fb", "/v1/users/a%2Fb"},
		{"/v1/users/100%25", "/v1/users/100%", "/v1/users/100%"},
		{"/v1/users/%2525", "/v1/users/%25", "/v1/users/%25"},
		{"/v1/users/a%20b%3Fc%23d", "/v1/users/a b?c#d", "/v1/users/a b?c#d"},
		{"/v1/users/%C3%A9", "/v1/users/é", "/v1/users/é"},
		{"/v1/users/%00%0A", "/v1/users/\x00\n", "/v1/users/\x00\n"},
	} {
		var got seen
		answer, err := lambdahost.Handle(look(&got))(t.Context(), get(c.raw))
		if err != nil || answer.StatusCode != http.StatusOK || got.Path != c.seen || got.Query != "" {
			t.Errorf("%s comes as %q: %d %v, seen as %q %q, want %q", c.sent, c.raw, answer.StatusCode, err, got.Path, got.Query, c.seen)
		}
	}
}

// TestHeadHasNoBody: RFC 9110 section 9.3.2.
func TestHeadHasNoBody(t *testing.T) {
	e := get("/v1/me")
	e.RequestContext.HTTP.Method = http.MethodHead
	got, err := lambdahost.Handle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, "{}")
	}))(t.Context(), e)
	if err != nil || got.StatusCode != http.StatusOK || got.Body != "" || got.IsBase64Encoded || got.Headers["content-type"] != "application/json" {
		t.Errorf("%+v %v", got, err)
	}
}

func TestTheAnswerOfAHandler(t *testing.T) {
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    events.APIGatewayV2HTTPResponse
	}{
		"cookies have a place of their own": {
			func(w http.ResponseWriter, _ *http.Request) {
				http.SetCookie(w, &http.Cookie{Name: "a", Value: "1"})
				http.SetCookie(w, &http.Cookie{Name: "b", Value: "2"})
				w.Header().Add("Vary", "Origin")
				w.Header().Add("Vary", "Cookie")
				w.WriteHeader(http.StatusTeapot)
				w.WriteHeader(http.StatusOK)
				_, _ = io.WriteString(w, "text")
			},
			events.APIGatewayV2HTTPResponse{StatusCode: 418, Headers: map[string]string{"vary": "Origin, Cookie"}, Cookies: []string{"a=1", "b=2"}, Body: "text"},
		},
		"nothing is 200": {
			func(http.ResponseWriter, *http.Request) {},
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}},
		},
		"what is no text travels as base64": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0xfe}) },
			events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{}, Body: base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe}), IsBase64Encoded: true},
		},
	} {
		got, err := lambdahost.Handle(tc.handler)(t.Context(), get("/"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
}

func get(path string) events.APIGatewayV2HTTPRequest {
	e := events.APIGatewayV2HTTPRequest{RawPath: path}
	e.RequestContext.HTTP.Method = http.MethodGet
	return e
}

func TestEventsThatAreNoRequests(t *testing.T) {
	for name, e := range map[string]events.APIGatewayV2HTTPRequest{
		"empty":               {},
		"a relative path":     get("v1/me"),
		"broken base64":       func() events.APIGatewayV2HTTPRequest { e := get("/"); e.Body, e.IsBase64Encoded = "!", true; return e }(),
		"a method of nowhere": func() events.APIGatewayV2HTTPRequest { e := get("/"); e.RequestContext.HTTP.Method = "A B"; return e }(),
	} {
		called := false
		got, err := lambdahost.Handle(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { called = true }))(t.Context(), e)
		if err != nil || got.StatusCode != 400 || called {
			t.Errorf("%s: %d %v, handler called: %t", name, got.StatusCode, err, called)
		}
	}
}

// FuzzRoundTrip: a handler sees exactly the path, query and body of the event.
func FuzzRoundTrip(f *testing.F) {
	f.Add("/v1/me", "a=b", "body", "a=b; c")
	f.Add("/%zz", "%", "\x00", "")
	f.Fuzz(func(t *testing.T, path, query, body, cookie string) {
		e := get(path)
		e.RawQueryString, e.Cookies = query, []string{cookie}
		e.Body, e.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		var got seen
		res, err := lambdahost.Handle(look(&got))(t.Context(), e)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == 400 && got.Method == "" {
			return
		}
		if got.Body != body || got.Query != query && !strings.Contains(query, "#") {
			t.Errorf("sent %q %q, seen %q %q", query, body, got.Query, got.Body)
		}
	})
}
