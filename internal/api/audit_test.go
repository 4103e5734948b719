package api_test

import (
	"fmt"
	"testing"

	"github.com/countersign-mfa/countersign/internal/mfa"
)

// TestAuditEvents: what was done to a user, newest first, in parts, with what became of the chain.
func TestAuditEvents(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	w.backend("POST", "/v1/users/"+user+"/lock", "").ok()
	w.backend("POST", "/v1/users/"+user+"/unlock", "").ok()
	at := "/v1/users/" + user + "/audit_events"
	for query, want := range map[string][]any{
		"":                  {"user.unlocked", "user.locked", "user.created", nil},
		"?limit=1":          {"user.unlocked", nil},
		"?limit=1&offset=1": {"user.locked", nil},
		"?offset=9":         {nil},
	} {
		answer := w.backend("GET", at+query, "").ok()
		for i, name := range want {
			if got := answer.at(fmt.Sprintf("data.%d.type", i)); got != name {
				t.Errorf("%q: entry %d is %v, want %v", query, i, got, name)
			}
		}
		if answer.at("total_count") != 3.0 || answer.at("chain.verified") != true || answer.at("chain.from") != 1.0 || answer.at("chain.broken_at") != nil {
			t.Errorf("%q: %s", query, answer.body)
		}
	}
	if first := w.backend("GET", at, "").ok(); first.text("data.0.actor") != "backend" || len(first.text("data.0.hash")) != 64 || first.at("data.0.count") != 1.0 {
		t.Errorf("%s", first.body)
	}
	w.backend("GET", at+"?limit=0", "").want(422, "form_param_value_invalid")
	w.backend("GET", "/v1/users/user_nobody/audit_events", "").want(404, "resource_not_found")
}

// TestOwnAuditEvents: a user is shown its own acts, with the session that it began.
func TestOwnAuditEvents(t *testing.T) {
	w := newWorld(t)
	b := w.open(mfa.Cookie)
	b.enter(w.user())
	answer := b.call("GET", "/v1/me/audit_events").ok()
	if answer.text("0.type") != "session.created" || answer.text("0.subject_id") == "" || answer.text("0.actor") != "user" {
		t.Errorf("%s", answer.body)
	}
	w.open(mfa.Cookie).call("GET", "/v1/me/audit_events").want(401, "authentication_invalid")
}

// TestSettingsAuditEvents: a change of the settings says which.
func TestSettingsAuditEvents(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_code":false}`).ok()
	answer := w.backend("GET", "/v1/instance/audit_events", "").ok()
	if answer.text("data.0.type") != "settings.changed" || answer.text("data.0.settings.0") != "sms_code" || answer.at("chain.verified") != true {
		t.Errorf("%s", answer.body)
	}
}

// TestSettingsAreNamedAsTheyAreSet: a setting that is stored has the name by which it is changed.
func TestSettingsAreNamedAsTheyAreSet(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"allowed_origins":["https://app.example.com"],"test_mode":true,"sms_code":false,"authenticator_app":false,"backup_codes":false,
		"mfa_required":true,"sms_countries":["DE"],"enumeration_protection":false,"first_factor_phone_code":true,"appearance":{"name":"Harbour"}}`).ok()
	names := w.backend("GET", "/v1/instance/audit_events?limit=1", "").ok().at("data.0.settings")
	shown := w.backend("GET", "/v1/instance", "").ok()
	for _, name := range names.([]any) {
		if name == "" || shown.at(name.(string)) == nil {
			t.Errorf("%q is no field of the instance", name)
		}
	}
	if len(names.([]any)) != 10 {
		t.Errorf("changed %v", names)
	}
}
