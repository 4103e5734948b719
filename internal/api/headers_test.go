package api_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// headersOf returns an answer's headers without the trace id, which must be there.
func headersOf(t *testing.T, what string, a *answer) map[string]string {
	t.Helper()
	out := map[string]string{}
	for name, values := range a.Header {
		for _, v := range values {
			if out[name] != "" {
				out[name] += " & "
			}
			out[name] += v
		}
	}
	if len(out["X-Clerk-Trace-Id"]) != 32 {
		t.Errorf("%s: trace id %q", what, out["X-Clerk-Trace-Id"])
	}
	delete(out, "X-Clerk-Trace-Id")
	return out
}

// TestHeadersAreTheseAndNoOthers: each kind of answer of a deployment has exactly these headers.
func TestHeadersAreTheseAndNoOthers(t *testing.T) {
	const app = "https://app.example.com"
	w := newWorld(t, func(c *api.Config) {
		c.PublicURL, c.Development, c.Origins = "https://clerk.example.com", false, []string{app}
	})
	with := func(more ...string) map[string]string {
		h := map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "Strict-Transport-Security": "max-age=31536000",
		}
		for i := 0; i+1 < len(more); i += 2 {
			h[more[i]] = more[i+1]
		}
		return h
	}
	shared := []string{
		"Vary", "Origin", "Access-Control-Allow-Origin", app, "Access-Control-Allow-Credentials", "true",
		"Access-Control-Expose-Headers", "Clerk-Db-Jwt, Authorization, X-Country, Retry-After, X-Clerk-Trace-Id",
	}
	isJSON := []string{"Content-Type", "application/json"}
	for what, tc := range map[string]struct {
		method, path, origin string
		want                 map[string]string
	}{
		"an app's call":             {"GET", "/v1/client", app, with(append(shared, isJSON...)...)},
		"an app's call that fails":  {"GET", "/v1/me", app, with(append(shared, isJSON...)...)},
		"a preflight":               {"OPTIONS", "/v1/me/totp", app, with(append(shared, "Access-Control-Allow-Methods", "POST, PATCH, DELETE", "Access-Control-Allow-Headers", "Authorization, Content-Type, Traceparent, Tracestate, Baggage, Sentry-Trace", "Access-Control-Max-Age", "7200")...)},
		"a stranger's call":         {"GET", "/v1/client", "https://evil.example", with(append(isJSON, "Vary", "Origin")...)},
		"a stranger's preflight":    {"OPTIONS", "/v1/client", "https://evil.example", with(append(isJSON, "Vary", "Origin")...)},
		"the Backend API":           {"GET", "/v1/users/count", "", with(isJSON...)},
		"the Backend API, a script": {"GET", "/v1/users/count", app, with(isJSON...)},
		"the key set":               {"GET", "/.well-known/jwks.json", "", with(append(isJSON, "Cache-Control", "public, max-age=300", "Vary", "Origin")...)},
		"a method that is not":      {"PUT", "/v1/me/totp", "", with(append(isJSON, "Allow", "POST, PATCH, DELETE", "Vary", "Origin")...)},
		"a path that is not":        {"GET", "/v1/nothing", "", with(append(isJSON, "Vary", "Origin")...)},
	} {
		r := httptest.NewRequest(tc.method, tc.path, nil)
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		r.Header.Set("Authorization", "Bearer "+secretKey)
		if diff := cmp.Diff(tc.want, headersOf(t, what, w.send(r))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
}

// TestATokenComesByItsOwnCarrierOnly: a new client token is in one header: the cookie, Clerk-Db-Jwt
// or Authorization, by the transport of the client.
func TestATokenComesByItsOwnCarrierOnly(t *testing.T) {
	for carrier, want := range map[tx.TokenTransport]string{tx.Cookie: "Set-Cookie", tx.DevBrowser: "Clerk-Db-Jwt", tx.Native: "Authorization"} {
		w := newWorld(t)
		h := w.open(carrier).enter(w.user()).Header
		for _, name := range []string{"Set-Cookie", "Clerk-Db-Jwt", "Authorization"} {
			if got := len(h.Values(name)); (got == 1) != (name == want) || got > 1 {
				t.Errorf("carrier %d: %d headers %s", carrier, got, name)
			}
		}
	}
}

// TestErrorsHaveNoBodyForHEAD: an error answer to HEAD has no body.
func TestErrorsHaveNoBodyForHEAD(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/v1/nothing", "/v1/client"} {
		if a := w.send(httptest.NewRequest(http.MethodHead, path, nil)); len(a.body) != 0 && a.StatusCode >= 400 {
			t.Errorf("HEAD %s has the body %s", path, a.body)
		}
	}
}
