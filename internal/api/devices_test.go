package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestAListOfDevicesNamesTheBrowser: a session shows its user, and the export, the browser that it
// began in.
func TestAListOfDevicesNamesTheBrowser(t *testing.T) {
	for agent, want := range map[string]struct {
		browser string
		mobile  bool
	}{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": {"Safari", true},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":           {"Edge", false},
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36":                         {"Chrome", true},
		"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0":                                                                  {"Firefox", false},
		strings.Repeat("é", 5000): {"", false}, "": {"", false},
	} {
		w := newWorld(t)
		w.device(agent, want.browser, want.mobile)
	}
}

func (w *world) device(agent, browser string, mobile bool) {
	w.Helper()
	user := w.user()
	form := url.Values{"strategy": {"ticket"}, "ticket": {w.ticket(user)}}
	r := httptest.NewRequest("POST", "/v1/client/sign_ins", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", agent)
	a := w.send(r).ok()
	b := w.open(tx.Cookie)
	b.session = a.text("response.created_session_id")
	for _, c := range a.Cookies() {
		if c.Name == "__client" {
			b.token = c.Value
		}
	}
	shown := b.call(http.MethodGet, "/v1/me/sessions").ok()
	if shown.at("0.latest_activity.is_mobile") != mobile || shown.at("0.latest_activity.browser_name") != browser {
		w.Errorf("%.80q is shown as %v, mobile %v", agent, shown.at("0.latest_activity.browser_name"), shown.at("0.latest_activity.is_mobile"))
	}
	if kept, _ := w.backend("GET", "/v1/users/"+user+"/export", "").ok().at("sessions.0.user_agent").(string); !strings.HasPrefix(agent, kept) || kept == "" && agent != "" {
		w.Errorf("%.80q: the export has %q", agent, kept)
	}
}

// TestTheCallersAddressCounts: limits per address count the address that the server names. The
// sixth sign-in in ten seconds waits, with any cookie, and one from another address does not.
func TestTheCallersAddressCounts(t *testing.T) {
	from := netip.MustParseAddr("203.0.113.9")
	w := newWorld(t, func(c *api.Config) { c.Address = func(*http.Request) netip.Addr { return from } })
	begin := func() *answer {
		return w.open(tx.Cookie).call("POST", "/v1/client/sign_ins", "identifier", "nobody@example.com")
	}
	for range 5 {
		begin().ok()
	}
	if a := begin().want(429, "too_many_requests"); a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	from = netip.MustParseAddr("198.51.100.9")
	begin().ok()
}
