package pages

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/test/awsstub"
)

const secretARN = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:backend"

// environment returns the environment of the function pages, and the services that it calls.
func environment(t *testing.T) (lambdahost.Environment, *awsstub.Server) {
	t.Helper()
	services, err := awsstub.New("http://localhost:1") // serving a page reads no table
	if err != nil {
		t.Fatal(err)
	}
	services.SetSecret(secretARN, "sk_live_"+strings.Repeat("0", 43))
	at, api := httptest.NewServer(services), httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(at.Close)
	t.Cleanup(api.Close)
	return lambdahost.Environment{
		Table: "t", URL: api.URL, AppName: "Acme", Origins: []string{"https://app.example.com"}, Secret: secretARN,
		Region: "eu-central-1", AccessKeyID: "a", SecretAccessKey: "b", Endpoint: at.URL,
	}, services
}

// TestPagesAreServed: each row is a request to the function, without any other service than that of
// the Backend API key.
func TestPagesAreServed(t *testing.T) {
	for _, tc := range []struct {
		what         string
		change       func(*lambdahost.Environment)
		method, path string
		status       int
		holds        string
	}{
		{"a page", nil, "GET", "/sign-in", 200, "Acme"},
		{"a page with the name of its appearance", func(e *lambdahost.Environment) { e.Appearance = `{"name":"Müller"}` }, "GET", "/sign-in", 200, "Müller"},
		{"the reference", nil, "GET", "/reference", 200, "<html"},
		{"a path without page", nil, "GET", "/nothing", 404, ""},
		{"a page, to be deleted", nil, "DELETE", "/sign-in", 404, ""},
		{"a page past CloudFront, which the settings refuse", func(e *lambdahost.Environment) { e.Edge = lambdahost.EdgeRequired }, "GET", "/sign-in", 403, ""},
	} {
		t.Run(tc.what, func(t *testing.T) {
			e, _ := environment(t)
			if tc.change != nil {
				tc.change(&e)
			}
			h, err := Handler(t.Context(), e)
			if err != nil {
				t.Fatal(err)
			}
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tc.method, tc.path, nil))
			if w.Code != tc.status || !strings.Contains(w.Body.String(), tc.holds) {
				t.Errorf("answer %d %.300s, want %d with %q", w.Code, w.Body, tc.status, tc.holds)
			}
			if tc.status == http.StatusOK && w.Header().Get("Content-Security-Policy") == "" {
				t.Error("the page has no Content-Security-Policy")
			}
		})
	}
}

// TestPagesThatCannotStart: the function ends rather than serve pages without key or name.
func TestPagesThatCannotStart(t *testing.T) {
	for _, tc := range []struct {
		what   string
		change func(*lambdahost.Environment, *awsstub.Server)
		says   string
	}{
		{"an appearance that is no JSON", func(e *lambdahost.Environment, _ *awsstub.Server) { e.Appearance = "{" }, lambdahost.EnvAppearance},
		{"an address that is no URL", func(e *lambdahost.Environment, _ *awsstub.Server) { e.URL = "https://a b" }, lambdahost.EnvURL},
		{"a secret that is empty", func(_ *lambdahost.Environment, s *awsstub.Server) { s.SetSecret(secretARN, "") }, "no Backend API key"},
		{"a secret that does not exist", func(e *lambdahost.Environment, _ *awsstub.Server) { e.Secret = secretARN + "-2" }, "no Backend API key"},
	} {
		e, services := environment(t)
		tc.change(&e, services)
		if _, err := Handler(t.Context(), e); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want one with %q", tc.what, err, tc.says)
		}
	}
}
