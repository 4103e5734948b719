package web_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// fakeBackend answers GET /v1/environment.
type fakeBackend struct {
	environment string // the environment's JSON
	code        int
	asked       atomic.Int64
	// began, unless nil, gets a value when an answer begins. The answer then waits for hold or for the
	// end of its request.
	began chan struct{}
	hold  chan struct{}
}

func (s *fakeBackend) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/environment" {
		return
	}
	s.asked.Add(1)
	if s.began != nil {
		s.began <- struct{}{}
		select {
		case <-s.hold:
		case <-r.Context().Done():
			w.WriteHeader(http.StatusBadGateway)
			return
		}
	}
	if s.code != 0 {
		w.WriteHeader(s.code)
	}
	_, _ = io.WriteString(w, s.environment)
}

func withBackend(t *testing.T, s *fakeBackend) *site {
	t.Helper()
	return open(t, func(c *web.Config) {
		c.Backend = s
		c.Appearance = appearance.Appearance{Name: "Deployed", Support: "https://help.example.com/"}
	})
}

func (s *site) checkTitle(name string) {
	s.Helper()
	if page := s.ask("GET", "/sign-in", "").Text; !strings.Contains(page, "<title>Sign in · "+name+"</title>") {
		s.Errorf("the page does not call itself %s: %.300s", name, page)
	}
}

// TestSettingsOverrideTheDeployedAppearance: a changed appearance is visible without a restart, and
// its logo is in the policy.
func TestSettingsOverrideTheDeployedAppearance(t *testing.T) {
	set := &fakeBackend{environment: `{}`}
	s := withBackend(t, set)
	s.checkTitle("Deployed")
	set.environment = `{"appearance":{"name":"Harbour","accent":"#0f766e","logo":"https://cdn.example.com/l.svg","texts":{"en":{"signin.text":"Good to see you.","signin.of_a_later_version":"x"}}}}`
	s.checkTitle("Deployed")
	s.now = s.now.Add(5 * time.Second)
	s.checkTitle("Harbour")
	r := s.ask("GET", "/sign-in", "")
	for _, want := range []string{"--accent:#0f766e", `src="https://cdn.example.com/l.svg"`, "Good to see you.", `href="https://help.example.com/"`} {
		if !strings.Contains(r.Text, want) {
			t.Errorf("the page does not hold %s", want)
		}
	}
	if policy := r.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self' https://cdn.example.com;") {
		t.Errorf("policy %s", policy)
	}
	if n := set.asked.Load(); n != 2 {
		t.Errorf("the settings were asked %d times for two periods", n)
	}
	set.environment = `{"appearance":{}}`
	s.now = s.now.Add(5 * time.Second)
	s.checkTitle("Deployed")
	if policy := s.ask("GET", "/sign-in", "").Header.Get("Content-Security-Policy"); !strings.Contains(policy, "img-src 'self';") {
		t.Errorf("the policy still allows the logo: %s", policy)
	}
}

// TestAnInvalidAppearanceIsIgnored: the pages keep the last appearance, and fetch again only after
// five seconds.
func TestAnInvalidAppearanceIsIgnored(t *testing.T) {
	set := &fakeBackend{environment: `{"appearance":{"name":"Harbour"}}`}
	s := withBackend(t, set)
	s.checkTitle("Harbour")
	for what, change := range map[string]func(){
		"an error":    func() { set.environment, set.code = `{"errors":[]}`, http.StatusServiceUnavailable },
		"nonsense":    func() { set.environment = "nonsense" },
		"other types": func() { set.environment = `{"appearance":{"name":7}}` },
		"a policy of its own": func() {
			set.environment = `{"appearance":{"name":"Evil","logo":"https://a.example; script-src *"}}`
		},
		"a colour that is none": func() { set.environment = `{"appearance":{"name":"Evil","accent":"red;}"}}` },
		"without end":           func() { set.environment = `{"appearance":{"name":"Evil"},"x":"` + strings.Repeat("x", 200<<10) + `"}` },
	} {
		set.code = 0
		change()
		s.now = s.now.Add(5 * time.Second)
		before := set.asked.Load()
		s.checkTitle("Harbour")
		s.checkTitle("Harbour")
		if n := set.asked.Load() - before; n != 1 {
			t.Errorf("%s: asked %d times", what, n)
		}
	}
	set.environment, set.code = `{"appearance":{"name":"Back"}}`, 0
	s.now = s.now.Add(5 * time.Second)
	s.checkTitle("Back")
	s.now = s.now.Add(-time.Hour) // a clock that went back must not keep an appearance for an hour
	set.environment = `{"appearance":{"name":"Again"}}`
	s.checkTitle("Again")
}

// TestOneVisitorAsks: one request fetches the appearance while all others use the cached one. A
// visitor who leaves does not cancel the fetch.
func TestOneVisitorAsks(t *testing.T) {
	set := &fakeBackend{environment: `{"appearance":{"name":"Harbour"}}`}
	s := withBackend(t, set)
	s.checkTitle("Harbour")
	set.environment, set.began, set.hold = `{"appearance":{"name":"News"}}`, make(chan struct{}), make(chan struct{})
	s.now = s.now.Add(5 * time.Second)
	var asking sync.WaitGroup
	asking.Go(func() {
		left, leave := context.WithCancel(t.Context())
		leave()
		s.ServeHTTP(&discarded{}, newRequest(t, left, "/sign-in"))
	})
	<-set.began
	s.checkTitle("Harbour")
	close(set.hold)
	asking.Wait()
	s.checkTitle("News")
	if n := set.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// TestAChangeInTheDashboardIsSeenAtOnce: a change through the dashboard refreshes the cache.
func TestAChangeInTheDashboardIsSeenAtOnce(t *testing.T) {
	set := &fakeBackend{environment: `{}`}
	s := withBackend(t, set)
	c := s.openDashboard()
	s.checkTitle("Deployed")
	set.environment = `{"appearance":{"name":"Harbour"}}`
	s.ask("PATCH", "/dashboard/api/v1/instance", `{"appearance":{"name":"Harbour"}}`, fromDashboard(c)...)
	s.checkTitle("Harbour")
}

func TestTextsToChange(t *testing.T) {
	s := open(t, func(c *web.Config) {
		c.Appearance.Texts = map[string]map[string]string{"de": {"signin.text": "Moin."}}
	})
	c := s.openDashboard()
	var texts map[string]string
	if err := json.Unmarshal([]byte(s.ask("GET", "/dashboard/api/texts/de", "", fromDashboard(c)...).Text), &texts); err != nil {
		t.Fatal(err)
	}
	if texts["signin.text"] != "Moin." || texts["signin.title"] == "" || texts["dash.save"] != "" || texts["dev.title"] != "" {
		t.Errorf("texts %v", texts)
	}
	if r := s.ask("GET", "/dashboard/api/texts/xx", "", fromDashboard(c)...); r.StatusCode != http.StatusNotFound {
		t.Errorf("an unknown language: %d", r.StatusCode)
	}
	if r := s.ask("GET", "/dashboard/api/texts/de", "", fromDashboard(nil)...); r.StatusCode != http.StatusUnauthorized {
		t.Errorf("a stranger: %d", r.StatusCode)
	}
}

func newRequest(t *testing.T, ctx context.Context, path string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", origin+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// discarded drops an answer.
type discarded struct{}

func (*discarded) Header() http.Header         { return http.Header{} }
func (*discarded) Write(b []byte) (int, error) { return len(b), nil }
func (*discarded) WriteHeader(int)             {}

// TestSignInRedirectsToAllowedOrigins: a page knows the origins of the deployment and of the
// settings, as the API does, and in development that all of this machine are allowed.
func TestSignInRedirectsToAllowedOrigins(t *testing.T) {
	set := &fakeBackend{environment: `{}`}
	for development, loopback := range map[bool]string{true: "true", false: "false"} {
		s := open(t, func(c *web.Config) {
			c.Backend, c.Origins, c.Development = set, []string{"https://deployed.example.com"}, development
		})
		for environment, origins := range map[string]string{
			`{}`: `["https://deployed.example.com"]`,
			`{"allowed_origins":["https://app.example.com"]}`:                   `["https://deployed.example.com","https://app.example.com"]`,
			`{"allowed_origins":["https://a.example.com","https://b.example"]}`: `["https://deployed.example.com","https://a.example.com","https://b.example"]`,
		} {
			set.environment = environment
			s.now = s.now.Add(5 * time.Second)
			if page, want := s.ask("GET", "/sign-in", "").Text, `"origins":`+origins+`,"loopback":`+loopback; !strings.Contains(page, want) {
				t.Errorf("with %s the page does not hold %s", environment, want)
			}
		}
	}
}
