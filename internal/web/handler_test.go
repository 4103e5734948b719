package web_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
	"github.com/countersign-mfa/countersign/internal/web/dashauth"
)

const origin = "https://auth.example.com"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// site is the pages in front of a Backend API that answers with the request.
type site struct {
	*testing.T
	http.Handler
	now     time.Time
	address netip.Addr
}

// always returns a function that returns one key.
func always(key string) func(context.Context) (secret.Value, error) {
	return func(context.Context) (secret.Value, error) { return secret.New(key), nil }
}

func open(t *testing.T, change func(*web.Config)) *site {
	t.Helper()
	s := &site{T: t, now: start}
	c := web.Config{
		PublicURL: origin, SecretKey: always("sk_live_of_a_test"), DashboardState: dashauth.New(store.NewMemory(), func() time.Time { return s.now }),
		Address: func(*http.Request) netip.Addr { return s.address }, Now: func() time.Time { return s.now },
		Backend: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			_ = json.NewEncoder(w).Encode(map[string]any{"method": r.Method, "url": r.URL.String(), "header": r.Header, "body": string(body)})
		}),
	}
	if change != nil {
		change(&c)
	}
	h, err := web.Handler(c)
	if err != nil {
		t.Fatal(err)
	}
	s.Handler = h
	return s
}

// answer is a complete answer, decompressed.
type answer struct {
	StatusCode int
	Header     http.Header
	Size       int // as it travelled
	Text       string
	cookies    []*http.Cookie
}

func (a answer) Cookies() []*http.Cookie { return a.cookies }

func (s *site) ask(method, path, body string, header ...string) answer {
	s.Helper()
	r := httptest.NewRequestWithContext(s.Context(), method, path, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	out := answer{StatusCode: w.Code, Header: w.Header(), Size: w.Body.Len(), Text: w.Body.String()}
	out.cookies = (&http.Response{Header: w.Header()}).Cookies()
	if w.Header().Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(w.Body)
		if err != nil {
			s.Fatal(err)
		}
		plain, err := io.ReadAll(z)
		if err != nil {
			s.Fatal(err)
		}
		out.Text = string(plain)
	}
	return out
}

var pagePaths = []string{
	"/sign-in", "/tasks/setup-mfa", "/account/security", "/account/add-phone", "/account/add-authenticator", "/account/backup-codes", "/account/password", "/dashboard/sign-in",
}

var (
	nonceForm  = regexp.MustCompile(`script-src 'nonce-([A-Z2-7]{26})'`)
	loaded     = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)
	scriptTags = regexp.MustCompile(`<(script|style|link rel="(?:stylesheet|modulepreload)")[^>]*>`)
)

func TestPagesAreStrict(t *testing.T) {
	s := open(t, nil)
	seen := map[string]bool{}
	for _, path := range pagePaths {
		r := s.ask("GET", path, "")
		page, policy := r.Text, r.Header.Get("Content-Security-Policy")
		found := nonceForm.FindStringSubmatch(policy)
		if r.StatusCode != 200 || found == nil {
			t.Fatalf("%s: %d, policy %q", path, r.StatusCode, policy)
		}
		if seen[found[1]] {
			t.Errorf("%s: the nonce comes a second time", path)
		}
		seen[found[1]] = true
		for _, rule := range []string{"default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "require-trusted-types-for 'script'", "img-src 'self';"} {
			if !strings.Contains(policy, rule) {
				t.Errorf("%s: policy without %s: %s", path, rule, policy)
			}
		}
		if strings.Contains(policy, "unsafe") {
			t.Errorf("%s: policy %s", path, policy)
		}
		for _, tag := range scriptTags.FindAllString(page, -1) {
			if !strings.Contains(tag, `nonce="`+found[1]+`"`) && !strings.Contains(tag, `type="application/json"`) {
				t.Errorf("%s: %s has no nonce", path, tag)
			}
		}
		for name, want := range map[string]string{"Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Strict-Transport-Security": "max-age=31536000", "Cache-Control": "no-store"} {
			if got := r.Header.Get(name); got != want {
				t.Errorf("%s: %s %q, want %q", path, name, got, want)
			}
		}
	}
}

// TestPagesAreLight: a page with its assets has at most 60 KB, which a slow phone loads in a second
// or two.
func TestPagesAreLight(t *testing.T) {
	s := open(t, nil)
	for _, lang := range []string{"en", "de", "es", "fr", "pt", "ja"} {
		for _, path := range pagePaths {
			r := s.ask("GET", path, "", "Accept-Encoding", "gzip", "Accept-Language", lang)
			total := r.Size
			addresses := loaded.FindAllStringSubmatch(r.Text, -1)
			if len(addresses) < 4 {
				t.Fatalf("%s loads only %v", path, addresses)
			}
			for _, a := range addresses {
				part := s.ask("GET", a[1], "", "Accept-Encoding", "gzip")
				if part.StatusCode != 200 || part.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(part.Header.Get("Cache-Control"), "immutable") {
					t.Fatalf("%s: %d %v", a[1], part.StatusCode, part.Header)
				}
				total += part.Size
			}
			if total > 60<<10 || total < 5<<10 {
				t.Errorf("%s in %s: %d bytes", path, lang, total)
			}
		}
	}
}

func TestLanguages(t *testing.T) {
	s := open(t, nil)
	for _, c := range []struct{ accept, cookie, want string }{
		{"", "", "en"}, {"de-CH, fr;q=0.9", "", "de"}, {"nl, es;q=0.4, ja;q=0.8", "", "ja"}, {"nl", "", "en"}, {"fr-CA, en;q=0.8", "", "fr"}, {"pt-BR", "", "pt"}, {"de;q=nonsense, es;q=0.1", "", "es"},
		{"de;q=0", "", "en"}, {"de", "ja", "ja"}, {"de", "xx", "de"}, {"de;q=5", "", "en"}, {strings.Repeat("x,", 400) + "de", "", "en"},
	} {
		header := []string{"Accept-Language", c.accept}
		if c.cookie != "" {
			header = append(header, "Cookie", "countersign_lang="+c.cookie)
		}
		r := s.ask("GET", "/sign-in", "", header...)
		if got := r.Header.Get("Content-Language"); got != c.want || !strings.Contains(r.Text, `<html lang="`+c.want+`"`) {
			t.Errorf("Accept-Language %.40q with cookie %q: %s, want %s", c.accept, c.cookie, got, c.want)
		}
	}
}

func TestChoosingALanguageComesBack(t *testing.T) {
	s := open(t, nil)
	for _, c := range []struct{ asked, want string }{
		{"/sign-in?lang=de", "/sign-in"}, {"/sign-in?lang=de&redirect_url=%2Fx%3Fy", "/sign-in?redirect_url=%2Fx%3Fy"}, {"//evil.example/?lang=de", "/evil.example/"},
	} {
		r := s.ask("GET", c.asked, "")
		cookies := r.Cookies()
		if !strings.HasPrefix(c.asked, "//") && (len(cookies) != 1 || cookies[0].Value != "de" || !cookies[0].HttpOnly || !cookies[0].Secure) {
			t.Errorf("%s: cookies %v", c.asked, cookies)
		}
		if to := r.Header.Get("Location"); strings.HasPrefix(to, "//") || !strings.HasPrefix(c.asked, "//") && to != c.want {
			t.Errorf("%s leads to %q, want %q", c.asked, to, c.want)
		}
	}
	if r := s.ask("GET", "/sign-in?lang=xx", ""); r.StatusCode != 200 || len(r.Cookies()) != 0 {
		t.Errorf("an unknown language: %d, %v", r.StatusCode, r.Cookies())
	}
}

func TestUnknownAddresses(t *testing.T) {
	s := open(t, nil)
	for _, path := range []string{"/account/nowhere", "/account/", "/tasks/x", "/assets/0000000000000000/style.css", "/dev/phone", "/dashboard/nowhere"} {
		if r := s.ask("GET", path, ""); r.StatusCode != 404 {
			t.Errorf("GET %s: %d", path, r.StatusCode)
		}
	}
	if r := s.ask("POST", "/account/security", ""); r.StatusCode/100 != 4 {
		t.Errorf("POST to a page: %d", r.StatusCode)
	}
	none := open(t, func(c *web.Config) { c.SecretKey = nil })
	for _, path := range []string{"/dashboard", "/dashboard/sign-in", "/dashboard/api/v1/instance"} {
		if r := none.ask("GET", path, ""); r.StatusCode != 404 {
			t.Errorf("without a secret key, GET %s: %d", path, r.StatusCode)
		}
	}
	if r := open(t, func(c *web.Config) { c.Development = true }).ask("GET", web.PhonePath, ""); r.StatusCode != 200 {
		t.Errorf("the phone in development: %d", r.StatusCode)
	}
}

func TestPathsCoverEveryPage(t *testing.T) {
	mux := http.NewServeMux()
	for _, p := range web.Paths() {
		mux.Handle(p, http.NotFoundHandler())
	}
	for _, path := range append(slices.Clone(pagePaths), "/dashboard", "/dashboard/users/user_1", "/dashboard/api/search", "/assets/x/style.css") {
		if _, pattern := mux.Handler(httptest.NewRequestWithContext(t.Context(), "GET", path, nil)); pattern == "" {
			t.Errorf("%s is not mounted", path)
		}
	}
}

func TestAppearance(t *testing.T) {
	s := open(t, func(c *web.Config) {
		c.Appearance = appearance.Appearance{
			Name: `Tom & "Co" </script>`, Logo: "https://cdn.example.com/logo.svg", Accent: "#ffd400", Support: "mailto:help@example.com",
			Texts: map[string]map[string]string{"en": {"signin.text": "Hello there."}},
		}
	})
	r := s.ask("GET", "/sign-in", "")
	page := r.Text
	for _, want := range []string{
		"Tom &amp; &#34;Co&#34; &lt;/script&gt;", `src="https://cdn.example.com/logo.svg"`, `href="mailto:help@example.com"`, "Hello there.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
	if strings.Count(page, "</script>") != 3 {
		t.Error("the name ends a script")
	}
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' https://cdn.example.com;") {
		t.Errorf("policy %s", policy)
	}
	for what, set := range map[string]appearance.Appearance{
		"a colour": {Accent: "red; } body { display: none"}, "a logo": {Logo: "javascript:alert(1)"}, "a logo without encryption": {Logo: "http://x.example/y"},
		"a path to elsewhere": {Logo: "//x.example/y"}, "a support link": {Support: "javascript:alert(1)"},
		"a text": {Texts: map[string]map[string]string{"en": {"nothing": "x"}}}, "a language": {Texts: map[string]map[string]string{"xx": {"signin.title": "x"}}},
	} {
		if _, err := web.Handler(web.Config{PublicURL: origin, Appearance: set}); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	some, nowhere := dashauth.New(store.NewMemory(), time.Now), func(*http.Request) netip.Addr { return netip.Addr{} }
	for what, c := range map[string]web.Config{
		"no URL": {}, "a slash at the end": {PublicURL: origin + "/"}, "a dashboard without its API": {PublicURL: origin, SecretKey: always("sk_x"), Now: time.Now, DashboardState: some, Address: nowhere},
		"a dashboard without time":         {PublicURL: origin, SecretKey: always("sk_x"), Backend: http.NotFoundHandler(), DashboardState: some, Address: nowhere},
		"a dashboard without memory":       {PublicURL: origin, SecretKey: always("sk_x"), Backend: http.NotFoundHandler(), Now: time.Now, Address: nowhere},
		"a dashboard without addresses":    {PublicURL: origin, SecretKey: always("sk_x"), Backend: http.NotFoundHandler(), Now: time.Now, DashboardState: some},
		"settings to ask for without time": {PublicURL: origin, Backend: http.NotFoundHandler()},
	} {
		if _, err := web.Handler(c); err == nil {
			t.Errorf("%s is taken", what)
		}
	}
}
