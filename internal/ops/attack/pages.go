package attack

import (
	"net/http"
	"strings"
)

// pageProbes test the pages of a deployment. They have nothing to test on a deployment without
// pages.
func pageProbes() []Probe {
	return []Probe{
		{"G20", "framing the pages, script of one's own in them, their addresses in Referer", "a strict policy with a fresh nonce, no frames, no referrer, nothing from the query in the page",
			"3.4.3, 3.4.6, 3.4.5, 1.2.1", "5.1", "", 0, pages},
		{"G27", "the dashboard's operations without its cookie, and from other sites", "refused", "8.3.1, 3.5.1", "5.1", "", 0, dashboard},
		{"G29", "the dashboard's cookie after signing out", "refused", "7.4.1", "5.1", "", 0, signedOutDashboard},
	}
}

func pages(t *trial) {
	const planted = "<script>alert(1)</script>"
	nonces := map[string]bool{}
	for _, path := range []string{"/sign-in", "/tasks/setup-mfa", "/account/security", "/account/add-authenticator", "/dashboard/sign-in"} {
		for range 2 {
			r := t.do(ask{path: path + "?redirect_url=javascript:alert(1)&__clerk_ticket=" + planted + "&q=%22%3E" + planted})
			if r.status == http.StatusNotFound {
				break
			}
			policy := r.header.Get("Content-Security-Policy")
			for _, rule := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "nonce-"} {
				if !strings.Contains(policy, rule) {
					t.failf("%s: its policy lacks %s", path, rule)
				}
			}
			if strings.Contains(policy, "unsafe") || nonces[policy] {
				t.failf("%s: its policy allows what it should not, or comes twice: %s", path, policy)
			}
			nonces[policy] = true
			if got := r.header.Get("Referrer-Policy"); got != "no-referrer" {
				t.failf("%s: Referrer-Policy %q would hand a ticket on", path, got)
			}
			if body := string(r.body); strings.Contains(body, planted) || strings.Contains(body, "javascript:alert") {
				t.failf("%s: the page holds what was in its address", path)
			}
		}
	}
}

func dashboard(t *trial) {
	for what, a := range map[string]ask{
		"without a cookie": {}, "with a cookie of one's own": ask{}.with("Cookie", "__Host-countersign-dashboard=9999999999.x; countersign_dashboard=9999999999.x"),
		"from another site": ask{}.with("Origin", "https://evil.example"), "with the key in the wrong place": ask{}.with("Cookie", "secret_key="+t.SecretKey.Reveal()),
	} {
		for _, path := range []string{"/dashboard/api/v1/instance", "/dashboard/api/v1/users/count", "/dashboard/api/../v1/users/count", "/dashboard/api/v1/../v1/users"} {
			a.path = path
			if r := t.do(a); r.status < 300 || r.status >= 500 {
				t.failf("%s %s: %v", path, what, r)
			}
		}
		a.method, a.path, a.json = http.MethodPost, "/dashboard/api/session", map[string]string{"secret_key": "sk_test_wrong", "key": "sk_test_wrong"}
		t.refused("opening the dashboard "+what+" with a wrong key", a)
	}
}

func signedOutDashboard(t *trial) {
	own := func(method, path string, body any) ask {
		return ask{method: method, path: "/dashboard/api" + path, json: body}.with("Origin", t.URL)
	}
	in := t.do(own(http.MethodPost, "/session", map[string]string{"secret_key": t.SecretKey.Reveal()}))
	if in.status == http.StatusNotFound {
		return // a deployment without a dashboard
	}
	cookie, _, _ := strings.Cut(in.header.Get("Set-Cookie"), ";")
	if in.status != http.StatusNoContent || cookie == "" {
		t.failf("opening the dashboard: %v", in)
	}
	t.ok(own(http.MethodGet, "/v1/instance", nil).with("Cookie", cookie))
	t.ok(own(http.MethodDelete, "/session", map[string]string{}).with("Cookie", cookie))
	t.refused("the dashboard after signing out", own(http.MethodGet, "/v1/instance", nil).with("Cookie", cookie), "authentication_invalid")
	t.refused("a copy of its cookie in another browser", own(http.MethodPost, "/search", map[string]string{"text": "x"}).with("Cookie", cookie), "authentication_invalid")
}
