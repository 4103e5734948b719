package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// party returns the claim azp of a session token, or "".
func party(t *testing.T, token string) string {
	t.Helper()
	var claims struct {
		Party string `json:"azp"`
	}
	if err := json.Unmarshal([]byte(payload(t, token)), &claims); err != nil {
		t.Fatal(err)
	}
	return claims.Party
}

// from sends a request of the browser with an Origin; "" sends none.
func (b *browser) from(origin, method, path string) *answer {
	b.Helper()
	r := httptest.NewRequest(method, path, nil)
	r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
	if origin != "" {
		r.Header.Set("Origin", origin)
	}
	return b.send(r)
}

// TestEachTokenOfABrowserNamesItsParty: a token names the origin that asks for it. A request
// without an origin gets a token for the origin that last used the session, and so does the Backend
// API.
func TestEachTokenOfABrowserNamesItsParty(t *testing.T) {
	const first, second = "http://localhost:3000", "http://localhost:4000"
	w := newWorld(t)
	b := w.open(tx.Cookie)
	b.origin = first
	b.enter(w.user())
	session := "/v1/client/sessions/" + b.session
	read := func(origin string) string {
		return party(t, b.from(origin, "GET", "/v1/client").ok().text("response.sessions.0.last_active_token.jwt"))
	}
	made := func(origin string) string {
		return party(t, b.from(origin, "POST", session+"/tokens").ok().text("jwt"))
	}
	backend := func() string {
		return party(t, w.backend("POST", "/v1"+session[len("/v1/client"):]+"/tokens", "").ok().text("jwt"))
	}
	for name, got := range map[string]string{"a reload": read(""), "a native request": made(""), "the same origin": made(first), "the Backend API": backend()} {
		if got != first {
			t.Errorf("after the sign-in, %s gets a token for %q", name, got)
		}
	}
	if got := made(second); got != second {
		t.Errorf("another origin gets a token for %q", got)
	}
	w.Advance(time.Second)
	b.from(second, "POST", session+"/touch").ok()
	for name, got := range map[string]string{"a reload": read(""), "the Backend API": backend()} {
		if got != second {
			t.Errorf("after the touch, %s gets a token for %q", name, got)
		}
	}
}

// TestNativeTokensNameNoParty: a native app has no origin, as at Clerk.
func TestNativeTokensNameNoParty(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Native)
	b.enter(w.user())
	for name, token := range map[string]string{
		"of the app":         b.call("POST", "/v1/client/sessions/"+b.session+"/tokens").ok().text("jwt"),
		"of the Backend API": w.backend("POST", "/v1/sessions/"+b.session+"/tokens", "").ok().text("jwt"),
	} {
		if got := party(t, token); got != "" {
			t.Errorf("a token %s is for %q", name, got)
		}
	}
}
