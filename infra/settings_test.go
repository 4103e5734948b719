package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestWrongSettings: each wrong value stops the synth with a sentence that names the setting.
func TestWrongSettings(t *testing.T) {
	text, err := os.ReadFile("settings.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ old, new, says string }{
		"a name with a space":     {"name: countersign", "name: counter sign", "name: \"counter sign\" is not a stack name"},
		"a long app name":         {"app_name: Example", "app_name: An application with a very long name", "app_name"},
		"an app name with umlaut": {"app_name: Example", "app_name: Bürger", "app_name"},
		"an origin with a path":   {"https://app.example.com", "https://app.example.com/login", "is not an origin"},
		"an origin with a slash":  {"https://app.example.com", "https://app.example.com/", "is not an origin"},
		"no origins":              {"origins:\n  - https://app.example.com", "origins: []", "origins: there are 0"},
		"a host with a scheme":    {"sms_host: app", "sms_host: https://app", "sms_host"},
		"small country letters":   {"[US, CA]", "[us]", "countries: \"us\": A country is two capital letters"},
		"a country that is none":  {"[US, CA]", "[UK]", "The United Kingdom is GB"},
		"no countries":            {"[US, CA]", "[]", "countries: there are none"},
		"a price of nothing":      {"max_price: 0.10", "max_price: 0", "sms.max_price"},
		"a long sender":           {"# sender_id: EXAMPLE", "sender_id: EXAMPLE COMPANY", "sms.sender_id"},
		"a number without plus":   {"# number: \"+12065550100\"", "number: \"12065550100\"", "sms.number"},
		"less than none at once":  {"concurrency: 0", "concurrency: -1", "sms.concurrency"},
		"too many at once":        {"concurrency: 0", "concurrency: 101", "sms.concurrency"},
		"a long name":             {"name: countersign", "name: countersign-production", "has 22 characters and may have"},
		"days between":            {"log_days: 30", "log_days: 31", "log_days: 31 is not one of"},
		"a restore time in words": {"# restored_at: 2026-01-02T03:04:05Z", "restored_at: yesterday", "restored_at: \"yesterday\" is not a time"},
		"no mail":                 {"# alarm_mail: ops@example.com", "alarm_mail: ops", "alarm_mail"},
		"a certificate by name":   {"# domain:\n#   name: clerk.example.com\n#   certificate: arn", "domain:\n  name: clerk.example.com\n  certificate: x # arn", "domain.certificate"},
		"a colour in words":       {"#   accent: \"#1f5fbf\"", "  accent: blue", "appearance: "},
		"a setting unknown":       {"log_days: 30", "log_day: 30", ": there is no setting log_day; infra/settings.yaml has them all"},
		"no throttle":             {"rate: 500", "rate: 0", "throttle.rate"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(string(text), c.old, c.new, 1)
			if changed == string(text) {
				t.Fatalf("settings.yaml has no %q", c.old)
			}
			file := filepath.Join(t.TempDir(), "settings.yaml")
			if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSettings(file); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, want a sentence with %q", err, c.says)
			}
		})
	}
}
