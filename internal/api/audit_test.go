package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
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
	b := w.open(tx.Cookie)
	b.enter(w.user())
	answer := b.call("GET", "/v1/me/audit_events").ok()
	if answer.text("0.type") != "session.created" || answer.text("0.subject_id") == "" || answer.text("0.actor") != "user" {
		t.Errorf("%s", answer.body)
	}
	w.open(tx.Cookie).call("GET", "/v1/me/audit_events").want(401, "authentication_invalid")
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

// TestEveryStoredSettingHasItsNameOnTheWire: a change of any setting that is stored is told of by the name of the field that changes it, and no two settings
// share one.
func TestEveryStoredSettingHasItsNameOnTheWire(t *testing.T) {
	w := newWorld(t)
	shown := w.backend("GET", "/v1/instance", "").ok()
	names := map[string]string{}
	settings := reflect.TypeFor[account.Settings]()
	for i := range settings.NumField() {
		stored, _, _ := strings.Cut(settings.Field(i).Tag.Get("json"), ",")
		if stored == "" || stored == "u" || stored == "at" { // what is not stored, the time of the last change, and the trail
			continue
		}
		name := api.SettingName(stored)
		if other, taken := names[name]; taken || name == "" {
			t.Errorf("the setting %q is called %q, and so is %q", stored, name, other)
		}
		names[name] = stored
		var body map[string]json.RawMessage
		w.must(json.Unmarshal(shown.body, &body))
		if _, ok := body[name]; !ok && name != "webhook_endpoints" { // which are resources of their own
			t.Errorf("%q is no field of the instance", name)
		}
	}
	if len(names) < 18 {
		t.Errorf("only %d settings were found", len(names))
	}
}

// TestStrictGuessingIsToldByName: in the trail and in the event log, which webhooks are made from.
func TestStrictGuessingIsToldByName(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"strict_guessing":true}`).ok()
	for path, at := range map[string]string{"/v1/instance/audit_events": "data.0.settings.0", "/v1/events": "data.0.settings.0"} {
		if a := w.backend("GET", path, "").ok(); a.at(at) != "strict_guessing" {
			t.Errorf("%s: %s", path, a.body)
		}
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
