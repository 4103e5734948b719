package api_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

func payload(t testing.TB, token string) string {
	t.Helper()
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryOperationIsServed: an operation is served with and without a slash at the end, by its
// own method or by the POST that replaces it.
func TestEveryOperationIsServed(t *testing.T) {
	w := newWorld(t)
	names := map[string]bool{}
	for _, op := range api.Operations() {
		if names[op.Name] {
			t.Errorf("two operations are named %s", op.Name)
		}
		names[op.Name] = true
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		for _, spelling := range []string{path, path + "/"} {
			requests := [][2]string{{op.Method, spelling}}
			if op.Surface == operation.Frontend && op.Method != "GET" && op.Method != "POST" {
				requests = append(requests, [2]string{"POST", spelling + "?_method=" + op.Method})
			}
			for _, r := range requests {
				a := w.send(httptest.NewRequest(r[0], r[1], nil))
				if a.StatusCode == 405 || a.StatusCode >= 500 || a.StatusCode/100 == 3 && op.Status != 307 {
					t.Errorf("%s: %s %s answers %d %s", op.Name, r[0], r[1], a.StatusCode, a.body)
				}
				if op.Surface == operation.Backend {
					a.want(401, "clerk_key_invalid")
				}
			}
		}
	}
}

// TestAllowedMethodsAreThoseOfThePath: Allow names the methods of the path's own rows, and no
// method of a row whose path has a parameter in the same place. Other methods are refused.
func TestAllowedMethodsAreThoseOfThePath(t *testing.T) {
	w := newWorld(t)
	methods := map[string][]string{}
	for _, op := range api.Operations() {
		methods[op.Path] = append(methods[op.Path], op.Method)
	}
	for path, own := range methods {
		slices.Sort(own)
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "BREW"} {
			if slices.Contains(own, method) {
				continue
			}
			a := w.send(httptest.NewRequest(method, strings.NewReplacer("{", "", "}", "").Replace(path), nil)).want(405, "method_not_allowed")
			allowed := strings.Split(a.Header.Get("Allow"), ", ")
			if slices.Sort(allowed); !slices.Equal(allowed, own) {
				t.Errorf("%s %s: Allow %v, want %v", method, path, allowed, own)
			}
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	w := newWorld(t)
	w.send(httptest.NewRequest("GET", "/v1/nothing", nil)).want(404, "resource_not_found")
	a := w.send(httptest.NewRequest("PUT", "/v1/me/totp", nil)).want(405, "method_not_allowed")
	if a.Header.Get("Allow") != "POST, PATCH, DELETE" {
		t.Errorf("Allow %q", a.Header.Get("Allow"))
	}
	w.send(httptest.NewRequest("POST", "/v1/me/totp?_method=TRACE", nil)).want(405, "method_not_allowed")
	w.send(httptest.NewRequest("POST", "/v1/users/user_x?_method=DELETE", nil)).want(405, "method_not_allowed")
	w.send(httptest.NewRequest("GET", "/v1/client?_method=DELETE", nil)).ok()
	for _, path := range []string{"/v1//client", "/v1/client//", "/v1/./client", "/v1/me/../client", "//evil.example/v1/client"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.URL.Path = path
		w.send(r).want(404, "resource_not_found") // and never a redirect
	}
}

func TestEnvelopes(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	has := func(a *answer, keys ...string) bool {
		for _, k := range keys {
			if !strings.Contains(string(a.body), `"`+k+`":`) {
				return false
			}
		}
		return true
	}
	if a := b.call("GET", "/v1/client").ok(); a.at("response.object") != "client" || a.at("client") != nil {
		t.Errorf("GET client: %s", a.body)
	}
	if a := b.call("GET", "/v1/environment").ok(); !has(a, "auth_config", "display_config", "user_settings") || has(a, "response") {
		t.Errorf("environment: %s", a.body)
	}
	if a := b.call("POST", "/v1/environment?_method=PATCH").ok(); a.at("auth_config.object") != "auth_config" {
		t.Errorf("environment by PATCH: %s", a.body)
	}
	for _, list := range []string{"/v1/me/phone_numbers", "/v1/me/sessions/active", "/v1/me/sessions"} {
		if a := b.call("GET", list).ok(); !strings.HasPrefix(string(a.body), "[") {
			t.Errorf("%s: %s", list, a.body)
		}
	}
	if a := b.call("POST", "/v1/client/sessions/"+b.session+"/tokens").ok(); has(a, "response") {
		t.Errorf("tokens: %s", a.body)
	}
	a := b.call("GET", "/v1/me").ok()
	for path, want := range map[string]any{"response.object": "user", "client.object": "client", "client.sessions.0.user.id": a.at("response.id"), "client.sessions.0.last_active_token.object": "token"} {
		if a.at(path) != want {
			t.Errorf("%s is %v, want %v", path, a.at(path), want)
		}
	}
	if a := b.call("DELETE", "/v1/client/sessions").ok(); a.at("response.object") != "client" || a.at("client") != nil {
		t.Errorf("DELETE sessions: %s", a.body)
	}
	b.call("GET", "/v1/me").want(401, "authentication_invalid")
}

func TestUpdatedAtGrowsWithEveryChange(t *testing.T) {
	w := newWorld(t) // its clock stands still
	b := w.signedIn()
	last := b.call("GET", "/v1/me").ok().at("response.updated_at").(float64)
	for _, change := range []func() *answer{
		func() *answer { return b.call("POST", "/v1/me/phone_numbers/", "phone_number", "+12125550123") },
		func() *answer { return b.call("POST", "/v1/me/totp") },
		func() *answer { return b.call("POST", "/v1/me/totp?_method=DELETE") },
	} {
		now := change().ok().at("client.sessions.0.user.updated_at").(float64)
		if now <= last {
			t.Errorf("updated_at went from %f to %f", last, now)
		}
		last = now
	}
}

func TestPhoneNumbersOverTheWire(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	a := b.call("POST", "/v1/me/phone_numbers/", "phone_number", "+1 (212) 555-0123").ok()
	id := "/v1/me/phone_numbers/" + a.text("response.id")
	if a.at("response.verification") != nil || a.text("response.phone_number") != "+12125550123" {
		t.Errorf("created: %s", a.body)
	}
	b.call("POST", id+"?_method=PATCH", "reserved_for_second_factor", "true").want(400, "identification_update_second_factor_unverified")
	a = b.call("POST", id+"/prepare_verification", "strategy", "phone_code").ok()
	if a.text("response.verification.status") != "unverified" || a.at("response.verification.expire_at") == nil {
		t.Errorf("prepared: %s", a.body)
	}
	w.Advance(9500 * time.Millisecond)
	again := b.call("POST", id+"/prepare_verification", "strategy", "phone_code").ok()
	before, after := a.at("response.verification").(map[string]any), again.at("response.verification").(map[string]any)
	if before["retry_after"] != 30.0 || after["retry_after"] != 21.0 || after["phone_number_id"] != a.text("response.id") || len(w.Sent()) != 1 {
		t.Errorf("prepared %v, and again %v, in %d messages", before, after, len(w.Sent()))
	}
	if before["retry_after"] = after["retry_after"]; !reflect.DeepEqual(before, after) {
		t.Errorf("prepared %v, and again %v", before, after)
	}
	if a := b.call("POST", id+"/attempt_verification", "code", b.Code()).ok(); a.text("response.verification.status") != "verified" {
		t.Errorf("verified: %s", a.body)
	}
	a = b.call("POST", id+"?_method=PATCH", "reserved_for_second_factor", "true").ok()
	if n := len(a.at("response.backup_codes").([]any)); n != 10 || a.at("response.default_second_factor") != true || a.at("client.sessions.0.user.two_factor_enabled") != true {
		t.Errorf("reserved: %s", a.body)
	}
	if a := b.call("GET", id).ok(); a.at("response.backup_codes") != nil {
		t.Error("backup codes are shown twice")
	}
	second := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+13105550142").ok().text("response.id")
	b.call("POST", "/v1/me/phone_numbers/"+second+"/prepare_verification", "strategy", "phone_code").ok()
	b.call("POST", "/v1/me/phone_numbers/"+second+"/attempt_verification", "code", b.Code()).ok()
	both := []string{"reserved_for_second_factor", "true", "default_second_factor", "true"}
	w.faults.Inject(store.FailCommit(1))
	b.call("PATCH", "/v1/me/phone_numbers/"+second, both...).want(503, "service_unavailable")
	if a := b.call("GET", "/v1/me/phone_numbers/"+second).ok(); a.at("response.reserved_for_second_factor") != false {
		t.Errorf("half of a change was made: %s", a.body)
	}
	w.faults.Inject(store.FailCommit(2)) // one commit must do
	if a := b.call("PATCH", "/v1/me/phone_numbers/"+second, both...).ok(); a.at("response.default_second_factor") != true {
		t.Errorf("reserved and made the default: %s", a.body)
	}
	b.call("POST", id+"?_method=PATCH", "default_second_factor", "false").want(422, "form_disable_default_second_factor_not_allowed")
	b.Advance(11 * time.Minute)
	b.call("POST", id+"?_method=DELETE").want(403, "session_reverification_required")
}

// TestJSONIsCalledExactlyThat: the Content-Type is exactly application/json, because @clerk/backend
// parses no other answer.
func TestJSONIsCalledExactlyThat(t *testing.T) {
	w := newWorld(t)
	for what, a := range map[string]*answer{
		"an object": w.backend("GET", "/v1/users/"+w.user(), ""), "a list": w.backend("GET", "/v1/users", ""),
		"a document": w.backend("GET", "/v1/jwks", ""), "an error": w.backend("GET", "/v1/users/nobody", ""),
	} {
		if got := a.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s is %q", what, got)
		}
	}
}

// TestSessionsInPages: Clerk's server SDK always requests pages of sessions, and reads nothing from
// a bare array.
func TestSessionsInPages(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	for range 3 {
		w.open(tx.Cookie).enter(user)
	}
	bare := w.backend("GET", "/v1/sessions?user_id="+user, "").ok()
	page := w.backend("GET", "/v1/sessions?paginated=true&limit=2&offset=1&user_id="+user, "").ok()
	for i, want := range []any{bare.text("1.id"), bare.text("2.id"), nil} {
		if got := page.at(fmt.Sprintf("data.%d.id", i)); got != want {
			t.Errorf("session %d of the page is %v, want %v", i, got, want)
		}
	}
	if got := page.at("total_count"); got != 3.0 {
		t.Errorf("%v in all, want 3", got)
	}
	past := w.backend("GET", "/v1/sessions?paginated=true&offset=9&user_id="+user, "").ok()
	if list, ok := past.at("data").([]any); !ok || len(list) != 0 {
		t.Errorf("past the end: %s", past.body)
	}
	w.backend("GET", "/v1/sessions?limit=0&user_id="+user, "").want(422, "form_param_value_invalid")
}

// TestTheEnvironmentNamesIdentifiers: Clerk's <SignIn/> makes a field of each attribute that is
// used for the first factor. It fails on an attribute that it does not know, and on none.
func TestTheEnvironmentNamesIdentifiers(t *testing.T) {
	w := newWorld(t)
	known := map[string]bool{"email_address": true, "username": true, "phone_number": true}
	for _, phones := range []string{"false", "true"} {
		w.backend("PATCH", "/v1/instance", `{"first_factor_phone_code":`+phones+`}`).ok()
		env := w.open(tx.Cookie).call("GET", "/v1/environment").ok()
		found := map[string]bool{}
		for name, a := range env.at("user_settings.attributes").(map[string]any) {
			if a.(map[string]any)["used_for_first_factor"] == true {
				found[name] = true
				if !known[name] {
					t.Errorf("%s is not something to type", name)
				}
			}
		}
		if !found["email_address"] || !found["username"] || found["phone_number"] != (phones == "true") {
			t.Errorf("identifiers %v", found)
		}
	}
}

// TestAWrongPasswordOfAKnownAccount: only where the account is not known yet may a wrong password
// look like an unknown account.
func TestAWrongPasswordOfAKnownAccount(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	verify := "/v1/client/sessions/" + b.session + "/verify"
	b.call("POST", verify, "level", "first_factor").ok()
	wrong := b.call("POST", verify+"/attempt_first_factor", "strategy", "password", "password", "not the password").want(422, "form_password_incorrect")
	if on := wrong.text("errors.0.meta.param_name"); on != "password" {
		t.Errorf("the error is about %q", on)
	}
	w.backend("POST", "/v1/users/"+b.call("GET", "/v1/me").ok().text("response.id")+"/verify_password", `{"password":"not the password"}`).want(422, "form_password_incorrect")
	name := b.call("GET", "/v1/me").ok().text("response.username")
	w.open(tx.Cookie).call("POST", "/v1/client/sign_ins", "identifier", name, "password", "not the password").want(422, "form_password_or_identifier_incorrect")
}

func TestRequestsAreLoggedInOneLine(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Cookie)
	w.log.Reset()
	a := b.call("GET", "/v1/me").want(401, "authentication_invalid")
	line := w.log.String()
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, `"operation":"me-get"`) || !strings.Contains(line, `"status":401`) ||
		!strings.Contains(line, a.text("clerk_trace_id")) {
		t.Errorf("log %s", line)
	}
}

func TestHandshake(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	a := b.call("GET", "/v1/client/handshake?redirect_url=http%3A%2F%2Flocalhost%3A3000%2Fpage%3Fa%3D1&format=nonce")
	to, err := a.Location()
	if err != nil || a.StatusCode != 307 || to.Host != "localhost:3000" || to.Query().Get("a") != "1" {
		t.Fatalf("%d %v %v", a.StatusCode, to, err)
	}
	nonce := to.Query().Get("__clerk_handshake_nonce")
	p := w.backend("GET", "/v1/clients/handshake_payload?nonce="+nonce, "").ok()
	all := string(p.body)
	for _, name := range []string{"__session=eyJ", "__session_", "__client_uat=17", "__client_uat_", "__clerk_db_jwt=dvb_", "__clerk_db_jwt_"} {
		if !strings.Contains(all, `"`+name) {
			t.Errorf("no directive %s", name)
		}
	}
	w.backend("GET", "/v1/clients/handshake_payload?nonce="+nonce, "").want(404, "resource_not_found")
	a = b.call("GET", "/v1/client/handshake?redirect_url=http%3A%2F%2Flocalhost%3A3000&format=nonce&__clerk_db_jwt=x%3B%20Domain%3Dexample.com")
	if to, err = a.Location(); err != nil {
		t.Fatal(err)
	}
	if p = w.backend("GET", "/v1/clients/handshake_payload?nonce="+to.Query().Get("__clerk_handshake_nonce"), "").ok(); strings.Contains(string(p.body), "Domain") {
		t.Error("a query parameter wrote an attribute of a cookie")
	}
	b.call("GET", "/v1/client/handshake?redirect_url=https%3A%2F%2Fevil.example&format=nonce").want(400, "origin_invalid")
	b.call("GET", "/v1/client/handshake?redirect_url=javascript%3Aalert(1)").want(422, "form_param_format_invalid")
	token := b.call("GET", "/v1/client/handshake?redirect_url=http%3A%2F%2Flocalhost%3A3000")
	to, err = token.Location()
	if err != nil || !strings.Contains(payload(t, to.Query().Get("__clerk_handshake")), "__client_uat") {
		t.Error("the token form holds no directives")
	}
}

// TestHandshakeCookies: each of the six cookies has exactly these attributes and its own lifetime,
// and is Secure when the application is on https.
func TestHandshakeCookies(t *testing.T) {
	const year = 31536000
	for origin, secure := range map[string]bool{"http://localhost:3000": false, "https://localhost:3000": true} {
		w := newWorld(t)
		in, out := w.signedIn(), w.open(tx.Cookie)
		for name, b := range map[string]*browser{"signed in": in, "signed out": out} {
			to, err := b.call("GET", "/v1/client/handshake?format=nonce&redirect_url="+url.QueryEscape(origin)).Location()
			w.Must(err)
			lines := w.backend("GET", "/v1/clients/handshake_payload?nonce="+to.Query().Get("__clerk_handshake_nonce"), "").ok().at("directives").([]any)
			seen := map[string]bool{}
			for _, line := range lines {
				c, err := http.ParseSetCookie(line.(string))
				w.Must(err)
				kind, _, _ := strings.Cut(strings.TrimPrefix(c.Name, "__"), "_")
				seen[c.Name] = true
				life := year
				if kind == "session" && name == "signed out" {
					life = 0
				}
				if life == 0 && !strings.Contains(line.(string), "; Max-Age=0") || life != 0 && c.MaxAge != life {
					t.Errorf("%s, %s: %s lives %d s, want %d", origin, name, c.Name, c.MaxAge, life)
				}
				if c.Secure != secure || c.Path != "/" || c.Domain != "" || c.HttpOnly || c.SameSite != http.SameSiteLaxMode {
					c.Value = ""
					t.Errorf("%s, %s: %s", origin, name, c)
				}
			}
			if len(lines) != 6 || len(seen) != 6 {
				t.Errorf("%s, %s: %d directives for %d cookies, want 6", origin, name, len(lines), len(seen))
			}
		}
	}
}

// TestAUserFromElsewhere: an imported user keeps the properties that another service stored.
func TestAUserFromElsewhere(t *testing.T) {
	w := newWorld(t)
	a := w.backend("POST", "/v1/users", `{"username":"old","created_at":"2020-09-13T12:26:40.123Z","banned":true,"locked":true}`).ok()
	if a.at("created_at") != 1600000000123.0 || a.at("banned") != true || a.at("locked") != true || a.at("lockout_expires_in_seconds") != 3600.0 {
		t.Errorf("%s", a.body)
	}
	if b := w.backend("POST", "/v1/users", `{"username":"new","created_at":null}`).ok(); b.at("created_at") != float64(w.Now().UnixMilli()) || b.at("locked") != false {
		t.Errorf("%s", b.body)
	}
}
