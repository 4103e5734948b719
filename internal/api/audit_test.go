package api_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestAuditEvents: the audit log of a user is listed newest first, in pages, with the result of the
// check of its chain.
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

// TestOwnAuditEvents: a user is shown the user's own events, with their sessions.
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

// TestSettingsAuditEvents: the audit log of the settings is a chain of its own.
func TestSettingsAuditEvents(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"sms_code":false}`).ok()
	answer := w.backend("GET", "/v1/instance/audit_events", "").ok()
	if answer.text("data.0.type") != "settings.changed" || answer.text("data.0.settings.0") != "sms_code" || answer.at("chain.verified") != true {
		t.Errorf("%s", answer.body)
	}
}

// changes has, for each setting, a value that differs from the default.
const changes = `{"allowed_origins":["https://app.example.com"],"test_mode":true,"sms_code":false,"authenticator_app":false,
	"backup_codes":false,"mfa_required":true,"mfa_required_from":1800000000000,"mfa_grace_days":7,"keep_other_sessions":true,"sms_countries":["DE"],"enumeration_protection":false,
	"first_factor_phone_code":true,"ip_limits":false,"strict_guessing":true,"notify_by_text":false,
	"reauth_url":"https://app.example.com/reauth","password_reset_url":"https://app.example.com/forgot","delete_self":true,"remember_device_days":30,"recovery_days":7,"passkeys":true,"passkey_second_factor":true,"passkey_satisfies_second_factor":true,"passkey_rp_id":"example.com","passkey_apple_apps":["ABCDE12345.com.example.app"],"passkey_android_apps":["` + anAndroidApp + `"],"session_claims":{"id":"{{user.id}}"},"appearance":{"name":"Harbour"},"sms_name":"Harbor","sms_daily_cap_usd":7.5,
	"sms_country_caps":{"DE":1},"sms_prices":{"DE":0.5},"sms_record_only":true,
	"sms_unverified_hourly":60,"sms_unverified_country_hourly":61,"sms_unverified_block_hourly":21,"sms_fixed_limits":true}`

// TestEverySettingIsListedByItsName: a PATCH of every setting changes each. The audit log and the
// event log list each by the name of its field.
func TestEverySettingIsListedByItsName(t *testing.T) {
	w := newWorld(t)
	var want map[string]any
	w.Must(json.Unmarshal([]byte(changes), &want))
	w.backend("PATCH", "/v1/instance", changes).ok()
	shown := w.backend("GET", "/v1/instance", "").ok()
	for name, value := range want {
		if got := shown.at(name); !reflect.DeepEqual(got, value) {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
	for _, path := range []string{"/v1/instance/audit_events?limit=1", "/v1/events?limit=1"} {
		listed := w.backend("GET", path, "").ok().at("data.0.settings").([]any)
		for _, name := range listed {
			if _, ok := want[name.(string)]; !ok {
				t.Errorf("%s lists %q, which no field of PATCH changed", path, name)
			}
		}
		if len(listed) != len(want) {
			t.Errorf("%s lists %d settings, want %d: %v", path, len(listed), len(want), listed)
		}
	}
}

// TestEveryStoredSettingCanBeChanged: each field of the stored record has a name on the wire, and
// [changes] sets it. Webhook endpoints are resources of their own.
func TestEveryStoredSettingCanBeChanged(t *testing.T) {
	var patch map[string]any
	if err := json.Unmarshal([]byte(changes), &patch); err != nil {
		t.Fatal(err)
	}
	for field := range reflect.TypeFor[account.Settings]().Fields() {
		name := field.Tag.Get("wire")
		if _, ok := patch[name]; !ok && name != "webhook_endpoints" && !slices.Contains([]string{"Base", "UpdatedAt", "Trail", "SMSLimitsAt", "RememberSince", "RecoverySince"}, field.Name) {
			t.Errorf("%s is %q on the wire, which the test does not change", field.Name, name)
		}
		delete(patch, name)
	}
	for name := range patch {
		t.Errorf("no stored setting is %q on the wire", name)
	}
}
