package api_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

func TestEveryCarrierSignsIn(t *testing.T) {
	for name, carrier := range map[string]tx.TokenTransport{"cookie": tx.Cookie, "development browser": tx.DevBrowser, "native": tx.Native} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			b := w.open(carrier)
			if a := b.call("GET", "/v1/client").ok(); a.at("response") != nil || a.at("client") != nil {
				t.Errorf("before the sign-in the client is %s", a.body)
			}
			user := w.user()
			b.enter(user)
			app := b.enrolApp()
			b.call("POST", "/v1/client/sessions?_method=DELETE").ok()
			b.session = ""
			a := b.enter(user)
			if a.text("response.status") != "needs_second_factor" || b.session != "" {
				t.Fatalf("a ticket alone: %s", a.body)
			}
			before := b.token
			a = b.call("POST", "/v1/client/sign_ins/"+a.text("response.id")+"/attempt_second_factor", "strategy", "totp", "code", app()).ok()
			b.session = a.text("response.created_session_id")
			if a.text("client.sessions.0.id") != b.session {
				t.Error("the new session is not in the client of the answer")
			}
			b.call("GET", "/v1/me").ok()
			stale := *b
			stale.token = before
			want := string(apierr.AuthenticationInvalid)
			if carrier == tx.DevBrowser {
				want = string(apierr.DevBrowserUnauthenticated)
			}
			stale.call("GET", "/v1/me").want(401, want)
		})
	}
}

func TestCookie(t *testing.T) {
	for url, secure := range map[string]bool{"http://localhost:8080": false, "https://clerk.example.com": true} {
		w := newWorld(t, func(c *api.Config) { c.PublicURL = url })
		a := w.open(tx.Cookie).enter(w.user())
		c := a.Cookies()[0]
		if c.Name != "__client" || !c.HttpOnly || c.Path != "/" || c.SameSite != http.SameSiteLaxMode || c.Secure != secure || c.Domain != "" {
			c.Value = "" // which is a token
			t.Errorf("%s: cookie %s", url, c)
		}
		if life := time.Duration(c.MaxAge) * time.Second; life != account.ClientLife || !c.Expires.IsZero() {
			t.Errorf("%s: the browser forgets the cookie after %v, and the client lives %v", url, life, account.ClientLife)
		}
	}
}

func TestPrecedence(t *testing.T) {
	w := newWorld(t)
	withCookie, withNative, withBrowser := w.open(tx.Cookie), w.open(tx.Native), w.open(tx.DevBrowser)
	for _, b := range []*browser{withCookie, withNative, withBrowser} {
		b.enter(w.user())
	}
	fresh := w.open(tx.DevBrowser)
	id := func(query, cookie, authorization string) any {
		r := httptest.NewRequest("GET", "/v1/client?"+query, nil)
		if cookie != "" {
			r.AddCookie(&http.Cookie{Name: "__client", Value: cookie})
		}
		r.Header.Set("Authorization", authorization)
		return w.send(r).ok().at("response.sessions.0.id")
	}
	for name, tc := range map[string]struct {
		query, cookie, authorization string
		want                         any
	}{
		"native looks at Authorization only":            {"_is_native=1&__clerk_db_jwt=" + withBrowser.token, withCookie.token, withNative.token, withNative.session},
		"native accepts the word Bearer":                {"_is_native=true", "", "Bearer " + withNative.token, withNative.session},
		"native without a token is nobody":              {"_is_native=1", withCookie.token, "", nil},
		"a browser's client goes before the cookie":     {"__clerk_db_jwt=" + withBrowser.token, withCookie.token, "", withBrowser.session},
		"the old name of the parameter":                 {"__dev_session=" + withBrowser.token, "", "", withBrowser.session},
		"a browser without a client gives way":          {"__clerk_db_jwt=" + fresh.token, withCookie.token, "", withCookie.session},
		"an unknown browser gives way":                  {"__clerk_db_jwt=dvb_unknown", withCookie.token, "", withCookie.session},
		"without the native flag the header is ignored": {"", withCookie.token, withNative.token, withCookie.session},
		"a foreign token is nobody's":                   {"", withCookie.token[:26] + strings.Repeat("a", 52), "", nil},
	} {
		if got := id(tc.query, tc.cookie, tc.authorization); got != tc.want {
			t.Errorf("%s: session %v, want %v", name, got, tc.want)
		}
	}
	w.send(httptest.NewRequest("GET", "/v1/client?__clerk_db_jwt=dvb_unknown", nil)).want(401, "dev_browser_unauthenticated")
}

// TestDevelopmentBrowsersInProduction: with a production key no development browser exists, because
// a link could plant its id in the query.
func TestDevelopmentBrowsersInProduction(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.PublicURL, c.PublishableKey, c.Development = "https://clerk.example.com", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", false
	})
	w.send(httptest.NewRequest("POST", "/v1/dev_browser", nil)).want(404, "resource_not_found")
	b := w.open(tx.Cookie)
	b.enter(w.user())
	for _, query := range []string{"__clerk_db_jwt=dvb_" + b.token, "__dev_session=" + b.token, "__clerk_db_jwt=", "__clerk_db_jwt=x&_is_native=1"} {
		for _, path := range []string{"GET /v1/client", "GET /v1/me", "POST /v1/client/sign_ins", "GET /v1/client/handshake"} {
			method, path, _ := strings.Cut(path, " ")
			r := httptest.NewRequest(method, path+"?redirect_url=https%3A%2F%2Fclerk.example.com&format=nonce&"+query, nil)
			r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
			w.send(r).want(401, "dev_browser_unauthenticated")
		}
	}
	a := w.send(httptest.NewRequest("GET", "/v1/client/handshake?redirect_url=https%3A%2F%2Fclerk.example.com&format=token", nil))
	_, token, _ := strings.Cut(a.Header.Get("Location"), "__clerk_handshake=")
	_, said, _ := strings.Cut(token, ".")
	said, _, _ = strings.Cut(said, ".")
	if payload, err := base64.RawURLEncoding.DecodeString(said); a.StatusCode != 307 || err != nil || !strings.Contains(string(payload), "__client_uat") || strings.Contains(string(payload), "__clerk_db_jwt") {
		t.Errorf("a handshake answers %d %s (%v)", a.StatusCode, payload, err)
	}
}

// TestWorthlessCookies: cookies of any form that a sibling domain planted do not hide the real one.
func TestWorthlessCookies(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	id := strings.Repeat("a", 25)
	for what, junk := range map[string]func(i int) string{
		"short": func(i int) string { return strconv.Itoa(i) }, "the same": func(int) string { return id + "a" + strings.Repeat("b", 52) },
		"long":           func(i int) string { return id + "a" + strings.Repeat("b", 200) + strconv.Itoa(i) },
		"like a token":   func(i int) string { return id + string(rune('a'+i%20)) + strings.Repeat("b", 52) },
		"of this client": func(i int) string { return b.token[:26] + strings.Repeat("b", 50) + strconv.Itoa(10+i) },
	} {
		r := httptest.NewRequest("GET", "/v1/me?_clerk_session_id="+b.session, nil)
		for i := range 40 {
			r.AddCookie(&http.Cookie{Name: "__client", Value: junk(i)})
		}
		r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
		if a := w.send(r); a.StatusCode != 200 {
			t.Errorf("forty cookies, %s: %d", what, a.StatusCode)
		}
	}
}

func TestOrigins(t *testing.T) {
	dev := newWorld(t)
	live := newWorld(t, func(c *api.Config) { c.PublicURL, c.Development = "https://clerk.example.com", false })
	live.backend("PATCH", "/v1/instance", `{"allowed_origins":["https://app.example.com"]}`).ok()
	for name, tc := range map[string]struct {
		world  *world
		origin string
		ok     bool
	}{
		"development, an app on this machine": {dev, "http://localhost:3000", true},
		"development, a foreign site":         {dev, "https://evil.example", false},
		"development, a lookalike":            {dev, "http://localhost.evil.example", false},
		"production, a listed origin":         {live, "https://app.example.com", true},
		"production, the API itself":          {live, "https://clerk.example.com", true},
		"production, this machine":            {live, "http://localhost:3000", false},
		"production, the same host over http": {live, "http://app.example.com", false},
		"production, null":                    {live, "null", false},
	} {
		r := httptest.NewRequest("GET", "/v1/client", nil)
		r.Header.Set("Origin", tc.origin)
		a := tc.world.send(r)
		allowed := a.Header.Get("Access-Control-Allow-Origin")
		if tc.ok != (a.StatusCode == 200) || tc.ok != (allowed == tc.origin) || a.Header.Get("Vary") != "Origin" {
			t.Errorf("%s: %d, allowed %q", name, a.StatusCode, allowed)
		}
		if tc.ok && (a.Header.Get("Access-Control-Allow-Credentials") != "true" || !strings.Contains(a.Header.Get("Access-Control-Expose-Headers"), "Authorization")) {
			t.Errorf("%s: headers %v", name, a.Header)
		}
		if !tc.ok {
			a.want(400, "origin_invalid")
		}
	}
}

// TestPreflightOfAForeignOrigin: a page of an origin that is not allowed gets no header that lets
// its browser go on.
func TestPreflightOfAForeignOrigin(t *testing.T) {
	dev := newWorld(t)
	live := newWorld(t, func(c *api.Config) { c.PublicURL, c.Development = "https://clerk.example.com", false })
	for origin, w := range map[string]*world{"https://evil.example": dev, "null": dev, "http://localhost:3000": live, "https://evil.clerk.example.com": live} {
		for _, method := range []string{"OPTIONS", "GET"} {
			r := httptest.NewRequest(method, "/v1/client", nil)
			r.Header.Set("Origin", origin)
			r.Header.Set("Access-Control-Request-Method", "POST")
			a := w.send(r)
			if got := a.Header.Values("Access-Control-Allow-Origin"); len(got) != 0 {
				t.Errorf("%s from %s: allowed origin %q", method, origin, got)
			}
			if a.Header.Get("Vary") != "Origin" {
				t.Errorf("%s from %s: caches are not told that the answer depends on the origin", method, origin)
			}
		}
	}
}

// TestTwoAuthorizationHeadersAreNone: a request with two Authorization headers has neither a secret
// key nor a client token, because a proxy may have checked the other one.
func TestTwoAuthorizationHeadersAreNone(t *testing.T) {
	w := newWorld(t)
	for _, keys := range [][]string{{"Bearer " + secretKey, "Bearer wrong"}, {"Bearer wrong", "Bearer " + secretKey}, {"Bearer " + secretKey, "Bearer " + secretKey}, {"", "Bearer " + secretKey}} {
		r := httptest.NewRequest("GET", "/v1/users/count", nil)
		r.Header["Authorization"] = keys
		w.send(r).want(401, "clerk_key_invalid")
	}
	b := w.open(tx.Native)
	b.enter(w.user())
	r := httptest.NewRequest("GET", "/v1/me?_is_native=1&_clerk_session_id="+b.session, nil)
	r.Header["Authorization"] = []string{b.token, "wrong"}
	w.send(r).want(401, "authentication_invalid")
}

func TestPreflight(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("OPTIONS", "/v1/me/totp", nil)
	r.Header.Set("Origin", "http://localhost:3000")
	a := w.send(r)
	if a.StatusCode != 204 || a.Header.Get("Access-Control-Allow-Methods") != "POST, PATCH, DELETE" {
		t.Errorf("%d %v", a.StatusCode, a.Header)
	}
}

func TestNativeWithAnOrigin(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest("GET", "/v1/client?_is_native=1", nil)
	r.Header.Set("Origin", "http://localhost:3000")
	r.Header.Set("Authorization", "token")
	w.send(r).want(400, "origin_authorization_headers_conflict")
}

func TestTheTokenNamesItsOrigin(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	r := httptest.NewRequest("POST", "/v1/client/sessions/"+b.session+"/tokens", nil)
	r.Header.Set("Origin", "http://localhost:3000")
	r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
	a := w.send(r).ok()
	if a.text("object") != "token" || !strings.Contains(payload(t, a.text("jwt")), `"azp":"http://localhost:3000"`) {
		t.Errorf("%s", a.body)
	}
}

// TestTheTokenOfAPageLoadNamesItsOrigin: through a relative proxy a page load is a GET to the
// page's own origin, which carries no Origin header.
func TestTheTokenOfAPageLoadNamesItsOrigin(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	for referer, party := range map[string]string{
		"http://localhost:3000/account?a=b": `"azp":"http://localhost:3000"`, "https://evil.example/": "", "": "", "nonsense": "",
	} {
		r := httptest.NewRequest("GET", "/v1/client", nil)
		r.Header.Set("Referer", referer)
		r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
		claims := payload(t, w.send(r).ok().text("response.sessions.0.last_active_token.jwt"))
		if party == "" && strings.Contains(claims, `"azp"`) || !strings.Contains(claims, party) {
			t.Errorf("from %q the claims name another party than %q", referer, party)
		}
	}
}

func TestEveryErrorCanBeReadByAScript(t *testing.T) {
	w := newWorld(t)
	send := func(method, path string) *answer {
		r := httptest.NewRequest(method, path, nil)
		r.Header.Set("Origin", "http://localhost:3000")
		return w.send(r)
	}
	found := map[string]*answer{
		"an operation's own":   send("GET", "/v1/me").want(401, "authentication_invalid"),
		"no such operation":    send("POST", "/v1/me/email_addresses/").want(404, "resource_not_found"),
		"no such method":       send("POST", "/v1/me?_method=PUT").want(405, "method_not_allowed"),
		"an unknown override":  send("POST", "/v1/me?_method=BREW").want(405, "method_not_allowed"),
		"a path with two dots": send("GET", "/v1/../me").want(404, "resource_not_found"),
		"a parameter twice":    send("GET", "/v1/me?_is_native=1&_is_native=1").want(422, "form_param_duplicate"),
	}
	w.faults.Throttle()
	w.Advance(time.Minute) // the settings are cached for ten seconds
	found["the store is down"] = send("GET", "/v1/client").want(503, "service_unavailable")
	for what, a := range found {
		if got := a.Header.Values("Access-Control-Allow-Origin"); len(got) != 1 || got[0] != "http://localhost:3000" {
			t.Errorf("%s: allowed origin %q", what, got)
		}
		if got := a.Header.Get("Access-Control-Allow-Credentials"); got != "true" {
			t.Errorf("%s: credentials %q", what, got)
		}
	}
	r := httptest.NewRequest("POST", "/v1/me/email_addresses", nil)
	r.Header.Set("Origin", "https://evil.example")
	if got := w.send(r).want(404, "resource_not_found").Header.Get("Access-Control-Allow-Origin"); got != "" {
		t.Errorf("a stranger may read %q", got)
	}
}

// TestProductionAnnouncesSignIns: with a production key the API tells the applications of its
// domain, by a cookie, since when a user is signed in.
func TestProductionAnnouncesSignIns(t *testing.T) {
	w := newWorld(t, func(c *api.Config) {
		c.PublicURL, c.PublishableKey, c.Development = "https://clerk.example.com", "pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", false
	})
	said := func(a *answer) map[string]string {
		found := map[string]string{}
		for _, c := range a.Cookies() {
			if strings.HasPrefix(c.Name, "__client_uat") {
				if c.Domain != "example.com" || !c.Secure || c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
					c.Value = ""
					t.Errorf("the cookie is %s", c)
				}
				found[c.Name] = c.Value
			}
		}
		return found
	}
	b := w.open(tx.Cookie)
	in := said(b.enter(w.user()))
	want := strconv.FormatInt(w.Now().Unix(), 10)
	if len(in) != 2 || in["__client_uat"] != want {
		t.Errorf("signed in: %v, want %s under two names", in, want)
	}
	for name, value := range said(b.call("DELETE", "/v1/client").ok()) {
		if value != "0" {
			t.Errorf("signed out: %s is %s, want 0", name, value)
		}
	}
	r := httptest.NewRequest("GET", "/v1/client", nil)
	for name := range in {
		r.AddCookie(&http.Cookie{Name: name, Value: "0"})
	}
	if again := said(w.send(r).ok()); len(again) != 0 {
		t.Errorf("told again what the browser knows: %v", again)
	}
	if got := said(w.open(tx.Native).enter(w.user())); len(got) != 0 {
		t.Errorf("a native client is told by cookie: %v", got)
	}
	development := newWorld(t)
	if got := said(development.open(tx.Cookie).enter(development.user())); len(got) != 0 {
		t.Errorf("with a development key: %v", got)
	}
}

// TestSecFetchSite: a page that suppresses its Origin header still cannot change anything.
func TestSecFetchSite(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		method, origin, site string
		status               int
	}{
		"a change from another site":              {"POST", "", "cross-site", 400},
		"a change from a sibling":                 {"POST", "", "same-site", 400},
		"a change from the own site":              {"POST", "", "same-origin", 200},
		"a change by a program":                   {"POST", "", "", 200},
		"a change from an allowed origin":         {"POST", "http://localhost:3000", "cross-site", 200},
		"reading, as after a link":                {"GET", "", "cross-site", 200},
		"a change that says PUT from another one": {"POST?_method=PUT", "", "cross-site", 400},
	} {
		method, query, _ := strings.Cut(tc.method, "?")
		r := httptest.NewRequest(method, "/v1/client?"+query, nil)
		r.Header.Set("Sec-Fetch-Site", tc.site)
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		if a := w.send(r); a.StatusCode != tc.status {
			t.Errorf("%s: %d %s", name, a.StatusCode, a.body)
		}
	}
}

// TestBackendIsForNoScript: no page may read an answer of the Backend API, whatever its origin.
func TestBackendIsForNoScript(t *testing.T) {
	w := newWorld(t)
	for name, r := range map[string]*http.Request{
		"an answer": httptest.NewRequest("GET", "/v1/users/count", nil), "a preflight": httptest.NewRequest("OPTIONS", "/v1/users/count", nil),
		"a wrong method": httptest.NewRequest("PUT", "/v1/users/count", nil), "an override": httptest.NewRequest("POST", "/v1/users?_method=BREW", nil),
	} {
		r.Header.Set("Origin", "http://localhost:3000")
		r.Header.Set("Authorization", "Bearer "+secretKey)
		for header := range w.send(r).Header {
			if strings.HasPrefix(header, "Access-Control") {
				t.Errorf("%s has %s", name, header)
			}
		}
	}
}

// TestAnAnswerIsNoPage: no script runs in an answer that a browser opens as a page. Over https the
// browser keeps to https.
func TestAnAnswerIsNoPage(t *testing.T) {
	for url, hsts := range map[string]string{"http://localhost:8080": "", "https://clerk.example.com": "max-age=31536000"} {
		w := newWorld(t, func(c *api.Config) { c.PublicURL = url })
		for _, path := range []string{"/v1/client", "/v1/users/count", "/v1/nothing", "/.well-known/jwks.json", "/v1/client/handshake"} {
			h := w.send(httptest.NewRequest("GET", path, nil)).Header
			if h.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Strict-Transport-Security") != hsts {
				t.Errorf("%s%s: %v", url, path, h)
			}
		}
	}
}
