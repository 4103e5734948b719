package web_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/web"
	"github.com/countersign-mfa/countersign/internal/web/dashauth"
)

// TestSigningOutOfTheDashboard: after a sign-out a copy of the cookie is worthless in every
// process. Other sessions continue.
func TestSigningOutOfTheDashboard(t *testing.T) {
	shared := store.NewFaulty(store.NewMemory())
	with := func(c *web.Config) { c.DashboardState = dashauth.New(shared, c.Now) }
	s, other := open(t, with), open(t, with)
	mine, theirs := s.openDashboard(), s.openDashboard()
	status := func(s *site, c *http.Cookie) int {
		return s.ask("GET", "/dashboard/api/v1/instance", "", fromDashboard(c)...).StatusCode
	}
	if status(s, mine) != 200 || status(other, mine) != 200 {
		t.Fatal("before")
	}
	if r := s.ask("DELETE", "/dashboard/api/session", "{}", fromDashboard(&http.Cookie{Name: mine.Name, Value: "nonsense"})...); r.StatusCode != 204 {
		t.Errorf("signing out without a session: %d", r.StatusCode)
	}
	shared.Throttle()
	if r := s.ask("DELETE", "/dashboard/api/session", "{}", fromDashboard(mine)...); r.StatusCode != 503 {
		t.Errorf("signing out while the store is silent: %d", r.StatusCode)
	}
	if got := status(s, mine); got != 503 {
		t.Errorf("an operation while the store is silent: %d", got)
	}
	if r := s.ask("GET", "/dashboard", "", fromDashboard(mine)...); r.StatusCode == 200 {
		t.Error("a page is shown while the store is silent")
	}
	shared.Recover()
	if r := s.ask("DELETE", "/dashboard/api/session", "{}", fromDashboard(mine)...); r.StatusCode != 204 {
		t.Errorf("signing out: %d", r.StatusCode)
	}
	for name, process := range map[string]*site{"this process": s, "another process": other} {
		if got := status(process, mine); got != 401 {
			t.Errorf("the cookie in %s after signing out: %d", name, got)
		}
		if got := status(process, theirs); got != 200 {
			t.Errorf("another session in %s: %d", name, got)
		}
	}
	if r := s.ask("GET", "/dashboard", "", fromDashboard(mine)...); r.StatusCode != 303 {
		t.Errorf("the page after signing out: %d", r.StatusCode)
	}
}

// TestGuessesAtTheDashboard: each address has ten guesses a minute.
func TestGuessesAtTheDashboard(t *testing.T) {
	s := open(t, nil)
	s.address = netip.MustParseAddr("192.0.2.1")
	try := func(key string) answer {
		return s.ask("POST", "/dashboard/api/session", `{"secret_key":"`+key+`"}`, fromDashboard(nil)...)
	}
	for range 10 {
		if r := try("sk_live_guess"); r.StatusCode != 401 {
			t.Fatalf("a wrong key: %d", r.StatusCode)
		}
	}
	for _, key := range []string{"sk_live_guess", "sk_live_of_a_test"} {
		if r := try(key); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
			t.Errorf("one guess more: %d", r.StatusCode)
		}
	}
	s.address = netip.MustParseAddr("192.0.2.2")
	s.openDashboard()
}
