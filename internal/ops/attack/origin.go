package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// originProbes are the probes of class G about other sites.
func originProbes() []Probe {
	return []Probe{
		{"G01", "a change with the victim's cookie from other origins", "refused, and nothing is changed", "3.5.1", "5.1", "Go CrossOriginProtection bypass", 0, foreignOrigin},
		{"G02", "the same without Origin, with Sec-Fetch-Site: cross-site", "refused, and nothing is changed", "3.5.1", "5.1", "", 0, fetchSite},
		{"G04", "reading from another origin", "no Access-Control header lets it, and caches are told", "3.4.2", "5.1", "", 0, readAcross},
		{"G05", "the Backend API from a browser", "no Access-Control header, whatever the origin", "3.4.2", "5.1", "", 0, backendAcross},
		{"G16", "redirects to other hosts after a handshake", "refused", "3.7.2", "5.1", "", 0, openRedirect},
		{"G21", "other names in Host, X-Forwarded-Host and X-Forwarded-Proto", "no answer, link, token or cookie has them", "4.1.3, 15.3.4", "5.1", "", 0, otherHost},
	}
}

// foreign returns origins that no deployment allows.
func (t *trial) foreign() []string {
	u, err := url.Parse(t.URL)
	if err != nil {
		t.failf("the URL is malformed")
	}
	other := map[string]string{"http": "https", "https": "http"}[u.Scheme]
	out := []string{"https://evil.example", "null", "https://" + u.Hostname() + ".evil.example", u.Scheme + "://evil" + u.Hostname() + "x.example", "https://evil.example/" + u.Host,
		"https://" + u.Hostname() + "@evil.example", "file://", "chrome-extension://abc"}
	if !t.development { // development allows every loopback origin
		out = append(out, other+"://"+u.Host, u.Scheme+"://sub."+u.Hostname(), u.Scheme+"://"+u.Hostname()+":1")
	}
	return out
}

func foreignOrigin(t *trial) {
	b := t.person().enter()
	for _, origin := range t.foreign() {
		for what, a := range map[string]ask{
			"signing out": b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/end"), "an app": b.ask(http.MethodPost, "/v1/me/totp"),
			"signing out by override": {method: http.MethodPost, path: "/v1/client/sessions?_method=DELETE", cookie: b.cookie},
		} {
			t.refused(what+" from "+origin, a.with("Origin", origin))
		}
	}
	b.must(http.MethodGet, "/v1/me")
}

func fetchSite(t *trial) {
	b := t.person().enter()
	for what, a := range map[string]ask{
		"signing out": b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/end"), "an app": b.ask(http.MethodPost, "/v1/me/totp"),
		"signing out by override": {method: http.MethodPost, path: "/v1/client/sessions?_method=DELETE", cookie: b.cookie},
	} {
		t.refused(what+" from another site", a.with("Sec-Fetch-Site", "cross-site"))
	}
	b.must(http.MethodGet, "/v1/me")
}

func (t *trial) closed(what string, r reply) {
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
		if v := r.header.Get(name); v != "" {
			t.failf("%s: %s: %s", what, name, v)
		}
	}
}

func readAcross(t *trial) {
	b := t.person().enter()
	for _, origin := range t.foreign() {
		for what, a := range map[string]ask{
			"the account": b.ask(http.MethodGet, "/v1/me"), "the client": b.ask(http.MethodGet, "/v1/client"), "the keys": {path: "/.well-known/jwks.json"},
			"nothing": {path: "/v1/nothing"}, "a preflight": ask{method: http.MethodOptions, path: "/v1/me/totp"}.with("Access-Control-Request-Method", "DELETE"),
		} {
			t.closed(what+" from "+origin, t.do(a.with("Origin", origin)))
		}
	}
	r := t.do(b.ask(http.MethodGet, "/v1/client").with("Origin", t.URL))
	if !slices.Contains(r.header.Values("Vary"), "Origin") {
		t.failf("an answer that depends on the origin has no Vary: Origin")
	}
	if r.header.Get("Access-Control-Allow-Origin") == "*" {
		t.failf("every origin is allowed, with credentials")
	}
}

func backendAcross(t *trial) {
	for _, origin := range append(t.foreign(), t.URL) {
		t.closed("users from "+origin, t.do(t.backend(http.MethodGet, "/v1/users/count", nil).with("Origin", origin)))
		a := ask{method: http.MethodOptions, path: "/v1/users/count"}
		t.closed("a preflight from "+origin, t.do(a.with("Origin", origin).with("Access-Control-Request-Method", "GET").with("Access-Control-Request-Headers", "authorization")))
	}
}

func openRedirect(t *trial) {
	u, err := url.Parse(t.URL)
	if err != nil {
		t.failf("the URL is malformed")
	}
	for _, to := range []string{
		"https://evil.example/", "//evil.example", `\\evil.example`, `https:\\evil.example`, "javascript:alert(1)", "data:text/html,x", "https://" + u.Host + "@evil.example/",
		"https://evil.example#" + u.Host, t.URL + ".evil.example/", "https://evil.example\r\nSet-Cookie: a=b", "", "/relative", "http://[::1", "ftp://" + u.Host,
	} {
		for _, format := range []string{"nonce", "token"} {
			r := t.do(ask{path: "/v1/client/handshake?format=" + format + "&redirect_url=" + url.QueryEscape(to)})
			if r.status < 400 || r.status >= 500 || r.header.Get("Location") != "" {
				t.failf("a redirect to %q: %v", to, r)
			}
		}
	}
}

func otherHost(t *trial) {
	b := t.person().enter()
	const evil = "evil.example"
	for what, a := range map[string]ask{
		"the configuration": {path: "/.well-known/openid-configuration"}, "the environment": {path: "/v1/environment"}, "a token": b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens"),
		"an enrolment": b.ask(http.MethodPost, "/v1/me/totp"), "a user": t.backend(http.MethodGet, "/v1/users?limit=1", nil),
	} {
		for _, name := range []string{"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Server", "X-Original-Url", "X-Rewrite-Url", "X-Host", "Forwarded"} {
			a = a.with(name, map[bool]string{true: "host=" + evil, false: evil}[name == "Forwarded"])
		}
		spoofed := a
		spoofed.host = evil
		for _, one := range []ask{a, spoofed} {
			r := t.do(one)
			if strings.Contains(string(r.body), evil) || strings.Contains(r.header.Get("Location")+r.header.Get("Set-Cookie"), evil) {
				t.failf("%s: the answer has the name from the request", what)
			}
			if jwt := r.text("jwt"); jwt != "" && strings.Contains(decoded(jwt), evil) {
				t.failf("%s: the token has the name from the request", what)
			}
		}
	}
}
