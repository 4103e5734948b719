package attack

import (
	"net/http"
	"strings"
)

// answerProbes are about the content of answers. The last one checks all earlier answers.
func answerProbes() []Probe {
	return []Probe{
		{"G19", "reading what caches may keep, taking an answer for a page", "answers are no-store, apart from public keys; types are not guessed; nothing runs in them", "14.3.2, 3.4.1, 3.4.3, 3.4.4", "5.1", "", 0, caches},
		{"G23", "the cookie", "HttpOnly, SameSite, without Domain, Secure over https", "3.3.1, 3.3.2, 3.3.4", "5.1.1", "", 0, cookie},
		{"I08", "looking for the inside in all answers of this run", "no server error, no stack, no names of parts", "16.5.1, 16.5.3", "", "", 0, insides},
	}
}

func caches(t *trial) {
	p := t.person(withApp)
	b := p.signedIn()
	for _, a := range []ask{
		b.ask(http.MethodGet, "/v1/me"), b.ask(http.MethodGet, "/v1/client"), b.ask(http.MethodPost, "/v1/client/sessions/"+b.session+"/tokens"), b.ask(http.MethodGet, "/v1/nothing"),
		t.backend(http.MethodGet, "/v1/users/"+p.id, nil), {path: "/v1/users/count"}, {path: "/v1/environment"}, {path: "/v1/client/handshake?redirect_url=" + t.URL},
	} {
		r := t.do(a)
		if !strings.Contains(r.header.Get("Cache-Control"), "no-store") {
			t.failf("%v: Cache-Control is %q", r, r.header.Get("Cache-Control"))
		}
		if r.header.Get("X-Content-Type-Options") != "nosniff" {
			t.failf("%v: without X-Content-Type-Options: nosniff", r)
		}
		if !strings.Contains(r.header.Get("Content-Security-Policy"), "default-src 'none'") || !strings.Contains(r.header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.failf("%v: its policy would let it be a page: %q", r, r.header.Get("Content-Security-Policy"))
		}
		if strings.HasPrefix(t.URL, "https:") && r.header.Get("Strict-Transport-Security") == "" {
			t.failf("%v: without Strict-Transport-Security", r)
		}
		if server := r.header.Get("X-Powered-By"); server != "" {
			t.failf("%v: it says %s", r, server)
		}
	}
}

func cookie(t *trial) {
	r := t.ok(redeem(t.person().ticket()))
	set := r.header.Get("Set-Cookie")
	for _, word := range []string{"__client=", "HttpOnly", "SameSite", "Path=/"} {
		if !strings.Contains(set, word) {
			t.failf("the cookie has no %s", word)
		}
	}
	if strings.Contains(set, "Domain") || strings.HasPrefix(t.URL, "https:") && !strings.Contains(set, "Secure") {
		t.failf("the cookie has a Domain, or is not Secure")
	}
}

func insides(t *trial) {
	if len(t.told) > 0 {
		t.failf("%d answers, the first: %s", len(t.told), t.told[0])
	}
}
