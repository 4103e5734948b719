package api_test

import (
	"net/http/httptest"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// TestUnroutedRequests: what the function of a gateway's route $default answers. It knows the rows
// and serves none.
func TestUnroutedRequests(t *testing.T) {
	const app = "https://app.example.com"
	w := newWorld(t, func(c *api.Config) { c.Development, c.PublishableKey = false, "pk_live_x" })
	_, err := w.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.AllowedOrigins = []string{app} })
	w.Must(err)
	var rows []operation.Operation
	for _, op := range api.Operations() {
		rows = append(rows, operation.Elsewhere(op.Surface, op.Method, op.Path))
	}
	w.API, err = api.New(w.API.Config, rows...)
	w.Must(err)
	type want struct {
		status int
		code   any
		header map[string]string
	}
	with := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i+1 < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	allowed := func(more ...string) map[string]string {
		return with(append([]string{"Access-Control-Allow-Origin", app, "Access-Control-Allow-Credentials", "true"}, more...)...)
	}
	none := map[string]string{"Access-Control-Allow-Origin": ""}
	for what, tc := range map[string]struct {
		method, target, origin string
		want                   want
	}{
		"an unknown path":                      {"GET", "/v1/nothing", app, want{404, "resource_not_found", allowed()}},
		"an unknown path from elsewhere":       {"GET", "/v1/nothing", "https://evil.example", want{404, "resource_not_found", none}},
		"a path that another function has":     {"GET", "/v1/client", app, want{404, "resource_not_found", allowed()}},
		"a method that the path has not":       {"PUT", "/v1/me/totp", app, want{405, "method_not_allowed", allowed("Allow", "POST, PATCH, DELETE")}},
		"a preflight":                          {"OPTIONS", "/v1/me/totp", app, want{204, nil, allowed("Access-Control-Allow-Methods", "POST, PATCH, DELETE", "Access-Control-Max-Age", "7200")}},
		"a preflight with a slash":             {"OPTIONS", "/v1/me/backup_codes/", app, want{204, nil, allowed("Access-Control-Allow-Methods", "POST")}},
		"a preflight from elsewhere":           {"OPTIONS", "/v1/me/totp", "https://evil.example", want{400, "origin_invalid", none}},
		"a preflight for an unknown path":      {"OPTIONS", "/v1/nothing", app, want{404, "resource_not_found", allowed()}},
		"a preflight for the Backend API":      {"OPTIONS", "/v1/users", app, want{405, "method_not_allowed", none}},
		"a slash at the end":                   {"POST", "/v1/me/backup_codes/?a=1&b=%2F", app, want{308, nil, allowed("Location", "../backup_codes?a=1&b=%2F")}},
		"a slash, and the method in the query": {"POST", "/v1/me/totp/?_method=DELETE", app, want{308, nil, allowed("Location", "../totp?_method=DELETE")}},
		"a slash and an id with a slash":       {"GET", "/v1/users/a%2Fb/", "", want{308, nil, with("Location", "../a%2Fb")}},
		"a slash of the Backend API":           {"GET", "/v1/users/", app, want{308, nil, with("Location", "../users", "Access-Control-Allow-Origin", "")}},
		"two slashes":                          {"GET", "/v1/users//", "", want{404, "resource_not_found", with("Location", "")}},
		"another host in the path":             {"GET", "//evil.example/", "", want{404, "resource_not_found", with("Location", "")}},
		"a method override of the Backend":     {"POST", "/v1/users/user_1?_method=DELETE", "", want{405, "method_not_allowed", none}},
	} {
		r := httptest.NewRequest(tc.method, tc.target, nil)
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		a := w.send(r)
		if a.StatusCode != tc.want.status || a.at("errors.0.code") != tc.want.code || a.Header.Get("X-Clerk-Trace-Id") == "" {
			t.Errorf("%s: %d %v, trace %q, want %d %v", what, a.StatusCode, a.at("errors.0.code"), a.Header.Get("X-Clerk-Trace-Id"), tc.want.status, tc.want.code)
		}
		for name, value := range tc.want.header {
			if got := a.Header.Get(name); got != value {
				t.Errorf("%s: %s is %q, want %q", what, name, got, value)
			}
		}
		if tc.want.code != nil && a.at("clerk_trace_id") != a.Header.Get("X-Clerk-Trace-Id") {
			t.Errorf("%s: the body's trace id is %v", what, a.at("clerk_trace_id"))
		}
	}
}
