package api_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestNamesOfFactors: a person's names for the app and a number are in the user's resource of both
// APIs and in the data export, with the last use.
func TestNamesOfFactors(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	code := b.enrolApp()
	id := b.call("GET", "/v1/me").ok().text("response.id")
	number := b.call("POST", "/v1/me/phone_numbers", "phone_number", "+12125550123").ok().text("response.id")
	if a := b.call("PATCH", "/v1/me/totp", "name", "Work phone").ok(); a.text("response.name") != "Work phone" || a.text("client.sessions.0.user.factor_details.0.name") != "Work phone" {
		t.Errorf("%s", a.body)
	}
	b.call("PATCH", "/v1/me/phone_numbers/"+number, "name", "Home").ok()
	w.Advance(time.Minute)
	w.backend("POST", "/v1/users/"+id+"/verify_totp", `{"code":"`+code()+`"}`).ok()
	used := float64(w.Now().UnixMilli())
	for what, of := range map[string]func(path string) any{
		"GET /v1/me":         func(path string) any { return b.call("GET", "/v1/me").ok().at("response." + path) },
		"GET /v1/users/{id}": func(path string) any { return w.backend("GET", "/v1/users/"+id, "").ok().at(path) },
	} {
		for path, want := range map[string]any{
			"factor_details.0.strategy": "totp", "factor_details.0.name": "Work phone", "factor_details.0.last_used_at": used,
			"factor_details.1.id": number, "factor_details.1.name": "Home", "factor_details.1.last_used_at": nil, "backup_codes.left": 10.0,
		} {
			if got := of(path); got != want {
				t.Errorf("%s: %s is %v, want %v", what, path, got, want)
			}
		}
	}
	held := w.backend("GET", "/v1/users/"+id+"/export", "").ok()
	if held.text("authenticator_app.name") != "Work phone" || held.at("authenticator_app.last_used_at") != used || held.text("numbers.0.name") != "Home" || held.at("backup_codes.unused") != 10.0 {
		t.Errorf("the export has %s", held.body)
	}
	b.call("PATCH", "/v1/me/totp", "name", "").ok()
	if name := b.call("GET", "/v1/me").ok().at("response.factor_details.0.name"); name != nil {
		t.Errorf("the app is still called %v", name)
	}
	b.call("PATCH", "/v1/me/totp").want(422, "form_param_missing")
	b.call("PATCH", "/v1/me/totp", "name", "a\u202eb").want(422, "form_param_format_invalid")
	b.call("PATCH", "/v1/me/phone_numbers/"+number, "name", "x", "default_second_factor", "true").want(422, "form_param_value_invalid")
	b.call("PATCH", "/v1/me/phone_numbers/idn_x", "name", "x").want(404, "resource_not_found")
	w.open(tx.Cookie).call("PATCH", "/v1/me/totp", "name", "x").want(401, "authentication_invalid")
}
