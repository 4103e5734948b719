package api_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestRememberedDevices: a sign-in with remember_device is the last one on the browser that asks
// for a second factor. Each list and the export show the browser.
func TestRememberedDevices(t *testing.T) {
	w := newWorld(t)
	for _, days := range []string{"-1", "91", "1.5", `"many"`} {
		if a := w.backend("PATCH", "/v1/instance", `{"remember_device_days":`+days+`}`); a.StatusCode != http.StatusUnprocessableEntity && a.StatusCode != http.StatusBadRequest {
			t.Errorf("%s days: status %d", days, a.StatusCode)
		}
	}
	w.backend("PATCH", "/v1/instance", `{"remember_device_days":90}`).ok()
	w.backend("PATCH", "/v1/instance", `{"remember_device_days":30,"mfa_required":true}`).ok()
	if got := w.backend("GET", "/v1/instance", "").ok().number("remember_device_days"); got != 30 {
		t.Errorf("the instance says %v days", got)
	}
	b := w.open(tx.Cookie)
	if got := b.call("GET", "/v1/environment").ok().number("remember_device_days"); got != 30 {
		t.Errorf("the environment says %v days", got)
	}
	user := w.backend("POST", "/v1/users", `{"username":"rita","password":"correct horse"}`).ok().text("id")
	b.enter(user)
	app := b.enrolApp()
	b.call("DELETE", "/v1/client/sessions").ok()
	b.again(user, func(id string) {
		b.Advance(time.Minute)
		if a := b.call("POST", id+"/attempt_second_factor", "strategy", "totp", "code", app(), "remember_device", "maybe"); a.StatusCode != http.StatusUnprocessableEntity {
			t.Errorf("a malformed choice: status %d", a.StatusCode)
		}
		b.call("POST", id+"/attempt_second_factor", "strategy", "totp", "code", app(), "remember_device", "true").ok()
	})
	b.call("DELETE", "/v1/client/sessions").ok()
	b.Advance(24 * time.Hour)
	a := b.call("POST", "/v1/client/sign_ins", "identifier", "rita", "password", "correct horse").ok()
	if got := a.text("response.status"); got != "complete" {
		t.Fatalf("status %s on the remembered browser", got)
	}
	b.session = a.text("response.created_session_id")
	session := b.call("POST", "/v1/client/sessions/"+b.session+"/touch").ok()
	if status, age := session.text("response.status"), session.number("response.factor_verification_age.1"); status != "active" || age != 52560000 {
		t.Errorf("the session is %s, its second factor is %v minutes old", status, age)
	}
	if a := b.call("DELETE", "/v1/me/totp"); a.StatusCode != http.StatusForbidden || a.text("errors.0.code") != "session_reverification_required" {
		t.Errorf("removal of the app: status %d", a.StatusCode)
	}
	own := b.call("GET", "/v1/me/remembered_devices").ok()
	list := "/v1/users/" + user + "/remembered_devices"
	theirs := w.backend("GET", list, "").ok()
	export := w.backend("GET", "/v1/users/"+user+"/export", "").ok()
	device := own.text("0.id")
	if device == "" || theirs.text("data.0.id") != device || theirs.number("total_count") != 1 || export.text("remembered_devices.0.id") != device {
		t.Errorf("the lists differ: %s, %s", own.body, theirs.body)
	}
	if life := own.number("0.expire_at") - own.number("0.created_at"); life != 30*24*3600*1000 {
		t.Errorf("remembered for %v ms", life)
	}
	if got := b.call("DELETE", "/v1/me/remembered_devices/"+device).ok().text("response.object"); got != "remembered_device" {
		t.Errorf("the answer is a %s", got)
	}
	if a := w.backend("DELETE", list+"/"+device, ""); a.StatusCode != http.StatusNotFound {
		t.Errorf("forgotten twice: status %d", a.StatusCode)
	}
	b.call("DELETE", "/v1/client/sessions").ok()
	a = b.call("POST", "/v1/client/sign_ins", "identifier", "rita", "password", "correct horse").ok()
	if got := a.text("response.status"); got != "needs_second_factor" {
		t.Errorf("status %s on the forgotten browser", got)
	}
}

// number returns a number of the answer.
func (a *answer) number(path string) float64 {
	n, _ := a.at(path).(float64)
	return n
}
