package attack

import (
	"net/http"
	"strings"
)

// pathProbes are the attacks of classes G and K on paths.
func pathProbes() []Probe {
	return []Probe{
		{"G13", "the Backend API without a key under other spellings of its paths", "never answered", "8.3.1", "", "Clerk GHSA-vqx2-fgx2-5wq9", 0, spellings},
		{"G17", "ids that are paths", "refused", "1.2.2", "", "Authy 2015", 0, pathIDs},
		{"K09", "the development endpoints of a deployment", "not there", "13.4.2", "", "", 0, noDevelopment},
		{"K10", "a development server under another name, as after DNS rebinding, and from another site", "refused", "13.4.2", "", "", moving, rebinding},
	}
}

func spellings(t *trial) {
	for _, path := range []string{
		"//v1/users/count", "/v1//users/count", "/v1/./users/count", "/v1/x/../users/count", "/V1/users/count", "/v1/%75sers/count", "/v1/users%2fcount", "/v1/users/count/", "/v1/users/count;a=b",
		"/v1/users/count%00", "/v1/users/count%20", "/v1/users/count/.", "/v1/client/../users/count", "/v1/users/count%2f", "/v1\\users\\count", "/v1/users/count?_method=GET", "/.well-known/../v1/users/count",
	} {
		r := t.do(ask{path: path})
		if r.status < 300 || r.status >= 500 || strings.Contains(string(r.body), "total_count") {
			t.failf("%s without a key: %v", path, r)
		}
	}
}

func pathIDs(t *trial) {
	for _, id := range []string{"..", "../count", "%2e%2e", "..%2fcount", "user_x/../count", "user_x%23", "user_x%3f", "."} {
		r := t.do(t.backend(http.MethodGet, "/v1/users/"+id, nil))
		if r.status < 300 || r.status >= 500 {
			t.failf("a user called %s: %v", id, r)
		}
	}
}

func noDevelopment(t *trial) {
	for _, path := range []string{"/debug/pprof/", "/debug/vars", "/metrics", "/.env", "/.git/config", "/actuator", "/server-status"} {
		if r := t.do(ask{path: path}); r.status < 400 {
			t.failf("%v", r)
		}
	}
	if t.development {
		return // where these endpoints exist
	}
	t.refused("a development browser", ask{method: http.MethodPost, path: "/v1/dev_browser"})
	t.refused("a development browser's id", ask{path: "/v1/client?__clerk_db_jwt=dvb_" + randomLetters(26)})
	for _, path := range []string{"/dev/sms", "/dev/clock", "/dev/phone", "/"} {
		if r := t.do(ask{path: path}); r.status == http.StatusOK {
			t.failf("%v", r)
		}
	}
}

func rebinding(t *trial) {
	for _, path := range []string{"/dev/sms", "/dev/clock", "/", "/sign-in", "/healthz", "/v1/environment", "/v1/client"} {
		t.refused(path+" under another name", ask{path: path, host: "evil.example"})
		t.refused(path+" under this machine's name with another port", ask{path: path, host: "localhost:1"})
	}
	// Anyone has the published key of a development server.
	backend := t.backend(http.MethodGet, "/v1/users/count", nil)
	backend.host = "evil.example"
	t.refused("the Backend API under another name", backend)
	for _, origin := range []string{"https://evil.example", "null"} {
		t.refused("the Backend API for a page of "+origin, t.backend(http.MethodPost, "/v1/users", map[string]any{}).with("Origin", origin), "origin_invalid")
	}
	for _, header := range []string{"Origin", "Sec-Fetch-Site"} {
		foreign := map[string]string{"Origin": "http://localhost:1", "Sec-Fetch-Site": "same-site"}[header]
		t.refused("the outbox for another page of this machine, by "+header, ask{path: "/dev/sms"}.with(header, foreign))
	}
	t.refused("a form of another site", ask{method: http.MethodPost, path: "/dev/faults", raw: "{}", kind: "text/plain"}.with("Origin", "https://evil.example"))
	t.refused("a script of another site", ask{method: http.MethodPost, path: "/dev/faults", raw: "{}", kind: "text/plain"}.with("Sec-Fetch-Site", "cross-site"))
}
