package attack_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/attack"
)

// spoiler is a proxy that weakens the server in one point.
type spoiler func(w http.ResponseWriter, r *http.Request, next http.Handler)

const key = "sk_test_of_attack"

func serve(t *testing.T, spoil spoiler) (string, *local.App) {
	t.Helper()
	var app *local.App
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil == nil {
			app.ServeHTTP(w, r)
			return
		}
		spoil(w, r, app)
	}))
	t.Cleanup(server.Close)
	var err error
	app, err = local.Open(t.Context(), local.Config{
		Dir: t.TempDir(), PublicURL: server.URL, AppName: "Example", SecretKey: secret.New(key), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = app.Close() })
	return server.URL, app
}

func run(t *testing.T, url string, only ...string) (attack.Report, string, error) {
	t.Helper()
	var out bytes.Buffer
	report, err := attack.Run(t.Context(), attack.Config{URL: url, SecretKey: secret.New(key), Now: time.Now, Out: &out, Only: only})
	return report, out.String(), err
}

func TestAllProbesPass(t *testing.T) {
	url, app := serve(t, nil)
	report, out, err := run(t, url)
	if err != nil || report.Count(attack.Passed) != len(attack.Probes()) {
		t.Fatalf("%v\n%s", err, out)
	}
	users, err := app.Service.Directory.Users(t.Context(), directory.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if strings.HasPrefix(u.Username, "attack") {
			t.Errorf("%s is still there", u.Username)
		}
	}
	var page, junit bytes.Buffer
	if err := errors.Join(report.HTML(&page), report.JUnit(&junit)); err != nil {
		t.Fatal(err)
	}
	for _, p := range attack.Probes() {
		if !strings.Contains(page.String(), "<td>"+p.Name+"<td>") || !strings.Contains(junit.String(), `name="`+p.Name+" ") {
			t.Errorf("%s is not in the reports", p.Name)
		}
	}
	for _, standard := range report.Standards() {
		for _, section := range standard.Sections {
			if section.Title == "" {
				t.Errorf("%s: section %s has no title", standard.Name, section.Number)
			}
		}
	}
	var suite struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal(junit.Bytes(), &suite); err != nil || suite.Tests != len(report.Results) || suite.Failures != 0 {
		t.Errorf("JUnit: %+v %v", suite, err)
	}
}

// TestStrictGuessing: the probes take the figures of the guess policy that the deployment uses.
func TestStrictGuessing(t *testing.T) {
	url, app := serve(t, nil)
	if _, err := app.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.StrictGuessing = true }); err != nil {
		t.Fatal(err)
	}
	report, out, err := run(t, url)
	if err != nil || report.Count(attack.Passed) != len(attack.Probes()) {
		t.Fatalf("%v\n%s", err, out)
	}
}

// TestLimitsPerAddress: with limits per address, probes that they would disturb are reported as
// left out, and the others run.
func TestLimitsPerAddress(t *testing.T) {
	url, app := serve(t, nil)
	if _, err := app.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true }); err != nil {
		t.Fatal(err)
	}
	report, out, err := run(t, url, "B02", "B04", "B05")
	if err != nil || report.Count(attack.Passed) != 2 || report.Count(attack.Skipped) != 1 || !strings.Contains(out, "skipped B02") || !strings.Contains(out, "ip_limits") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestNotRun: a probe whose attack cannot be prepared is no weakness, and no success.
func TestNotRun(t *testing.T) {
	url, app := serve(t, nil)
	if _, err := app.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.SMSCountries = []string{"DE"} }); err != nil {
		t.Fatal(err)
	}
	report, out, err := run(t, url, "A01", "A02", "A03", "A04")
	if !errors.Is(err, attack.ErrNotRun) || report.Count(attack.NotRun) == 0 || report.Count(attack.Failed) != 0 || !strings.Contains(out, "add US to sms_countries") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestProbesAreNamedOnce: reports and --only refer to names.
func TestProbesAreNamedOnce(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range attack.Probes() {
		if seen[p.Name] || p.Tries == "" || p.Must == "" || p.ASVS == "" || !strings.ContainsAny(p.Name[:1], "ABCDEFGHIJKLMN") {
			t.Errorf("probe %+v", p)
		}
		seen[p.Name] = true
	}
}

// later changes an answer after the server made it.
func later(change func(*httptest.ResponseRecorder, *http.Request)) spoiler {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		made := httptest.NewRecorder()
		next.ServeHTTP(made, r)
		change(made, r)
		for name, values := range made.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(made.Code)
		_, _ = w.Write(made.Body.Bytes())
	}
}

// before changes a request before the server sees it.
func before(change func(*http.Request)) spoiler {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		change(r)
		next.ServeHTTP(w, r)
	}
}

// onlyUsersWait is a server that limits guesses at the identifiers of users only.
func onlyUsersWait() spoiler {
	var users sync.Map
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		form, _ := url.ParseQuery(string(body))
		later(func(made *httptest.ResponseRecorder, r *http.Request) {
			name := struct{ Username string }{}
			switch {
			case r.URL.Path == "/v1/users" && json.Unmarshal(body, &name) == nil:
				users.Store(name.Username, true)
			case r.URL.Path == "/v1/client/sign_ins" && made.Code == http.StatusTooManyRequests:
				if _, ok := users.Load(strings.ToLower(strings.TrimSpace(form.Get("identifier")))); !ok && !strings.HasPrefix(form.Get("identifier"), "+") {
					made.Code, made.Body = http.StatusUnprocessableEntity, bytes.NewBufferString(`{"errors":[{"code":"form_password_or_identifier_incorrect"}]}`)
				}
			}
		})(w, r, next)
	}
}

// accepting turns a refusal with a code into an acceptance.
func accepting(code string) func(w *httptest.ResponseRecorder, _ *http.Request) {
	return func(w *httptest.ResponseRecorder, _ *http.Request) {
		if bytes.Contains(w.Body.Bytes(), []byte(`"`+code+`"`)) {
			w.Code, w.Body = http.StatusOK, bytes.NewBufferString("{}")
		}
	}
}

// TestProbesFindWeaknesses: a server with one weakness fails the probes of that weakness, and no
// others.
func TestProbesFindWeaknesses(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs all probes many times")
	}
	for name, c := range map[string]struct {
		fails []string
		spoil spoiler
	}{
		"a server that forgets Sec-Fetch-Site": {[]string{"G02", "K10"}, before(func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") })},
		"text taken for a form": {[]string{"G08"}, before(func(r *http.Request) {
			if r.Header.Get("Content-Type") == "text/plain" && strings.HasPrefix(r.URL.Path, "/v1/client") {
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			}
		})},
		"answers that caches keep": {[]string{"G19"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if r.URL.Path == "/v1/me" {
				w.Header().Set("Cache-Control", "public, max-age=60")
			}
		})},
		"every origin may read": {[]string{"G04", "G05"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", cmp.Or(r.Header.Get("Origin"), "*"))
		})},
		"a name of the request in an answer": {[]string{"G21"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if r.URL.Path == "/.well-known/openid-configuration" {
				w.Body = bytes.NewBufferString(`{"issuer":"https://` + r.Header.Get("X-Forwarded-Host") + `"}`)
			}
		})},
		"unknown users are told apart": {[]string{"C15"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if r.URL.Path == "/v1/client/sign_ins" && bytes.Contains(w.Body.Bytes(), []byte("form_password_or_identifier_incorrect")) {
				w.Body = bytes.NewBufferString(`{"errors":[{"code":"form_password_or_identifier_incorrect","trace":"` + w.Header().Get("X-Clerk-Trace-Id") + `"}]}`)
			}
		})},
		"an error with its stack": {[]string{"I08"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if w.Code == http.StatusNotFound && r.URL.Path == "/v1/nothing" {
				w.Body.WriteString("\ngoroutine 1 [running]: main.go:7")
			}
		})},
		"a cookie that scripts read": {[]string{"G23"}, later(func(w *httptest.ResponseRecorder, _ *http.Request) {
			if set := w.Header().Get("Set-Cookie"); set != "" {
				w.Header().Set("Set-Cookie", strings.Replace(set, "HttpOnly; ", "", 1))
			}
		})},
		"a private part among the keys": {[]string{"F14"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if r.URL.Path == "/.well-known/jwks.json" {
				w.Body = bytes.NewBufferString(strings.Replace(w.Body.String(), `"kid"`, `"d":"AQAB","kid"`, 1))
			}
		})},
		"a path that is cleaned before it is checked": {[]string{"G13"}, before(func(r *http.Request) {
			if r.URL.Path == "/v1//users/count" {
				r.URL.Path = "/v1/users/count"
				r.Header.Set("Authorization", "Bearer "+key)
			}
		})},
		"an administrator's lock that new tickets pass": {[]string{"B07", "B08"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/verify_totp") && w.Code == http.StatusForbidden && strings.Contains(w.Body.String(), `lockout_expires_in_seconds":3600`) {
				w.Code, w.Body = http.StatusOK, bytes.NewBufferString("{}")
			}
		})},
		"an answer of a passkey that is not verified": {[]string{"M01", "M03", "M04", "M05", "M06", "M07", "M09", "M11", "M13"}, later(accepting("passkey_authentication_failure"))},
		"an enrolment that is not verified":           {[]string{"M04", "M09", "M11", "M12", "M13"}, later(accepting("passkey_registration_failure"))},
		"malformed answers of a passkey":              {[]string{"M08"}, later(accepting("passkey_invalid_public_key_credential"))},
		"recoveries for everybody": {[]string{"N01", "N02", "N03", "N04", "N08"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, "/recovery") && w.Code >= http.StatusBadRequest {
				w.Code, w.Body = http.StatusOK, bytes.NewBufferString("{}")
			}
		})},
		"a service that forgets cancellations": {[]string{"N03", "N04", "N06"}, before(func(r *http.Request) {
			if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/recovery") {
				r.Method, r.URL.Path = http.MethodGet, "/v1/instance"
				r.Header.Set("Authorization", "Bearer "+key)
			}
		})},
		"the first of two client cookies": {[]string{"F19"}, before(func(r *http.Request) {
			if all := r.CookiesNamed("__client"); len(all) > 1 {
				r.Header.Set("Cookie", all[0].String())
			}
		})},
		"a name that was pointed at this machine": {[]string{"K10"}, before(func(r *http.Request) {
			if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
				r.Host = at.String()
			}
		})},
		"a development server that asks for no origin": {[]string{"K10"}, before(func(r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/dev/") {
				r.Header.Del("Origin")
			}
		})},
		"bodies that are read as they stand": {[]string{"G08"}, before(func(r *http.Request) { r.Header.Del("Content-Encoding") })},
		"methods in other letters":           {[]string{"G07"}, before(func(r *http.Request) { r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "=delete", "=DELETE") })},
		"the first four client cookies": {[]string{"F19"}, before(func(r *http.Request) {
			if all := r.CookiesNamed("__client"); len(all) > 4 {
				r.Header.Del("Cookie")
				for _, c := range all[:4] {
					r.AddCookie(c)
				}
			}
		})},
		"the last of two keys": {[]string{"G25"}, before(func(r *http.Request) {
			if all := r.Header.Values("Authorization"); len(all) > 1 {
				r.Header.Set("Authorization", all[len(all)-1])
			}
		})},
		"only users have to wait": {[]string{"B10", "B23", "C15b"}, onlyUsersWait()},
		"a caller's word about CloudFront": {[]string{"B23"}, before(func(r *http.Request) {
			if at := r.Header.Get("CloudFront-Viewer-Address"); at != "" {
				r.RemoteAddr = at
			}
		})},
		"a dashboard that only forgets its cookie": {[]string{"G29"}, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodDelete && r.URL.Path == "/dashboard/api/session" {
				w.WriteHeader(http.StatusNoContent)
				return
			}
			next.ServeHTTP(w, r)
		}},
		"pages that may be framed": {[]string{"G20"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/v1/") {
				return
			}
			w.Header().Set("Content-Security-Policy", strings.Replace(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'", "", 1))
		})},
		"a time that the client names": {[]string{"L05"}, later(func(w *httptest.ResponseRecorder, r *http.Request) {
			if r.Header.Get("X-Timestamp") != "" && strings.HasSuffix(r.URL.Path, "/verify_totp") {
				w.Code, w.Body = http.StatusOK, bytes.NewBufferString("{}")
			}
		})},
		"a method from a header": {[]string{"G07"}, before(func(r *http.Request) {
			if m := r.Header.Get("X-Http-Method-Override"); m != "" {
				r.Method = m
			}
		})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url, _ := serve(t, c.spoil)
			report, out, err := run(t, url)
			var failed []string
			for _, r := range report.Results {
				if r.Outcome == attack.Failed {
					failed = append(failed, r.Name)
				}
			}
			if slices.Sort(failed); !slices.Equal(failed, c.fails) || !errors.Is(err, attack.ErrFailed) {
				t.Errorf("%v failed (%v), want %v\n%s", failed, err, c.fails, out)
			}
		})
	}
}

// TestForgottenFailures: a server that clears a user's failures at each new sign-in fails the
// probes of guess limits only.
func TestForgottenFailures(t *testing.T) {
	url, _ := serve(t, func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		made := httptest.NewRecorder()
		next.ServeHTTP(made, r)
		if _, rest, ok := strings.Cut(r.URL.Path, "/sign_in_tokens"); ok && rest == "" {
			_, user, _ := strings.Cut(made.Body.String(), `"user_id":"`)
			id, _, _ := strings.Cut(user, `"`)
			unlock := httptest.NewRequestWithContext(r.Context(), http.MethodPost, "/v1/users/"+id+"/unlock", nil)
			unlock.Host = r.Host
			unlock.Header.Set("Authorization", "Bearer "+key)
			next.ServeHTTP(httptest.NewRecorder(), unlock)
		}
		for name, values := range made.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(made.Code)
		_, _ = w.Write(made.Body.Bytes())
	})
	report, out, _ := run(t, url, "B")
	for _, r := range report.Results {
		if (r.Outcome == attack.Failed) != (r.Name == "B02") {
			t.Errorf("%s %s: %s", r.Name, r.Outcome, r.Detail)
		}
	}
	if report.Count(attack.Failed) == 0 {
		t.Log(out)
	}
}
