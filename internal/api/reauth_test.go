package api_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
)

// TestPagesOfTheApplication: their URLs are https, or in development http on this machine. The
// instance and the environment show them, and the audit log names them.
func TestPagesOfTheApplication(t *testing.T) {
	for _, setting := range []string{"reauth_url", "password_reset_url"} {
		for _, development := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, development %v", setting, development), func(t *testing.T) { testPageURL(t, setting, development) })
		}
	}
}

func testPageURL(t *testing.T, setting string, development bool) {
	w := newWorld(t, func(c *api.Config) { c.Development = development })
	set := func(url string) *answer { return w.backend("PATCH", "/v1/instance", `{"`+setting+`":"`+url+`"}`) }
	for _, bad := range []string{
		"http://example.com/", "ftp://example.com/", "javascript:alert(1)", "https:", "https:///path", "//example.com", "/path", "nonsense", "https://user:word@example.com/",
		"https://example.com/#ticket=x", "https://exa mple.com/", "http://localhost.example.com/", "http://10.0.0.1/", "https://example.com/" + strings.Repeat("a", 2048),
	} {
		if a := set(bad).want(422, "form_param_format_invalid"); a.at("errors.0.meta.param_name") != setting {
			t.Errorf("%s: %s", bad, a.body)
		}
	}
	for _, local := range []string{"http://localhost:3000/reauth", "http://127.0.0.1:3000/", "http://[::1]/"} {
		if a := set(local); development != (a.StatusCode == 204) {
			t.Errorf("development %v, %s: %d", development, local, a.StatusCode)
		}
	}
	const good = "https://app.example.com/reauth?from=mfa"
	set(good).ok()
	w.Advance(11 * time.Second)
	environment := func() any { return w.send(httptest.NewRequest("GET", "/v1/environment", nil)).ok().at(setting) }
	if got := w.backend("GET", "/v1/instance", "").ok().at(setting); got != good || environment() != good {
		t.Errorf("the instance says %v, the environment %v", got, environment())
	}
	if got := w.backend("GET", "/v1/instance/audit_events?limit=1", "").ok().at("data.0.settings.0"); got != setting {
		t.Errorf("the trail says %v", got)
	}
	set("").ok()
	if got := w.backend("GET", "/v1/instance", "").ok().at(setting); got != nil || environment() != nil {
		t.Errorf("after it was switched off: %v, %v", got, environment())
	}
}
