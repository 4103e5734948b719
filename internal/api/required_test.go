package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestTwoPeopleOneMarked: from the date of the mark on, the marked user's session has the task
// setup-mfa; the other user's never. The user's resource says by when. The list of users who are
// due has the marked user until the enrolment.
func TestTwoPeopleOneMarked(t *testing.T) {
	w := newWorld(t)
	marked, other := w.signedIn(), w.signedIn()
	id := marked.call("GET", "/v1/me").ok().text("response.id")
	date := w.Now().Add(48 * time.Hour).UnixMilli()
	answer := w.backend("PATCH", "/v1/users/"+id, fmt.Sprintf(`{"mfa_required":true,"mfa_required_from":%d}`, date)).ok()
	if answer.at("mfa_required") != true || answer.at("mfa_required_from") != float64(date) || answer.at("mfa_due_at") != float64(date) {
		t.Errorf("%s", answer.body)
	}
	wants := func(when, status string, due float64) {
		t.Helper()
		got := marked.call("GET", "/v1/client").ok()
		tasks, _ := got.at("response.sessions.0.tasks").([]any)
		if got.text("response.sessions.0.status") != status || len(tasks) > 0 != (status == "pending") || got.at("response.sessions.0.user.mfa_due_at") != float64(date) {
			t.Errorf("%s the session is %s", when, got.body)
		}
		if status == "pending" && got.text("response.sessions.0.tasks.0.key") != "setup-mfa" {
			t.Errorf("%s the task is %s", when, got.body)
		}
		free := other.call("GET", "/v1/client").ok()
		if free.text("response.sessions.0.status") != "active" || free.at("response.sessions.0.user.mfa_due_at") != nil {
			t.Errorf("%s the other session is %s", when, free.body)
		}
		if n := w.backend("GET", "/v1/users/count?mfa_due=true", "").ok().at("total_count"); n != due {
			t.Errorf("%s %v users are due, want %v", when, n, due)
		}
		if listed := w.backend("GET", "/v1/users?mfa_due=true", "").ok(); due > 0 && listed.text("0.id") != id || due == 0 && listed.at("0") != nil {
			t.Errorf("%s the list is %s", when, listed.body)
		}
	}
	wants("before the date", "active", 1)
	w.Advance(48 * time.Hour)
	wants("at the date", "pending", 1)
	marked.call("GET", "/v1/me/sessions").want(403, "authorization_invalid")
	marked = w.open(tx.Cookie)
	marked.enter(id)
	marked.enrolApp()
	wants("after the enrolment", "active", 0)
	marked.call("DELETE", "/v1/me/totp").want(400, "second_factor_deletion_not_allowed")
}

// TestAMarkIsChecked: a date in seconds, one without a mark, and other wrong values change nothing.
func TestAMarkIsChecked(t *testing.T) {
	w := newWorld(t)
	id := w.user()
	for body, param := range map[string]string{
		`{"mfa_required_from":1800000000000}`:                         "mfa_required_from",
		`{"mfa_required":false,"mfa_required_from":1800000000000}`:    "mfa_required_from",
		`{"mfa_required":true,"mfa_required_from":1800000000}`:        "mfa_required_from",
		`{"mfa_required":true,"mfa_required_from":-1}`:                "mfa_required_from",
		`{"mfa_required":true,"mfa_required_from":99999999999999}`:    "mfa_required_from",
		`{"mfa_required":true,"mfa_required_from":"tomorrow"}`:        "mfa_required_from",
		`{"mfa_required":"yes"}`:                                      "mfa_required",
		`{"first_name":"Ann","mfa_required_from":1800000000000}`:      "mfa_required_from",
		`{"mfa_required":true,"mfa_required_from":1800000000000.125}`: "mfa_required_from",
	} {
		for _, ask := range []func() *answer{
			func() *answer { return w.backend("PATCH", "/v1/users/"+id, body) },
			func() *answer {
				return w.backend("POST", "/v1/users", strings.Replace(body, "{", `{"username":"new",`, 1))
			},
		} {
			if a := ask(); a.StatusCode != 422 && a.StatusCode != 400 || a.text("errors.0.meta.param_name") != param {
				t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
			}
		}
	}
	if u := w.backend("GET", "/v1/users/"+id, "").ok(); u.at("mfa_required") != false || u.at("first_name") != nil {
		t.Errorf("the user is %s", u.body)
	}
	if n := w.backend("GET", "/v1/users/count", "").ok().at("total_count"); n != float64(1) {
		t.Errorf("there are %v users", n)
	}
	w.backend("GET", "/v1/users?mfa_due=yes", "").want(422, "form_param_type_invalid")
	for _, body := range []string{`{"mfa_required_from":1800000000}`, `{"mfa_required_from":-1}`, `{"mfa_grace_days":91}`, `{"mfa_grace_days":-1}`} {
		w.backend("PATCH", "/v1/instance", body).want(422, "form_param_value_invalid")
	}
}

// TestTheEnvironmentSaysWhenItHolds: SDKs read that a second factor is required only from the
// setting's date on.
func TestTheEnvironmentSaysWhenItHolds(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", fmt.Sprintf(`{"mfa_required":true,"mfa_required_from":%d}`, w.Now().Add(time.Hour).UnixMilli())).ok()
	b := w.open(tx.Cookie)
	for _, want := range []bool{false, true} {
		env := b.call("GET", "/v1/environment").ok()
		if env.at("user_settings.sign_in.second_factor.required") != want || env.at("user_settings.sign_up.mfa.required") != want {
			t.Errorf("required: %s", env.body)
		}
		w.Advance(time.Hour)
	}
	w.backend("PATCH", "/v1/instance", `{"mfa_required_from":0}`).ok()
	if w.backend("GET", "/v1/instance", "").ok().at("mfa_required_from") != nil {
		t.Error("the date is still there")
	}
}
