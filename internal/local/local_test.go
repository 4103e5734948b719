package local_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/local"
)

const key = "sk_test_of_local"

// site is a running server with a browser.
type site struct {
	*testing.T
	dir     string
	app     *local.App
	server  *httptest.Server
	browser *http.Client
	log     *lockedBuffer
	secrets map[string]string // by kind
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func open(t *testing.T, dir string) *site {
	t.Helper()
	s := &site{T: t, dir: dir, log: &lockedBuffer{}, secrets: map[string]string{}}
	var handler http.Handler
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(s.server.Close)
	var err error
	s.app, err = local.Open(t.Context(), local.Config{
		Dir: dir, PublicURL: s.server.URL, AppName: "Example", SecretKey: secret.New(key), Now: time.Now,
		Log: slog.New(slog.NewTextHandler(s.log, nil)), Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	handler = s.app
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar}
	return s
}

func (s *site) close() {
	s.Helper()
	s.server.Close()
	if err := s.app.Close(); err != nil {
		s.Fatal(err)
	}
}

// call sends JSON when the body begins with a brace, else a form, and returns the decoded answer.
func (s *site) call(method, path, body string) map[string]any {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.server.URL+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if strings.HasPrefix(body, "{") {
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := s.browser.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatal(err)
	}
	out := map[string]any{"status": res.StatusCode, "body": string(data)}
	_ = json.Unmarshal(data, &out)
	return out
}

func (s *site) ok(method, path, body string) map[string]any {
	s.Helper()
	out := s.call(method, path, body)
	if code, _ := out["status"].(int); code/100 > 2 {
		s.Fatalf("%s %s: %v", method, path, out["body"])
	}
	return out
}

// keep notes a secret that must not appear anywhere.
func (s *site) keep(what, text string) string {
	s.Helper()
	if len(text) < 6 {
		s.Fatalf("%s is %q", what, text)
	}
	s.secrets[what] = text
	return text
}

// fullNumber matches a full E.164 number, including those of the demo users.
var fullNumber = regexp.MustCompile(`\+[1-9][0-9]{9,14}`)

func response(m map[string]any) map[string]any { return m["response"].(map[string]any) }

// TestSecretsStayWhereTheyBelong runs a whole flow. It then searches the log and the files for
// every secret of the flow.
func TestSecretsStayWhereTheyBelong(t *testing.T) {
	s := open(t, t.TempDir())
	const number = "+12125550123"
	s.keep("password", "correct horse battery")
	user := s.ok("POST", "/v1/users", `{"username":"max","password":"correct horse battery"}`)["id"].(string)
	ticket := s.keep("ticket", s.ok("POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`)["token"].(string))
	in := s.ok("POST", "/v1/client/sign_ins", "strategy=ticket&ticket="+ticket)
	session := response(in)["created_session_id"].(string)
	q := "?_clerk_session_id=" + session
	phone := response(s.ok("POST", "/v1/me/phone_numbers"+q, "phone_number="+url.QueryEscape(number)))["id"].(string)
	s.ok("POST", "/v1/me/phone_numbers/"+phone+"/prepare_verification"+q, "strategy=phone_code")
	messages := s.ok("GET", "/dev/sms?phone_number="+url.QueryEscape(number), "")["messages"].([]any)
	code := messages[0].(map[string]any)["code"].(string)
	s.ok("PATCH", "/v1/instance", `{"test_mode":false}`)
	s.ok("POST", "/v1/me/phone_numbers/"+phone+"/attempt_verification"+q, "code="+code)
	codes := response(s.ok("PATCH", "/v1/me/phone_numbers/"+phone+q, "reserved_for_second_factor=true"))["backup_codes"].([]any)
	for i, c := range codes {
		s.keep("backup code "+string(rune('0'+i)), c.(string))
	}
	app := response(s.ok("POST", "/v1/me/totp"+q, ""))
	seed := secret.New(s.keep("authenticator secret", app["secret"].(string)))
	now, err := time.Parse(time.RFC3339, s.ok("GET", "/dev/clock", "")["now"].(string))
	if err != nil {
		t.Fatal(err)
	}
	current, err := totp.Code(seed, now)
	if err != nil {
		t.Fatal(err)
	}
	s.ok("POST", "/v1/me/totp/attempt_verification"+q, "code="+current)
	s.keep("session token", s.ok("POST", "/v1/client/sessions/"+session+"/tokens", "")["jwt"].(string))
	s.keep("development browser", s.ok("POST", "/v1/dev_browser", "")["id"].(string))
	at, _ := url.Parse(s.server.URL)
	s.keep("client token", s.browser.Jar.Cookies(at)[0].Value)
	s.close()
	s.search(number)
}

// search searches the log and the files. Only the master key is in the clear, in a file of its own.
func (s *site) search(number string) {
	s.Helper()
	store, err := os.ReadFile(filepath.Join(s.dir, "countersign.db"))
	if err != nil {
		s.Fatal(err)
	}
	log := s.log.String()
	if !strings.Contains(log, "me-totp-attempt") || !bytes.Contains(store, []byte(`"un":"max"`)) {
		s.Fatal("the flow is not in the log or not in the store: nothing would be found")
	}
	for what, text := range s.secrets {
		if strings.Contains(log, text) {
			s.Errorf("the log holds the %s", what)
		}
		if bytes.Contains(store, []byte(text)) || bytes.Contains(store, []byte(strings.ReplaceAll(text, "-", ""))) {
			s.Errorf("the store holds the %s", what)
		}
	}
	for _, text := range []string{number, number[2:], key} {
		if strings.Contains(log, text) {
			s.Errorf("the log holds %s", text)
		}
		if bytes.Contains(store, []byte(text)) {
			s.Errorf("the store holds %s", text)
		}
	}
	if full := fullNumber.FindString(log + string(store)); full != "" {
		s.Errorf("a full number is in the log or the store: %s", full)
	}
	if bytes.Contains(store, []byte("PRIVATE")) {
		s.Error("the store holds a key in the clear")
	}
}

// TestADeletedUserIsInNoFile: after a deletion, free pages of the file still hold the user's data;
// after compacting, no file does.
func TestADeletedUserIsInNoFile(t *testing.T) {
	s := open(t, t.TempDir())
	user := s.ok("POST", "/v1/users", `{"username":"maxine","first_name":"Mustermann","email_address":["maxine@example.com"],"phone_number":["+12125550123"],
		"password":"correct horse battery","private_metadata":{"note":"likes roses"},"totp_secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}`)["id"].(string)
	ticket := s.ok("POST", "/v1/sign_in_tokens", `{"user_id":"`+user+`"}`)["token"].(string)
	s.ok("POST", "/v1/client/sign_ins", "strategy=ticket&ticket="+ticket)
	s.ok("DELETE", "/v1/users/"+user, "{}")
	s.close()
	left := func() (found []string) {
		data, err := os.ReadFile(filepath.Join(s.dir, "countersign.db"))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"maxine", "Mustermann", "likes roses", "+12125550123", `"un":`, `"to":`} {
			if bytes.Contains(data, []byte(text)) {
				found = append(found, text)
			}
		}
		return found
	}
	if len(left()) == 0 {
		t.Fatal("nothing is left before compacting: the test shows nothing")
	}
	if err := local.Compact(s.dir, time.Now); err != nil {
		t.Fatal(err)
	}
	if found := left(); found != nil {
		t.Errorf("the file still holds %q", found)
	}
	s = open(t, s.dir)
	defer s.close()
	if n := s.ok("GET", "/v1/users/count", "{}")["total_count"]; n != 2.0 {
		t.Errorf("%v users, want the two of the demo", n)
	}
}

func TestDataSurvive(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if !s.app.Fresh {
		t.Error("an empty directory is not fresh")
	}
	user := s.ok("POST", "/v1/users", `{"username":"max"}`)["id"].(string)
	s.close()
	s = open(t, dir)
	defer s.close()
	if s.app.Fresh {
		t.Error("the second start is fresh too")
	}
	s.ok("GET", "/v1/users/"+user, "{}")
	if n := s.ok("GET", "/v1/users/count", "{}")["total_count"]; n != 3.0 {
		t.Errorf("%v users, want the two of the demo and one more", n)
	}
}

func TestHomePage(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	page := s.ok("GET", "/", "")["body"].(string)
	for _, text := range []string{"Example is running", "ada@example.com", "Sign in as Grace", key, "README", "Outbox", "pk_test_"} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not show %q", text)
		}
	}
	s.ok("POST", "/v1/users", `{"username":"someone","password":"correct horse battery"}`)
	if page = s.ok("GET", "/", "")["body"].(string); strings.Count(page, "demo-password") != 2 || strings.Count(page, "<button class=\"short\">Sign in as ") != 3 {
		t.Error("the page gives a user who is no demo user the password of those, or a demo user none")
	}
	for i := range 25 {
		s.ok("POST", "/v1/users", `{"username":"other`+strconv.Itoa(i)+`"}`)
	}
	page = s.ok("GET", "/", "")["body"].(string)
	for _, demo := range []string{"<button class=\"short\">Sign in as Ada", "<button class=\"short\">Sign in as Grace", "<button class=\"main\">Sign in as Ada"} {
		if !strings.Contains(page, demo) {
			t.Errorf("among many users there is no %s", demo)
		}
	}
	_, form, _ := strings.Cut(page, `name="user" value="`)
	user, _, _ := strings.Cut(form, `"`)
	if page = s.ok("POST", "/dev/sign-in", "user="+user)["body"].(string); !strings.Contains(page, `src="/assets/`) {
		t.Errorf("the button does not lead to the sign-in page:\n%s", page)
	}
	if page = s.ok("GET", "/", "")["body"].(string); !strings.Contains(page, "Signed in as <strong>Ada") {
		t.Errorf("after the button:\n%s", page)
	}
	if page = s.ok("POST", "/dev/sign-out", "")["body"].(string); !strings.Contains(page, "No user is signed in") {
		t.Error("signing out does not sign out")
	}
	r, _ := http.NewRequestWithContext(t.Context(), "POST", s.server.URL+"/dev/sign-in", strings.NewReader("user="+user))
	r.Header.Set("Origin", "https://evil.example")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := s.browser.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 400 {
		t.Errorf("another site pressed the button: %d", res.StatusCode)
	}
	if !strings.Contains(page, "<strong>someone</strong></p>") {
		t.Error("the page does not name a user who has a username only")
	}
	if page = s.ok("GET", "/reference", "")["body"].(string); !strings.Contains(page, "me-totp-create") {
		t.Error("the reference does not show the operations")
	}
	if text := s.ok("GET", "/readme", "")["body"].(string); !strings.Contains(text, ">Countersign</h1>") || strings.Contains(text, "](") {
		t.Error("the README is not served")
	}
	if text := s.ok("GET", "/openapi.yaml", "")["body"].(string); !strings.Contains(text, "openapi: 3.1.0") {
		t.Error("the OpenAPI document is not served")
	}
}

// TestUnknownPaths: a browser gets a page, and the API's part of the paths answers JSON.
func TestUnknownPaths(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	const browser, program = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/json"
	for name, tc := range map[string]struct{ method, path, accept, kind string }{
		"a browser":                          {"GET", "/nothing", browser, "text/html; charset=utf-8"},
		"a browser, below":                   {"GET", "/nothing/at/all.php", browser, "text/html; charset=utf-8"},
		"a browser, a development endpoint":  {"GET", "/dev/nothing", browser, "text/html; charset=utf-8"},
		"a browser, a document":              {"GET", "/readme/docs/nothing.md", browser, "text/html; charset=utf-8"},
		"a browser, out of the documents":    {"GET", "/readme/..%2Fgo.mod", browser, "text/html; charset=utf-8"},
		"a browser, a file that is no guide": {"GET", "/readme/go.mod", browser, "text/html; charset=utf-8"},
		"a browser, the API":                 {"GET", "/v1/nothing", browser, "application/json"},
		"a browser, the API's own address":   {"GET", "/v1", browser, "application/json"},
		"a browser, beside the key set":      {"GET", "/.well-known/nothing", browser, "application/json"},
		"a program":                          {"GET", "/nothing", program, "application/json"},
		"a program that reads anything":      {"GET", "/nothing", "*/*", "application/json"},
		"a form":                             {"POST", "/nothing", browser, "application/json"},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, s.server.URL+tc.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", tc.accept)
		res, err := s.browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header.Get("Content-Type"); res.StatusCode != 404 || got != tc.kind {
			t.Errorf("%s: %d %s, want 404 %s", name, res.StatusCode, got, tc.kind)
		}
	}
}

// TestPages: the server serves the pages beside the API, and the dashboard calls it with a cookie
// instead of the key.
func TestPages(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	for _, path := range []string{"/sign-in", "/account/security", "/dashboard/sign-in", "/dev/phone"} {
		if page := s.ok("GET", path, "")["body"].(string); !strings.Contains(page, "<title>") || !strings.Contains(page, "Example</title>") {
			t.Errorf("%s is no page of Example", path)
		}
	}
	ask := func(method, path, body string) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, s.server.URL+"/dashboard/api"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Origin", s.server.URL)
		r.Header.Set("Content-Type", "application/json")
		res, err := s.browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(text)
	}
	if status, _ := ask("GET", "/v1/instance", ""); status != 401 {
		t.Errorf("without a cookie: %d", status)
	}
	if status, text := ask("POST", "/session", `{"secret_key":"`+key+`"}`); status != 204 {
		t.Fatalf("opening: %d %s", status, text)
	}
	if status, text := ask("PATCH", "/v1/instance", `{"mfa_required":true}`); status != 204 {
		t.Errorf("a setting: %d %s", status, text)
	}
	if status, text := ask("POST", "/search", `{"text":"+1 201 555 0101"}`); status != 200 || !strings.Contains(text, "grace@example.com") {
		t.Errorf("a search: %d %s", status, text)
	}
	if set := s.ok("GET", "/v1/instance", "{}"); set["mfa_required"] != true {
		t.Error("the setting was not changed")
	}
}

// TestOtherSites: the first page holds the key and the outbox holds codes, so a DNS name that
// points to this machine opens neither.
func TestOtherSites(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	_, port, _ := strings.Cut(strings.TrimPrefix(s.server.URL, "http://"), ":")
	for name, tc := range map[string]struct {
		method, path, host, origin, site string
		status                           int
	}{
		"the own address":                {"GET", "/dev/clock", "", "", "", 200},
		"this machine's name":            {"GET", "/dev/clock", "localhost:" + port, "", "", 200},
		"an IPv6 address":                {"GET", "/dev/clock", "[::1]:" + port, "", "", 200},
		"another port":                   {"GET", "/dev/clock", "localhost:1", "", "", 400},
		"no port":                        {"GET", "/dev/clock", "localhost", "", "", 400},
		"an address of another machine":  {"GET", "/dev/clock", "192.0.2.1:" + port, "", "", 400},
		"another name, the Backend API":  {"GET", "/v1/users", "evil.example:" + port, "", "", 400},
		"another name, the Frontend API": {"GET", "/v1/client", "evil.example:" + port, "", "", 400},
		"another name, the health":       {"GET", "/healthz", "evil.example", "", "", 400},
		"another name, no route":         {"GET", "/nothing", "evil.example", "", "", 400},
		"the Backend API":                {"GET", "/v1/users/count", "", "", "", 200},
		"an own page asks the Backend":   {"GET", "/v1/users/count", "", "http://localhost:5173", "same-site", 200},
		"a page asks the Backend":        {"GET", "/v1/users/count", "", "https://evil.example", "cross-site", 400},
		"a page changes the Backend":     {"POST", "/v1/users", "", "https://evil.example", "cross-site", 400},
		"a page without origin does":     {"POST", "/v1/users", "", "", "cross-site", 400},
		"an opaque page does":            {"POST", "/v1/users", "", "null", "", 400},
		"an app of this machine":         {"POST", "/v1/client", "", "http://localhost:5173", "same-site", 200},
		"a page looks into the outbox":   {"GET", "/dev/sms", "", "https://evil.example", "cross-site", 400},
		"it does without an origin":      {"GET", "/dev/sms", "", "", "cross-site", 400},
		"an app looks into the outbox":   {"GET", "/dev/sms", "", "http://localhost:5173", "same-site", 400},
		"it does without origin":         {"GET", "/dev/sms", "", "", "same-site", 400},
		"the own page":                   {"POST", "/dev/faults", "", s.server.URL, "same-origin", 200},
		"the own page by another name":   {"POST", "/dev/faults", "localhost:" + port, "http://localhost:" + port, "same-origin", 200},
		"the own page of another name":   {"POST", "/dev/faults", "", "http://localhost:" + port, "cross-site", 400},
		"another scheme":                 {"POST", "/dev/faults", "", "https://127.0.0.1:" + port, "cross-site", 400},
		"another name":                   {"GET", "/dev/sms", "evil.example", "", "", 400},
		"another name, the first page":   {"GET", "/", "evil.example:8080", "", "", 400},
		"a program":                      {"POST", "/dev/faults", "", "", "", 200},
		"a page of this machine":         {"POST", "/dev/faults", "", "http://localhost:3000", "cross-site", 400},
		"a page of another site":         {"POST", "/dev/faults", "", "https://evil.example", "cross-site", 400},
		"a page without an origin":       {"POST", "/dev/faults", "", "", "cross-site", 400},
		"a page with an opaque origin":   {"POST", "/dev/faults", "", "null", "cross-site", 400},
		"an opaque origin, same site":    {"POST", "/dev/faults", "", "null", "same-site", 400},
		"an opaque origin, old browser":  {"POST", "/dev/faults", "", "null", "", 400},
		"a form of the first page":       {"POST", "/dev/faults", "", "null", "same-origin", 200},
		"a lookalike of this machine":    {"POST", "/dev/faults", "", "http://localhost.evil.example", "", 400},
		"the first page, after a link":   {"GET", "/", "", "", "cross-site", 200},
		"a lookalike in the host itself": {"GET", "/", "127.0.0.1.evil.example", "", "", 400},
	} {
		r, err := http.NewRequestWithContext(t.Context(), tc.method, s.server.URL+tc.path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tc.host
		if !strings.HasPrefix(tc.path, "/dev/") {
			r.Header.Set("Authorization", "Bearer "+key)
			r.Header.Set("Content-Type", "application/json")
		}
		for header, value := range map[string]string{"Origin": tc.origin, "Sec-Fetch-Site": tc.site} {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		res, err := s.browser.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != tc.status {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, tc.status)
		}
	}
}

func TestDevelopmentEndpoints(t *testing.T) {
	s := open(t, t.TempDir())
	defer s.close()
	before := s.ok("GET", "/dev/clock", "")["now"].(string)
	after := s.ok("PATCH", "/dev/clock", `{"advance_seconds":3600}`)["now"].(string)
	a, _ := time.Parse(time.RFC3339, before)
	b, _ := time.Parse(time.RFC3339, after)
	if d := b.Sub(a); d < time.Hour || d > time.Hour+time.Minute {
		t.Errorf("the clock moved by %v", d)
	}
	answer, err := s.browser.Get(s.server.URL + "/v1/environment")
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if said, err := http.ParseTime(answer.Header.Get("Date")); err != nil || said.Sub(b).Abs() > time.Minute {
		t.Errorf("after the clock moved to %v, an answer is of %v: %v", b, said, err)
	}
	s.ok("POST", "/dev/faults", `{"store":true}`)
	if got := s.call("GET", "/v1/users/count", "{}")["status"]; got != 503 {
		t.Errorf("a throttled store: %v", got)
	}
	s.ok("POST", "/dev/faults", `{}`)
	s.ok("GET", "/v1/users/count", "{}")
	s.ok("PATCH", "/dev/instance", `{"mfa_required":true}`)
	if set := s.ok("GET", "/v1/instance", "{}"); set["mfa_required"] != true || set["ip_limits"] != false {
		t.Errorf("settings %v", set)
	}
	if got := s.call("PATCH", "/dev/instance", `{nonsense`)["status"]; got != 400 {
		t.Errorf("nonsense: %v", got)
	}
}
