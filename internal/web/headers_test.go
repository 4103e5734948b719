package web_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// everywhere are the headers of every answer over https.
var everywhere = map[string]string{
	"X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000", "Referrer-Policy": "no-referrer",
	"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
	"Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
}

const pagePolicy = "default-src 'none'; script-src 'nonce-N'; style-src 'nonce-N'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

var nonceInPolicy = regexp.MustCompile(`'nonce-[A-Z2-7]{26}'`)

var styleSheet = regexp.MustCompile(`/assets/[^"]+\.css`)

// headers returns an answer's headers without Content-Length and Set-Cookie. A nonce becomes N, and
// repeated headers are joined.
func headers(h http.Header) map[string]string {
	out := map[string]string{}
	for name, values := range h {
		for _, v := range values {
			if name == "Set-Cookie" || name == "Content-Length" {
				continue
			}
			if out[name] != "" {
				out[name] += ", "
			}
			out[name] += nonceInPolicy.ReplaceAllString(v, "'nonce-N'")
		}
	}
	return out
}

// with returns the headers of everywhere and others. An empty value removes a header.
func with(more ...string) map[string]string {
	out := map[string]string{}
	for name, v := range everywhere {
		out[name] = v
	}
	for i := 0; i < len(more); i += 2 {
		if out[more[i]] = more[i+1]; more[i+1] == "" {
			delete(out, more[i])
		}
	}
	return out
}

// TestHeadersAreTheseAndNoOthers: each kind of answer has exactly these headers and this policy.
func TestHeadersAreTheseAndNoOthers(t *testing.T) {
	s := open(t, nil)
	cookie := s.openDashboard()
	page := with("Content-Security-Policy", pagePolicy, "Cache-Control", "no-store", "Content-Type", "text/html; charset=utf-8", "Content-Language", "en",
		"Vary", "Accept-Language, Cookie, Accept-Encoding")
	plain := with("Content-Type", "text/plain; charset=utf-8")
	asset := styleSheet.FindString(s.ask("GET", "/sign-in", "").Text)
	type ask struct {
		site         *site
		method, path string
		header       []string
		want         map[string]string
	}
	asks := map[string]ask{
		"a page that is not there": {s, "GET", "/account/nowhere", nil, page},
		"a dashboard page":         {s, "GET", "/dashboard", fromDashboard(cookie), page},
		"the way to its sign-in":   {s, "GET", "/dashboard", nil, with("Cache-Control", "no-store", "Location", "/dashboard/sign-in", "Content-Type", "text/html; charset=utf-8")},
		"an asset": {s, "GET", asset, nil, with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox", "Cache-Control", "public, max-age=31536000, immutable",
			"Content-Type", "text/css; charset=utf-8", "Vary", "Accept-Encoding")},
		"an old asset":                 {s, "GET", "/assets/0000000000000000/style.css", nil, plain},
		"a method that a page has not": {s, "POST", "/account/nowhere", nil, plain},
		"the dashboard's refusal":      {s, "GET", "/dashboard/api/v1/instance", fromDashboard(nil), with("Cache-Control", "no-store", "Content-Type", "application/json; charset=utf-8")},
		"the dashboard's API":          {s, "GET", "/dashboard/api/texts/en", fromDashboard(cookie), with("Cache-Control", "no-store", "Content-Type", "application/json; charset=utf-8")},
		"the dashboard's sign-out":     {s, "DELETE", "/dashboard/api/session", fromDashboard(s.openDashboard()), with("Cache-Control", "no-store")},
		"the choice of a language":     {s, "GET", "/sign-in?lang=de", nil, with("Cache-Control", "no-store", "Location", "/sign-in", "Content-Type", "text/html; charset=utf-8")},
		"a page over http": {open(t, func(c *web.Config) { c.PublicURL = "http://localhost:8080" }), "GET", "/sign-in", nil, func() map[string]string {
			h := with("Strict-Transport-Security", "")
			for name, v := range page {
				if name != "Strict-Transport-Security" {
					h[name] = v
				}
			}
			return h
		}()},
	}
	for _, path := range pagePaths {
		asks[path] = ask{s, "GET", path, nil, page}
	}
	for name, tc := range asks {
		got := headers(tc.site.ask(tc.method, tc.path, "{}", tc.header...).Header)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestALogoOpensThePolicyForItsHostOnly: a logo adds its origin to img-src and changes nothing
// else.
func TestALogoOpensThePolicyForItsHostOnly(t *testing.T) {
	for logo, source := range map[string]string{"https://cdn.example.com/a/logo.svg?x": "'self' https://cdn.example.com", "/assets/own.svg": "'self'", "": "'self'"} {
		s := open(t, func(c *web.Config) { c.Appearance = appearance.Appearance{Logo: logo} })
		want := regexp.MustCompile(`img-src 'self'`).ReplaceAllString(pagePolicy, "img-src "+source)
		if got := headers(s.ask("GET", "/sign-in", "").Header)["Content-Security-Policy"]; got != want {
			t.Errorf("%q:\n%s, want\n%s", logo, got, want)
		}
	}
}

// TestTheLanguageCookie: the cookie lasts a year, is hidden from scripts, and is Secure over https.
func TestTheLanguageCookie(t *testing.T) {
	for url, secure := range map[string]bool{origin: true, "http://localhost:8080": false} {
		s := open(t, func(c *web.Config) { c.PublicURL = url })
		all := s.ask("GET", "/sign-in?lang=de", "").Cookies()
		if len(all) != 1 {
			t.Fatalf("%s: %d cookies", url, len(all))
		}
		if c := all[0]; c.Name != "countersign_lang" || c.Value != "de" || !c.HttpOnly || c.Secure != secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || c.MaxAge != 31536000 {
			t.Errorf("%s: %s", url, c)
		}
	}
}
