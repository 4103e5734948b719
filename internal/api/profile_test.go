package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestAUserCannotAssignWhatIsNotTheUsers: a change of the own profile refuses each field that only
// the Backend API may set, and changes nothing then.
func TestAUserCannotAssignWhatIsNotTheUsers(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	for _, path := range []string{"/v1/me", "/v1/me/metadata"} {
		for _, name := range []string{
			"public_metadata", "private_metadata", "external_id", "password", "password_digest", "banned", "locked", "email_address", "phone_number", "totp_secret", "backup_codes", "created_at",
			"skip_password_checks", "primary_web3_wallet_id", "delete_self_enabled",
		} {
			a := b.call("PATCH", path, "first_name", "Mallory", "unsafe_metadata", `{"a":1}`, name, `{"role":"admin"}`).want(422, "form_param_unknown")
			if got := a.at("errors.0.meta.param_name"); path == "/v1/me" && got != name {
				t.Errorf("%s: the parameter at fault is %v", name, got)
			}
		}
	}
	a := w.backend("GET", "/v1/users/"+user, "").ok()
	if a.at("first_name") != nil || len(a.at("public_metadata").(map[string]any))+len(a.at("unsafe_metadata").(map[string]any)) != 0 {
		t.Errorf("a refused change left %s", a.body)
	}
}

// TestOtherSitesChangeNoProfile: a page of another site cannot change or delete the user with the
// user's cookie.
func TestOtherSitesChangeNoProfile(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"delete_self":true}`).ok()
	b := w.signedIn()
	for _, call := range []string{"POST /v1/me?_method=PATCH", "POST /v1/me?_method=DELETE", "DELETE /v1/me", "PATCH /v1/me/metadata", "POST /v1/me/change_password", "POST /v1/me/remove_password"} {
		for name, header := range map[string][2]string{"an origin": {"Origin", "https://evil.example"}, "no origin": {"Sec-Fetch-Site", "cross-site"}, "an opaque origin": {"Origin", "null"}} {
			method, path, _ := strings.Cut(call, " ")
			r := httptest.NewRequest(method, path, strings.NewReader("first_name=Mallory&unsafe_metadata={}&new_password=another+horse"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(header[0], header[1])
			r.AddCookie(&http.Cookie{Name: "__client", Value: b.token})
			if a := w.send(r); a.StatusCode != 400 || a.at("errors.0.code") != "origin_invalid" {
				t.Errorf("%s with %s: %d %s", call, name, a.StatusCode, a.body)
			}
		}
	}
	b.call("GET", "/v1/me").ok()
}

// TestDeletingOneself: the setting decides, SDKs learn of it, and the client is signed out.
func TestDeletingOneself(t *testing.T) {
	w := newWorld(t)
	for _, carrier := range []tx.TokenTransport{tx.Cookie, tx.DevBrowser, tx.Native} {
		w.backend("PATCH", "/v1/instance", `{"delete_self":false}`).ok()
		b := w.open(carrier)
		user := w.user()
		b.enter(user)
		says := func(want bool) {
			t.Helper()
			if got := b.call("GET", "/v1/me").ok().at("response.delete_self_enabled"); got != want {
				t.Errorf("the user says %v", got)
			}
			if got := b.call("GET", "/v1/environment").ok().at("user_settings.actions.delete_self"); got != want {
				t.Errorf("the environment says %v", got)
			}
		}
		says(false)
		b.call("DELETE", "/v1/me").want(403, "user_delete_self_not_enabled")
		w.backend("PATCH", "/v1/instance", `{"delete_self":true}`).ok()
		says(true)
		w.Advance(11 * time.Minute)
		b.call("DELETE", "/v1/me").want(403, "session_reverification_required")
		session := "/v1/client/sessions/" + b.session
		b.call("POST", session+"/verify", "level", "first_factor").ok()
		b.call("POST", session+"/verify/attempt_first_factor", "strategy", "password", "password", "correct horse").ok()
		if a := b.call("DELETE", "/v1/me").ok(); a.text("response.id") != user || a.at("client.sessions.0") != nil {
			t.Errorf("the answer is %s", a.body)
		}
		b.call("GET", "/v1/me").want(401, "authentication_invalid")
		w.backend("GET", "/v1/users/"+user, "").want(404, "resource_not_found")
	}
}
