package api_test

import (
	"strings"
	"testing"
)

// TestUserExport: the export of a user is complete in one answer, and holds nothing that
// authenticates.
func TestUserExport(t *testing.T) {
	w := newWorld(t)
	const seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
	user := w.backend("POST", "/v1/users", `{"username":"maxine","first_name":"Maxine","email_address":["maxine@example.com"],"phone_number":["+12125550123"],
		"password":"correct horse battery","private_metadata":{"note":"likes roses"},"totp_secret":"`+seed+`","backup_codes":["abcde-fghjk","zyxwv-tsrqp"]}`).ok().text("id")
	w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":"abcde-fghjk"}`).ok()
	w.backend("POST", "/v1/users/"+user+"/verify_totp", `{"code":"aaaaa-aaaaa"}`).want(422, "form_code_incorrect")
	w.backend("POST", "/v1/users/"+user+"/verify_password", `{"password":"wrong"}`).want(422, "form_password_incorrect")
	a := w.backend("GET", "/v1/users/"+user+"/export", "").ok()
	for path, want := range map[string]any{
		"object": "user_export", "user.id": user, "user.private_metadata.note": "likes roses", "user.email_addresses.0.email_address": "maxine@example.com",
		"user.phone_numbers.0.phone_number": "+12125550123", "numbers.0.phone_number": "+12125550123", "numbers.0.country": "US", "numbers.0.line": "fixed or mobile",
		"backup_codes.unused": 1.0, "backup_codes.used": 1.0, "first_factor.failures": 1.0, "second_factor.failures": 1.0, "authenticator_app.failures": 0.0,
		"audit_events.0.type": "password.wrong", "audit_chain.verified": true,
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	for _, secret := range []string{seed, "argon2", "abcde", "zyxwv", "digest"} {
		if strings.Contains(string(a.body), secret) {
			t.Errorf("the answer shows %q", secret)
		}
	}
	b := w.signedIn()
	me := b.call("GET", "/v1/me").ok().text("response.id")
	a = w.backend("GET", "/v1/users/"+me+"/export", "").ok()
	if a.text("sessions.0.id") != b.session || a.at("authenticator_app") != nil || a.at("backup_codes") != nil {
		t.Errorf("of a user without factors: %s", a.body)
	}
	w.backend("GET", "/v1/users/user_nobody/export", "").want(404, "resource_not_found")
}
