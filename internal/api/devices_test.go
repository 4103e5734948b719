package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// device is what a list of devices shows of a session.
type device struct {
	browser, version, system string
	mobile                   bool
}

// TestAListOfDevicesNamesTheDevice: a session shows its user, and the export, the browser and the
// system that it began in, in the words of Clerk's components. The version is the major one.
func TestAListOfDevicesNamesTheDevice(t *testing.T) {
	const like = "AppleWebKit/537.36 (KHTML, like Gecko) "
	for agent, want := range map[string]device{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1":        {"Safari", "18", "iPhone", true},
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/131.0.6778.73 Mobile/15E148 Safari/604.1": {"Chrome", "131", "iPhone", true},
		"Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) FxiOS/133.0 Mobile/15E148 Safari/605.1.15":               {"Firefox", "133", "iPad", true},
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 Safari/605.1.15":                          {"Safari", "17", "Macintosh", false},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + like + "Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0":                                             {"Edge", "131", "Windows", false},
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) " + like + "Chrome/130.0.0.0 Safari/537.36 OPR/115.0.0.0":                                             {"Opera", "115", "Windows", false},
		"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) " + like + "Chrome/131.0.0.0 Safari/537.36":                                                            {"Chrome", "131", "ChromeOS", false},
		"Mozilla/5.0 (Linux; Android 10; K) " + like + "Chrome/131.0.0.0 Mobile Safari/537.36":                                                           {"Chrome", "131", "Android", true},
		"Mozilla/5.0 (Linux; Android 14; SM-S901B) " + like + "SamsungBrowser/27.0 Chrome/125.0.0.0 Mobile Safari/537.36":                                {"Samsung Internet", "27", "Android", true},
		"Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0":                                                                         {"Firefox", "133", "Linux", false},
		"okhttp/4.12.0": {"Android app", "", "Android", true},
		"Example/1 CFNetwork/1568.200.51 Darwin/24.1.0": {"iOS app", "", "iOS", true},
		strings.Repeat("é", 5000):                       {"", "", "desktop", false}, "": {"", "", "desktop", false},
	} {
		w := newWorld(t)
		w.device(agent, want)
	}
}

func (w *world) device(agent string, want device) {
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
	at := func(name string) any { return shown.at("0.latest_activity." + name) }
	if at("browser_name") != want.browser || at("browser_version") != want.version || at("device_type") != want.system || at("is_mobile") != want.mobile {
		w.Errorf("%.120q is shown as %v, want %v", agent, shown.at("0.latest_activity"), want)
	}
	if kept, _ := w.backend("GET", "/v1/users/"+user+"/export", "").ok().at("sessions.0.user_agent").(string); !strings.HasPrefix(agent, kept) || kept == "" && agent != "" {
		w.Errorf("%.80q: the export has %q", agent, kept)
	}
}

// TestAListOfDevicesNamesTheNetwork: a session shows the network of its sign-in, and after a touch
// that of the touch; never a whole address.
func TestAListOfDevicesNamesTheNetwork(t *testing.T) {
	from := netip.MustParseAddr("203.0.113.9")
	w := newWorld(t, func(c *api.Config) { c.Address = func(*http.Request) netip.Addr { return from } })
	b, user := w.open(tx.Cookie), w.user()
	b.enter(user)
	network := func() any { return b.call(http.MethodGet, "/v1/me/sessions").ok().at("0.latest_activity.ip_address") }
	if got := network(); got != "203.0.113.0/24" {
		t.Errorf("the network of the sign-in is shown as %v", got)
	}
	// Clerk's components show it, in parentheses after the address.
	if got := b.call(http.MethodGet, "/v1/me/sessions").ok().at("0.latest_activity.city"); got != "location unknown" {
		t.Errorf("the city of a device is %v, of which nothing is known", got)
	}
	from = netip.MustParseAddr("2001:db8:1:2::9")
	b.Advance(2 * time.Minute)
	b.call("POST", "/v1/client/sessions/"+b.session+"/touch").ok()
	if got := network(); got != "2001:db8:1::/48" {
		t.Errorf("after a touch elsewhere it is shown as %v", got)
	}
	for _, path := range []string{"/v1/sessions/" + b.session, "/v1/sessions?user_id=" + user} {
		at := "latest_activity."
		if strings.Contains(path, "?") {
			at = "0." + at
		}
		got := w.backend("GET", path, "").ok()
		if got.at(at+"ip_address") != "2001:db8:1::/48" || got.at(at+"object") != "session_activity" || got.at(at+"device_type") == "" {
			t.Errorf("the Backend API at %s shows %s", path, got.body)
		}
	}
	if got := w.backend("GET", "/v1/users/"+user+"/export", "").ok().at("sessions.0.network"); got != "2001:db8:1::/48" {
		t.Errorf("the export has %v", got)
	}
}

// TestSigningOutEverywhereElse: one call ends all other sessions of the user, with one event. The
// caller's session lives on. Without other sessions the call changes nothing.
func TestSigningOutEverywhereElse(t *testing.T) {
	w := newWorld(t)
	user := w.user()
	var all []*browser
	for range 3 {
		b := w.open(tx.Cookie)
		b.enter(user)
		all = append(all, b)
	}
	mine := all[0]
	for range 2 {
		if a := mine.call("POST", "/v1/me/sessions/revoke_others").ok(); a.text("response.id") != mine.session || a.text("response.status") != "active" {
			t.Errorf("the answer is %s", a.body)
		}
	}
	for _, b := range all[1:] {
		b.call("GET", "/v1/me").want(401, "authentication_invalid")
	}
	mine.call("GET", "/v1/me").ok()
	trail := mine.call("GET", "/v1/me/audit_events").ok()
	if n := strings.Count(string(trail.body), `"session.others_revoked"`); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

// TestBackupCodesLeft: the user resource counts the codes of the set that are left.
func TestBackupCodesLeft(t *testing.T) {
	w := newWorld(t)
	b, user := w.open(tx.Cookie), w.user()
	b.enter(user)
	if got := b.call("GET", "/v1/me").ok().at("response.backup_codes"); got != nil {
		t.Errorf("without a set: %v", got)
	}
	b.enrolApp()
	codes := b.call("POST", "/v1/me/backup_codes").ok()
	b.call("POST", "/v1/client/sessions/"+b.session+"/remove").ok()
	b.again(user, func(id string) {
		b.call("POST", id+"/attempt_second_factor", "strategy", "backup_code", "code", codes.text("response.codes.0")).ok()
	})
	got := b.call("GET", "/v1/me").ok()
	if got.at("response.backup_codes.left") != 9.0 || got.at("response.backup_codes.used") != 1.0 || got.at("response.backup_codes.created_at") != codes.at("response.created_at") {
		t.Errorf("after one was used: %v", got.at("response.backup_codes"))
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
