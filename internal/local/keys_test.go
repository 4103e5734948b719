package local_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
)

// statusWith returns the Backend API's status for a key.
func (s *site) statusWith(bearer string) int {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), http.MethodGet, s.server.URL+"/v1/users/count", http.NoBody)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+bearer)
	res, err := s.browser.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	res.Body.Close()
	return res.StatusCode
}

// restart opens the directory again, with a key or without one.
func restart(t *testing.T, dir, given string) (*local.App, error) {
	app, err := local.Open(t.Context(), local.Config{
		Dir: dir, PublicURL: "http://localhost:8080", AppName: "Example", SecretKey: secret.New(given), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
	})
	if err == nil {
		t.Cleanup(func() { _ = app.Close() })
	}
	return app, err
}

// TestRevokedKey: a revoked key is refused at once and forever, and the new key survives a restart.
func TestRevokedKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if got := s.statusWith(key); got != 200 {
		t.Fatalf("before: %d", got)
	}
	for _, nonsense := range []string{`{"rotate":"revoke","only":"secret"}`, `{"rotate":"revoke","newsecret":true}`, `{}`} {
		if got := s.call("POST", "/dev/keys", nonsense)["status"]; got != 400 {
			t.Errorf("%s: %v", nonsense, got)
		}
	}
	s.ok("POST", "/dev/keys", `{"rotate":"now","new_secret":true}`)
	second := s.app.Key().Reveal()
	if second == key || s.statusWith(key) != 200 || s.statusWith(second) != 200 {
		t.Error("after a rotation both keys are good for a day")
	}
	s.ok("POST", "/dev/keys", `{"rotate":"revoke"}`)
	third := s.app.Key().Reveal()
	for old, what := range map[string]string{key: "the first", second: "the second"} {
		if got := s.statusWith(old); got != 401 {
			t.Errorf("%s key after the revocation: %d", what, got)
		}
	}
	if got := s.statusWith(third); got != 200 {
		t.Errorf("the new key: %d", got)
	}
	if page := s.ok("GET", "/", "")["body"].(string); !strings.Contains(page, third) {
		t.Error("the first page does not show the new key")
	}
	if strings.Contains(s.log.String(), "sk_test") {
		t.Error("a key is in the log")
	}
	s.close()
	if info, err := os.Stat(filepath.Join(dir, "secret.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the key: %v, %v", info, err)
	}
	for _, revoked := range []string{key, second} {
		if _, err := restart(t, dir, revoked); err == nil || !strings.Contains(err.Error(), "was revoked") || strings.Contains(err.Error(), revoked) {
			t.Errorf("a start with a revoked key: %v", err)
		}
	}
	app, err := restart(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if app.Key().Reveal() != third {
		t.Error("a start without a key does not take that of the directory")
	}
}

// TestAnotherKey: a server that is started with another key refuses the previous one at once.
func TestAnotherKey(t *testing.T) {
	dir := t.TempDir()
	app, err := restart(t, dir, "")
	if err != nil {
		t.Fatal(err)
	}
	if app.Key().Reveal() != local.DefaultKey {
		t.Error("without a key it is not the published one")
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	defer s.close()
	if got := s.statusWith(local.DefaultKey); got != 401 {
		t.Errorf("the published key: %d", got)
	}
	if got := s.statusWith(key); got != 200 {
		t.Errorf("the given key: %d", got)
	}
}

// TestTheFirstPageShowsNoLiveKey: the page shows keys of a trial alone.
func TestTheFirstPageShowsNoLiveKey(t *testing.T) {
	for _, given := range []string{"sk_test_of_a_trial", "sk_live_of_a_deployment"} {
		app, err := local.Open(t.Context(), local.Config{
			Dir: t.TempDir(), PublicURL: "http://localhost:8080", AppName: "Example", SecretKey: secret.New(given), Now: time.Now,
			Log: slog.New(slog.DiscardHandler), Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
		})
		if err != nil {
			t.Fatal(err)
		}
		r, w := httptest.NewRequest("GET", "http://localhost:8080/", nil), httptest.NewRecorder()
		app.ServeHTTP(w, r)
		if shown, want := strings.Contains(w.Body.String(), given), strings.HasPrefix(given, "sk_test_"); w.Code != 200 || shown != want {
			t.Errorf("%s: %d, shown %v", given, w.Code, shown)
		}
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
