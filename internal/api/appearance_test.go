package api_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestAppearance: Clerk's components, the pages and messages to people have the appearance of the
// settings.
func TestAppearance(t *testing.T) {
	w := newWorld(t)
	b := w.signedIn()
	env := func() *answer { return w.open(tx.Cookie).call("GET", "/v1/environment").ok() }
	before := env()
	if before.at("appearance") != nil {
		t.Errorf("an appearance that nobody asked for: %s", before.body)
	}
	w.backend("PATCH", "/v1/instance", `{"appearance":{"name":"Harbour","logo":"/logo.svg","accent":"#0f766e","support":"mailto:help@example.com?subject=Help","texts":{"en":{"signin.text":"Hi."}}}}`).ok()
	now := env()
	for path, want := range map[string]any{
		"display_config.application_name": "Harbour", "display_config.support_email": "help@example.com", "display_config.help_url": nil,
		"display_config.theme.general.color": "#0f766e", "appearance.texts.en": map[string]any{"signin.text": "Hi."}, "appearance.logo": "/logo.svg",
	} {
		if diff := cmp.Diff(want, now.at(path)); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
	if logo := now.text("display_config.logo_image_url"); !strings.HasPrefix(logo, "http") || !strings.HasSuffix(logo, "/logo.svg") {
		t.Errorf("SDKs of other origins cannot find the logo at %q", logo)
	}
	uri, err := url.Parse(b.call("POST", "/v1/me/totp").ok().text("response.uri"))
	if err != nil || uri.Query().Get("issuer") != "Harbour" {
		t.Errorf("the authenticator app shows %s, %v", uri, err)
	}
	w.backend("PATCH", "/v1/instance", `{"appearance":{"support":"https://help.example.com/"}}`).ok()
	if now = env(); now.at("display_config.help_url") != "https://help.example.com/" || now.at("display_config.application_name") != before.at("display_config.application_name") {
		t.Errorf("a new appearance is not instead of the one before: %s", now.body)
	}
	w.backend("PATCH", "/v1/instance", `{"mfa_required":false}`).ok()
	if got := w.backend("GET", "/v1/instance", "").ok(); got.at("appearance.support") != "https://help.example.com/" {
		t.Errorf("another change took the appearance along: %s", got.body)
	}
	w.backend("PATCH", "/v1/instance", `{"appearance":{}}`).ok()
	if now = env(); now.at("appearance") != nil || now.at("display_config.help_url") != nil {
		t.Errorf("it is still there: %s", now.body)
	}
}

func TestAppearanceIsChecked(t *testing.T) {
	w := newWorld(t)
	for given, want := range map[string]string{
		`{"accent":"red"}`: "appearance.accent", `{"logo":"javascript:1"}`: "appearance.logo", `{"name":"a\nb"}`: "appearance.name", `{"support":"ftp://x"}`: "appearance.support",
		`{"texts":{"en":{"nothing":"x"}}}`: "appearance.texts.en.nothing", `{"font":"x"}`: "appearance", `{"name":7}`: "appearance",
		`{"texts":{"en":{"signin.text":"` + strings.Repeat("x", 9000) + `"}}}`: "appearance.texts",
	} {
		a := w.backend("PATCH", "/v1/instance", `{"mfa_required":true,"appearance":`+given+`}`).want(422, "form_param_format_invalid")
		if got := a.text("errors.0.meta.param_name"); got != want {
			t.Errorf("%.60s: the error is about %q, want %q", given, got, want)
		}
	}
	for _, given := range []string{`"red"`, `[]`, `7`} {
		w.backend("PATCH", "/v1/instance", `{"appearance":`+given+`}`).want(422, "form_param_type_invalid")
	}
	if w.backend("GET", "/v1/instance", "").ok().at("mfa_required") != false {
		t.Error("half of a refused change was made")
	}
}
