package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// anAndroidApp is an entry of the setting passkey_android_apps.
const anAndroidApp = "com.example.app/14:6D:E9:83:C5:73:06:50:D8:EE:B9:95:2F:34:FC:64:16:A0:83:42:E6:1D:BE:A8:8A:04:96:B2:3F:CF:44:E5"

const passkeysOn = `{"passkeys":true,"passkey_second_factor":true,"passkey_satisfies_second_factor":true,
	"passkey_apple_apps":["ABCDE12345.com.example.app"],"passkey_android_apps":["` + anAndroidApp + `"]}`

// version is a version of Clerk's protocol whose clients know a passkey as a second factor.
const version = "?__clerk_api_version=2026-08-20"

// enrolPasskey makes a passkey in a device and returns its id.
func (b *browser) enrolPasskey(device *authenticator.Authenticator) string {
	b.Helper()
	a := b.call("POST", "/v1/me/passkeys").ok()
	id := a.text("response.id")
	answer, err := device.Create(a.text("response.verification.nonce"))
	b.Must(err)
	b.call("POST", "/v1/me/passkeys/"+id+"/attempt_verification", "strategy", "passkey", "public_key_credential", answer).ok()
	return id
}

// passkey asks for a passkey and gives the device's answer.
func (b *browser) passkey(device *authenticator.Authenticator, path, factor string) *answer {
	b.Helper()
	a := b.call("POST", path+"/prepare_"+factor+version, "strategy", "passkey").ok()
	return b.answerPasskey(device, a, path, factor)
}

func (b *browser) answerPasskey(device *authenticator.Authenticator, asked *answer, path, factor string) *answer {
	b.Helper()
	answer, err := device.Get(asked.text("response." + factor + "_verification.nonce"))
	b.Must(err)
	return b.call("POST", path+"/attempt_"+factor+version, "strategy", "passkey", "public_key_credential", answer)
}

// walkPasskeys enrols two passkeys, uses and names them, and removes one.
func (b *browser) walkPasskeys(user string) {
	b.Helper()
	b.backend("PATCH", "/v1/instance", passkeysOn).ok()
	for _, path := range []string{"/.well-known/apple-app-site-association", "/.well-known/assetlinks.json"} {
		b.send(httptest.NewRequest("GET", path, nil)).ok()
	}
	device := &authenticator.Authenticator{}
	id := b.enrolPasskey(&authenticator.Authenticator{})
	b.enrolPasskey(device)
	b.call("PATCH", "/v1/me/passkeys/"+id, "name", "Blue key").ok()
	b.call("GET", "/v1/me/passkeys/"+id).ok()
	b.call("DELETE", "/v1/me/passkeys/"+id).ok()
	verify := "/v1/client/sessions/" + b.session + "/verify"
	for level, factor := range map[string]string{"second_factor": "second_factor", "multi_factor": "first_factor"} {
		b.call("POST", verify, "level", level).ok()
		b.passkey(device, verify, factor).ok()
	}
	b.call("POST", "/v1/client/sessions/"+b.session+"/end").ok()
	b.again(user, func(id string) { b.passkey(device, id, "second_factor").ok() })
	b.call("POST", "/v1/client/sessions/"+b.session+"/end").ok()
	b.session = ""
	asked := b.call("POST", "/v1/client/sign_ins"+version, "strategy", "passkey").ok()
	in := b.answerPasskey(device, asked, "/v1/client/sign_ins/"+asked.text("response.id"), "first_factor").ok()
	b.session = in.text("response.created_session_id")
}

// TestWhichClientsSeePasskeysAsSecondFactors: only clients of the protocol's version that knows
// them, and there last. A browser says it in the query, a native app in a header.
func TestWhichClientsSeePasskeysAsSecondFactors(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", passkeysOn).ok()
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	b.enrolApp()
	b.enrolPasskey(&authenticator.Authenticator{})
	b.call("DELETE", "/v1/client").ok()
	b.session = ""
	b.Advance(time.Minute)
	id := b.enter(user).text("response.id")
	for query, want := range map[string]string{"": "totp backup_code", "?__clerk_api_version=2026-05-12": "totp backup_code", version: "totp backup_code passkey", "?__clerk_api_version=2027-01-01": "totp backup_code passkey"} {
		a := b.call("GET", "/v1/client/sign_ins/"+id+query).ok()
		var got []string
		for _, f := range a.at("response.supported_second_factors").([]any) {
			got = append(got, f.(map[string]any)["strategy"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q is offered %v, want %s", query, got, want)
		}
	}
}

// TestPasskeysInTheEnvironment: the environment has what Clerk's components read, and offers no
// passkey as a second factor there: @clerk/ui 1.36 cannot draw one.
func TestPasskeysInTheEnvironment(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Cookie)
	for _, on := range []bool{false, true} {
		if on {
			w.backend("PATCH", "/v1/instance", passkeysOn).ok()
		}
		a := b.call("GET", "/v1/environment").ok()
		for path, want := range map[string]bool{
			"attributes.passkey.enabled": on, "attributes.passkey.used_for_first_factor": on, "attributes.passkey.used_for_second_factor": false,
			"passkey_settings.allow_autofill": on, "passkey_settings.show_sign_in_button": on, "passkey_settings.satisfies_second_factor": on,
		} {
			if got := a.at("user_settings." + path); got != want {
				t.Errorf("%s is %v, want %v", path, got, want)
			}
		}
	}
}

// TestPasskeySettings: wrong settings are refused with the parameter at fault, and change nothing.
func TestPasskeySettings(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", `{"allowed_origins":["https://app.example.com","http://localhost:3000"],"passkey_rp_id":"example.com"}`).ok()
	for body, param := range map[string]string{
		`{"passkey_rp_id":"https://example.com"}`:               "passkey_rp_id",
		`{"passkey_rp_id":"com"}`:                               "passkey_rp_id",
		`{"passkey_rp_id":"Example.com"}`:                       "passkey_rp_id",
		`{"passkey_rp_id":"192.0.2.1"}`:                         "passkey_rp_id",
		`{"passkey_rp_id":"ample.com"}`:                         "passkey_rp_id",
		`{"passkey_rp_id":"example.org"}`:                       "passkey_rp_id",
		`{"allowed_origins":["https://app.example.org"]}`:       "passkey_rp_id",
		`{"passkey_apple_apps":["com.example.app"]}`:            "passkey_apple_apps",
		`{"passkey_android_apps":["com.example.app"]}`:          "passkey_android_apps",
		`{"passkey_android_apps":["com.example.app/14:6D:E9"]}`: "passkey_android_apps",
	} {
		a := w.backend("PATCH", "/v1/instance", body)
		if a.StatusCode != 422 || a.text("errors.0.meta.param_name") != param {
			t.Errorf("%s: %d %s", body, a.StatusCode, a.body)
		}
	}
	shown := w.backend("GET", "/v1/instance", "").ok()
	if shown.at("passkey_rp_id") != "example.com" || len(shown.at("allowed_origins").([]any)) != 2 {
		t.Errorf("%s", shown.body)
	}
	w.backend("PATCH", "/v1/instance", `{"passkey_rp_id":"","passkey_android_apps":["`+anAndroidApp+`"]}`).ok()
}

// TestNativeAppFiles: the files that iOS and Android read have the apps of the settings, and are
// not there without any.
func TestNativeAppFiles(t *testing.T) {
	w := newWorld(t)
	get := func(path string) *answer { return w.send(httptest.NewRequest("GET", path, nil)) }
	get("/.well-known/apple-app-site-association").want(404, "resource_not_found")
	get("/.well-known/assetlinks.json").want(404, "resource_not_found")
	w.backend("PATCH", "/v1/instance", passkeysOn).ok()
	if got := get("/.well-known/apple-app-site-association").ok(); string(got.body) != `{"webcredentials":{"apps":["ABCDE12345.com.example.app"]}}` {
		t.Errorf("%q", got.body)
	}
	got := get("/.well-known/assetlinks.json").ok()
	if got.text("0.target.package_name") != "com.example.app" || !strings.HasSuffix(anAndroidApp, got.text("0.target.sha256_cert_fingerprints.0")) || got.text("0.relation.1") != "delegate_permission/common.get_login_creds" {
		t.Errorf("%s", got.body)
	}
}

// TestAndroidAppsUsePasskeys: an Android app of the settings enrols and signs in; another app's
// answers are refused.
func TestAndroidAppsUsePasskeys(t *testing.T) {
	const origin = "android:apk-key-hash:FG3pg8VzBlDY7rmVLzT8ZBagg0LmHb6oigSWsj_PROU"
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", passkeysOn).ok()
	b := w.open(tx.Native)
	b.enter(w.user())
	device := &authenticator.Authenticator{Origin: origin}
	b.enrolPasskey(device)
	b.call("DELETE", "/v1/client").ok()
	b.session = ""
	for _, from := range []string{"android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", origin} {
		device.Origin = from
		asked := b.call("POST", "/v1/client/sign_ins", "strategy", "passkey").ok()
		a := b.answerPasskey(device, asked, "/v1/client/sign_ins/"+asked.text("response.id"), "first_factor")
		if from == origin {
			a.ok()
		} else {
			a.want(400, "passkey_authentication_failure")
		}
	}
}

// TestTheExportHasPasskeys: what is held about a user includes the passkeys, without their keys.
func TestTheExportHasPasskeys(t *testing.T) {
	w := newWorld(t)
	w.backend("PATCH", "/v1/instance", passkeysOn).ok()
	b := w.signedIn()
	user := b.call("GET", "/v1/me").ok().text("response.id")
	id := b.enrolPasskey(&authenticator.Authenticator{})
	held := w.backend("GET", "/v1/users/"+user+"/export", "").ok()
	if held.text("passkeys.0.id") != id || held.text("passkeys.0.rp_id") != "localhost" || held.at("passkeys.0.blocked_at") != nil || held.at("passkeys.0.public_key") != nil {
		t.Errorf("%s", held.body)
	}
	if shown := w.backend("GET", "/v1/users/"+user, "").ok(); shown.text("passkeys.0.verification.status") != "verified" || shown.at("two_factor_enabled") != false {
		t.Errorf("%s", shown.body)
	}
}
