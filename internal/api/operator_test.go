package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// named posts to the Backend API with further headers.
func (w *world) named(path string, headers ...string) *answer {
	w.Helper()
	r := httptest.NewRequest(http.MethodPost, path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+secretKey)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return w.send(r)
}

// TestOperatorsAreNamed: the audit log and the event log have the operator and the reason that a
// request names. The user, who reads the same audit log, sees neither.
func TestOperatorsAreNamed(t *testing.T) {
	const name, reason = "Zoë 山田", "Ticket 4711: called from the number on file"
	w := newWorld(t)
	user := w.user()
	b := w.open(tx.Cookie)
	b.enter(user)
	headers := []string{"Countersign-Operator", url.PathEscape(name), "Countersign-Reason", url.PathEscape(reason)}
	for path, event := range map[string]string{"/lock": "user.locked", "/unlock": "user.unlocked"} {
		w.Advance(time.Second)
		w.named("/v1/users/"+user+path, headers...).ok()
		trail := w.backend("GET", "/v1/users/"+user+"/audit_events?limit=1", "").ok()
		if trail.text("data.0.type") != event || trail.text("data.0.operator") != name || trail.text("data.0.reason") != reason {
			t.Errorf("%s: %s", path, trail.body)
		}
		log := w.backend("GET", "/v1/events?limit=1", "").ok()
		if log.text("data.0.type") != event || log.text("data.0.operator") != name || log.text("data.0.reason") != reason {
			t.Errorf("%s: %s", path, log.body)
		}
	}
	own := b.call("GET", "/v1/me/audit_events").ok()
	if strings.Contains(string(own.body), "operator") || strings.Contains(string(own.body), "4711") {
		t.Errorf("the user is shown %s", own.body)
	}
	w.backend("POST", "/v1/users/"+user+"/lock", "").ok()
	if trail := w.backend("GET", "/v1/users/"+user+"/audit_events?limit=1", "").ok(); trail.at("data.0.operator") != nil || trail.at("data.0.reason") != nil {
		t.Errorf("a request without headers: %s", trail.body)
	}
}

// TestWrongOperators: a header that is no short line of text is refused, and nothing changes.
func TestWrongOperators(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	for what, header := range map[string][]string{
		"an escape cut short": {"Countersign-Operator", "Jane%2"}, "not UTF-8": {"Countersign-Operator", "%ff"}, "two lines": {"Countersign-Reason", "one%0Atwo"},
		"a line separator": {"Countersign-Reason", "one%E2%80%A8two"}, "an override of the writing direction": {"Countersign-Operator", "%E2%80%AEenaJ"}, "a name that is not seen": {"Countersign-Operator", "%E2%80%8B"},
		"a long name": {"Countersign-Operator", strings.Repeat("%C3%AB", 41)}, "a long reason": {"Countersign-Reason", strings.Repeat("a", 141)},
	} {
		w.named("/v1/users/"+user+"/lock", header...).want(422, "form_param_format_invalid")
		if shown := w.backend("GET", "/v1/users/"+user, "").ok(); shown.at("locked") != false {
			t.Errorf("%s: the user is locked", what)
		}
	}
	w.named("/v1/users/"+user+"/lock", "Countersign-Operator", strings.Repeat("%C3%AB", 40), "Countersign-Reason", strings.Repeat("a", 138)+"%E2%9D%A4%EF%B8%8F").ok()
}

// TestSettingsSayFromAndTo: an audit entry of the settings has the values before and after, as the
// instance shows them. Long values and those with secrets are left out.
func TestSettingsSayFromAndTo(t *testing.T) {
	for change, want := range map[string]string{
		`{"test_mode":true}`:                                     `[{"setting":"test_mode","from":false,"to":true}]`,
		`{"notify_by_text":false}`:                               `[{"setting":"notify_by_text","from":true,"to":false}]`,
		`{"sms_daily_cap_usd":7.5}`:                              `[{"setting":"sms_daily_cap_usd","from":20,"to":7.5}]`,
		`{"sms_unverified_hourly":60}`:                           `[{"setting":"sms_unverified_hourly","from":50,"to":60}]`,
		`{"sms_countries":["US","CA","FR"]}`:                     `[{"setting":"sms_countries","from":["US","CA"],"to":["US","CA","FR"]}]`,
		`{"sms_prices":{"DE":0.5}}`:                              `[{"setting":"sms_prices","from":{},"to":{"DE":0.5}}]`,
		`{"allowed_origins":["https://a.example"]}`:              `[{"setting":"allowed_origins","from":[],"to":["https://a.example"]}]`,
		`{"appearance":{"name":"Harbour"}}`:                      `[{"setting":"appearance","from":null,"to":null}]`,
		`{"reauth_url":"https://a.example/` + long(200) + `"}`:   `[{"setting":"reauth_url","from":null,"to":null}]`,
		`{"reauth_url":"https://a.example/","delete_self":true}`: `[{"setting":"reauth_url","from":"","to":"https://a.example/"},{"setting":"delete_self","from":false,"to":true}]`,
	} {
		w := newWorld(t)
		w.backend("PATCH", "/v1/instance", change).ok()
		answer := w.backend("GET", "/v1/instance/audit_events?limit=1", "").ok()
		got, err := json.Marshal(answer.at("data.0.changes"))
		w.Must(err)
		var g, x any
		w.Must(json.Unmarshal(got, &g))
		w.Must(json.Unmarshal([]byte(want), &x))
		if diff := cmp.Diff(x, g); diff != "" {
			t.Errorf("%s: %s", change, diff)
		}
	}
}

func long(n int) string { return strings.Repeat("a", n) }
