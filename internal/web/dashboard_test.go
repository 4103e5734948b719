package web_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/web"
)

const asJSON = "application/json"

// fromDashboard returns the headers of a request by the dashboard's own page.
func fromDashboard(cookie *http.Cookie) []string {
	h := []string{"Origin", origin, "Content-Type", asJSON, "Sec-Fetch-Site", "same-origin"}
	if cookie != nil {
		h = append(h, "Cookie", cookie.Name+"="+cookie.Value)
	}
	return h
}

func (s *site) openDashboard() *http.Cookie {
	s.Helper()
	r := s.ask("POST", "/dashboard/api/session", `{"secret_key":" sk_live_of_a_test "}`, fromDashboard(nil)...)
	if r.StatusCode != 204 || len(r.Cookies()) != 1 {
		s.Fatalf("signing in: %d, %d cookies", r.StatusCode, len(r.Cookies()))
	}
	return r.Cookies()[0]
}

func TestDashboardCookie(t *testing.T) {
	s := open(t, nil)
	c := s.openDashboard()
	if c.Name != "__Host-countersign_dashboard" || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 8*60*60 {
		shown := *c
		shown.Value = "" // which opens the dashboard
		t.Errorf("cookie %s", &shown)
	}
	if strings.Contains(c.Value, "sk_") || s.openDashboard().Value == c.Value {
		t.Error("the cookie holds the key, or is the same for everybody")
	}
	raw, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		t.Fatal(err)
	}
	later := append([]byte{}, raw...)
	later[0] ^= 0x40 // ends in another age
	for what, value := range map[string]string{
		"none": "", "nonsense": "AAAA", "another time": base64.RawURLEncoding.EncodeToString(later), "cut": c.Value[:len(c.Value)-4], "longer": c.Value + "AAAA",
	} {
		r := s.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(&http.Cookie{Name: c.Name, Value: value})...)
		if r.StatusCode != 401 {
			t.Errorf("%s: %d", what, r.StatusCode)
		}
		if r = s.ask("GET", "/dashboard", "", "Cookie", c.Name+"="+value); r.StatusCode != 303 || r.Header.Get("Location") != "/dashboard/sign-in" {
			t.Errorf("%s: the page answers %d", what, r.StatusCode)
		}
	}
	if r := s.ask("GET", "/dashboard", "", fromDashboard(c)...); r.StatusCode != 200 {
		t.Errorf("the right cookie: %d", r.StatusCode)
	}
	rotated := open(t, func(c *web.Config) { c.SecretKey = always("sk_live_new") })
	if r := rotated.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(c)...); r.StatusCode != 401 {
		t.Errorf("a cookie of the key before: %d", r.StatusCode)
	}
	s.now = start.Add(8*time.Hour - time.Second)
	if r := s.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(c)...); r.StatusCode != 200 {
		t.Errorf("just before the end: %d", r.StatusCode)
	}
	s.now = start.Add(8 * time.Hour)
	if r := s.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(c)...); r.StatusCode != 401 {
		t.Errorf("at the end: %d", r.StatusCode)
	}
	out := s.ask("DELETE", "/dashboard/api/session", "{}", fromDashboard(c)...)
	if out.StatusCode != 204 || len(out.Cookies()) != 1 || out.Cookies()[0].MaxAge >= 0 {
		t.Errorf("signing out: %d, %d cookies", out.StatusCode, len(out.Cookies()))
	}
}

func TestDashboardKey(t *testing.T) {
	s := open(t, nil)
	for body, want := range map[string]int{
		`{"secret_key":"sk_live_of_a_tes"}`: 401, `{"secret_key":""}`: 401, `{}`: 401, `nonsense`: 400, `{"secret_key":"` + strings.Repeat("x", 100<<10) + `"}`: 400,
	} {
		if r := s.ask("POST", "/dashboard/api/session", body, fromDashboard(nil)...); r.StatusCode != want || len(r.Cookies()) != 0 {
			t.Errorf("%.40s: %d, want %d, %d cookies", body, r.StatusCode, want, len(r.Cookies()))
		}
	}
}

// TestTheWayBackToADashboardPage: a visitor without a session is led to the sign-in, whose address
// names the page that was asked for. It names a path, never another site, and the language links
// keep it.
func TestTheWayBackToADashboardPage(t *testing.T) {
	s := open(t, nil)
	for asked, want := range map[string]string{
		"/dashboard":                         "/dashboard/sign-in",
		"/dashboard/users/user_1":            "/dashboard/sign-in?redirect_url=%2Fdashboard%2Fusers%2Fuser_1",
		"/dashboard/events?type=user.locked": "/dashboard/sign-in?redirect_url=%2Fdashboard%2Fevents%3Ftype%3Duser.locked",
		"/dashboard/users/a%2F%2Fevil.example?redirect_url=//evil.example": "/dashboard/sign-in?redirect_url=%2Fdashboard%2Fusers%2Fa%252F%252Fevil.example%3Fredirect_url%3D%2F%2Fevil.example",
	} {
		if r := s.ask("GET", asked, ""); r.StatusCode != 303 || r.Header.Get("Location") != want {
			t.Errorf("%s: %d to %s, want %s", asked, r.StatusCode, r.Header.Get("Location"), want)
		}
	}
	page := s.ask("GET", "/dashboard/sign-in?redirect_url=%2Fdashboard%2Fusers", "").Text
	if !strings.Contains(page, "?lang=de&amp;redirect_url=%2Fdashboard%2Fusers") {
		t.Error("a language link loses the way back")
	}
	if page = s.ask("GET", `/dashboard/sign-in?redirect_url=%22%3E%3Cb%3E`, "").Text; strings.Contains(page, `"><b>`) {
		t.Error("the way back becomes markup")
	}
}

// TestOtherSites: the cookie alone authorizes nothing.
func TestOtherSites(t *testing.T) {
	s := open(t, nil)
	c := s.openDashboard()
	with := func(h ...string) []string { return append(h, "Cookie", c.Name+"="+c.Value) }
	for what, header := range map[string][]string{
		"no origin": with("Content-Type", asJSON), "another origin": with("Content-Type", asJSON, "Origin", "https://evil.example"),
		"a sibling": with("Content-Type", asJSON, "Origin", "https://app.example.com"), "no origin at all": with("Content-Type", asJSON, "Origin", "null"),
		"a form": with("Content-Type", "application/x-www-form-urlencoded", "Origin", origin), "plain text": with("Content-Type", "text/plain", "Origin", origin),
		"fetched from elsewhere": with("Content-Type", asJSON, "Origin", origin, "Sec-Fetch-Site", "same-site"),
	} {
		for _, request := range [][2]string{{"PATCH", "/dashboard/api/v1/instance"}, {"POST", "/dashboard/api/v1/users/u/lock"}, {"POST", "/dashboard/api/search"}, {"DELETE", "/dashboard/api/session"}} {
			if r := s.ask(request[0], request[1], "{}", header...); r.StatusCode != 403 {
				t.Errorf("%s, %s %s: %d", what, request[0], request[1], r.StatusCode)
			}
		}
	}
	if r := s.ask("GET", "/dashboard/api/v1/instance", "", with("Sec-Fetch-Site", "cross-site")...); r.StatusCode != 403 {
		t.Errorf("reading from elsewhere: %d", r.StatusCode)
	}
}

type asked struct {
	Method, URL, Body string
	Header            http.Header
}

func (s *site) forwarded(r answer) asked {
	s.Helper()
	var out asked
	if err := json.Unmarshal([]byte(r.Text), &out); err != nil {
		s.Fatal(err)
	}
	return out
}

func TestForwarding(t *testing.T) {
	s := open(t, nil)
	c := s.openDashboard()
	got := s.forwarded(s.ask("PATCH", "/dashboard/api/v1/instance?_method=DELETE", `{"mfa_required":true}`, fromDashboard(c)...))
	if got.Method != "PATCH" || got.URL != "/v1/instance" || got.Body != `{"mfa_required":true}` {
		t.Errorf("asked %+v", got)
	}
	if a := got.Header.Get("Authorization"); a != "Bearer sk_live_of_a_test" || got.Header.Get("Content-Type") != asJSON || len(got.Header) != 2 {
		t.Errorf("headers %v", got.Header)
	}
	if got = s.forwarded(s.ask("GET", "/dashboard/api/v1/users?limit=20&offset=40", "", fromDashboard(c)...)); got.URL != "/v1/users?limit=20&offset=40" {
		t.Errorf("asked %+v", got)
	}
	if got = s.forwarded(s.ask("DELETE", "/dashboard/api/v1/users/user_1/mfa", "{}", fromDashboard(c)...)); got.Method != "DELETE" || got.URL != "/v1/users/user_1/mfa" {
		t.Errorf("asked %+v", got)
	}
	for _, request := range [][2]string{
		{"POST", "/v1/sign_in_tokens/sit_1/revoke"}, {"POST", "/v1/users"}, {"DELETE", "/v1/users/user_1"}, {"POST", "/v1/users/user_1/verify_totp"}, {"POST", "/v1/sessions/s/tokens"},
		{"GET", "/v1/client"}, {"DELETE", "/v1/users/a%2Fmfa"},
	} {
		if r := s.ask(request[0], "/dashboard/api"+request[1], "{}", fromDashboard(c)...); r.StatusCode != 404 && r.StatusCode != 405 {
			t.Errorf("%s %s is forwarded: %d", request[0], request[1], r.StatusCode)
		}
	}
}

// TestMarkingAUser: the dashboard's cookie authorizes only the mark of a user who has to have a
// second factor, with a reason. The operation itself would set passwords too.
func TestMarkingAUser(t *testing.T) {
	s := open(t, nil)
	const path, mark = "/dashboard/api/v1/users/user_1", `{"mfa_required":true,"mfa_required_from":1900000000000}`
	plain := fromDashboard(s.openDashboard())
	from := append(plain, "Countersign-Reason", "payments")
	for _, body := range []string{mark, `{"mfa_required":false}`} {
		got := s.forwarded(s.ask("PATCH", path+"?_method=DELETE", body, from...))
		if got.Method != "PATCH" || got.URL != "/v1/users/user_1" || got.Body != body || got.Header.Get("Countersign-Reason") != "payments" {
			t.Errorf("asked %+v", got)
		}
	}
	for body, status := range map[string]int{
		`{"mfa_required":true,"password":"correct horse"}`: 400, `{"totp_secret":"x"}`: 400, `{}`: 422, `{"mfa_required_from":1900000000000}`: 422, `x`: 400,
	} {
		if r := s.ask("PATCH", path, body, from...); r.StatusCode != status {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, status)
		}
	}
	if r := s.ask("PATCH", path, mark, plain...); r.StatusCode != 422 {
		t.Errorf("without a reason: %d", r.StatusCode)
	}
}

// TestSignInLinks: the dashboard's cookie authorizes tickets of at most an hour, and only with a
// reason, so that each has an audit entry.
func TestSignInLinks(t *testing.T) {
	s := open(t, nil)
	const path, hour = "/dashboard/api/v1/sign_in_tokens", `{"user_id":"user_1","expires_in_seconds":3600}`
	from := append(fromDashboard(s.openDashboard()), "Countersign-Reason", "new%20phone")
	got := s.forwarded(s.ask("POST", path+"?_method=DELETE", hour, from...))
	if got.Method != "POST" || got.URL != "/v1/sign_in_tokens" || got.Body != hour || got.Header.Get("Countersign-Reason") != "new%20phone" {
		t.Errorf("asked %+v", got)
	}
	for body, want := range map[string]int{
		`{"user_id":"user_1","expires_in_seconds":3601}`: 422, `{"user_id":"user_1","expires_in_seconds":0}`: 422, `{"user_id":"user_1"}`: 422, `{"user_id":"user_1","expires_in_seconds":-1}`: 422,
		`{"user_id":"user_1","expires_in_seconds":"60"}`: 400, `{"user_id":"user_1","expires_in_seconds":60,"_method":"DELETE"}`: 400, `nonsense`: 400, ``: 400,
	} {
		if r := s.ask("POST", path, body, from...); r.StatusCode != want {
			t.Errorf("%s: %d, want %d", body, r.StatusCode, want)
		}
	}
	for _, reason := range []string{"", "%20", "%c2%a0", "%", "one%0Atwo"} {
		if r := s.ask("POST", path, hour, append(fromDashboard(s.openDashboard()), "Countersign-Reason", reason)...); r.StatusCode != 422 {
			t.Errorf("reason %q: %d", reason, r.StatusCode)
		}
	}
	if r := s.ask("POST", path, hour, append(fromDashboard(nil), "Countersign-Reason", "new%20phone")...); r.StatusCode != 401 {
		t.Errorf("without the cookie: %d", r.StatusCode)
	}
}

// TestOperators: changes carry the operator of the session and the reason of the page, whatever
// operator the page names. A name that is no line of text opens no session.
func TestOperators(t *testing.T) {
	s := open(t, nil)
	for _, name := range []string{"", "Zoë 山田", strings.Repeat("ë", 40)} {
		body, _ := json.Marshal(map[string]string{"secret_key": "sk_live_of_a_test", "operator": " " + name + " "})
		r := s.ask("POST", "/dashboard/api/session", string(body), fromDashboard(nil)...)
		if r.StatusCode != 204 || len(r.Cookies()) != 1 {
			t.Fatalf("%q: %d", name, r.StatusCode)
		}
		header := append(fromDashboard(r.Cookies()[0]), "Countersign-Reason", "lost%20phone", "Countersign-Operator", "another")
		got := s.forwarded(s.ask("POST", "/dashboard/api/v1/users/user_1/lock", "{}", header...))
		if by, reason := got.Header.Get("Countersign-Operator"), got.Header.Get("Countersign-Reason"); by != url.PathEscape(name) || reason != "lost%20phone" {
			t.Errorf("%q: operator %q, reason %q", name, by, reason)
		}
		if out := s.ask("DELETE", "/dashboard/api/session", "{}", fromDashboard(r.Cookies()[0])...); out.StatusCode != 204 {
			t.Errorf("%q cannot sign out: %d", name, out.StatusCode)
		}
		if r := s.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(r.Cookies()[0])...); r.StatusCode != 401 {
			t.Errorf("%q: %d after signing out", name, r.StatusCode)
		}
	}
	for _, name := range []string{strings.Repeat("ë", 41), "two\nlines", "two\u2028lines", "\u202eenaJ", "\u200b"} {
		body, _ := json.Marshal(map[string]string{"secret_key": "sk_live_of_a_test", "operator": name})
		if r := s.ask("POST", "/dashboard/api/session", string(body), fromDashboard(nil)...); r.StatusCode != 422 || len(r.Cookies()) != 0 {
			t.Errorf("%q: %d", name, r.StatusCode)
		}
	}
}

// TestSearch: the text and the filters of a search go to the list and to the count of users as
// parameters of their own. A field or a filter that the dashboard does not have is refused.
func TestSearch(t *testing.T) {
	s := open(t, nil)
	c := s.openDashboard()
	for body, want := range map[string]string{
		`{}`:                            "",
		`{"text":" max@example.com "}`:  "?query=max%40example.com",
		`{"text":"+1 (415) 555-0120"}`:  "?query=%2B1+%28415%29+555-0120",
		`{"text":"user_1"}`:             "?query=user_1",
		`{"text":"a&limit=500"}`:        "?query=a%26limit%3D500",
		`{"filters":{"locked":""}}`:     "?locked=",
		`{"after":"user_1","limit":21}`: "?limit=21&starting_after=user_1",
		`{"text":"max","order":"+created_at","filters":{"banned":"true","created_at_after":"1"}}`: "?banned=true&created_at_after=1&order_by=%2Bcreated_at&query=max",
	} {
		for path, to := range map[string]string{"/dashboard/api/search": "/v1/users", "/dashboard/api/search/count": "/v1/users/count"} {
			got := s.forwarded(s.ask("POST", path, body, fromDashboard(c)...))
			if asked := strings.TrimSuffix(got.URL, "?"); asked != to+want || got.Method != "GET" {
				t.Errorf("%s of %s asks %s %s, want %s", body, path, got.Method, got.URL, to+want)
			}
		}
	}
	for _, body := range []string{`{"text":1}`, `{"filters":{"email_address":"x"}}`, `{"filters":{"banned":true}}`, `{"offset":5}`} {
		for _, path := range []string{"/dashboard/api/search", "/dashboard/api/search/count"} {
			if r := s.ask("POST", path, body, fromDashboard(c)...); r.StatusCode != 400 {
				t.Errorf("%s of %s: %d", path, body, r.StatusCode)
			}
		}
	}
}
