package smoke_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/local"
	"github.com/countersign-mfa/countersign/internal/ops/smoke"
)

// serve starts a server whose answers can be changed.
func serve(t *testing.T, spoil func(w http.ResponseWriter, r *http.Request) bool) (url string, app **local.App) {
	t.Helper()
	app = new(*local.App)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil == nil || !spoil(w, r) {
			(*app).ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	opened, err := local.Open(t.Context(), local.Config{
		Dir: t.TempDir(), PublicURL: server.URL, AppName: "Example", SecretKey: secret.New("sk_test"), Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Passwords: password.Params{Memory: 64, Time: 1, Threads: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	*app = opened
	return server.URL, app
}

func TestRun(t *testing.T) {
	url, app := serve(t, nil)
	var steps []string
	done := func(step string, _ error) { steps = append(steps, step) }
	if err := smoke.Run(t.Context(), smoke.Config{URL: url, SecretKey: secret.New("sk_test"), Now: time.Now, Done: done}); err != nil {
		t.Fatalf("%v after %q", err, steps)
	}
	if len(steps) != 11 {
		t.Errorf("%q", steps)
	}
	checkDeleted(t, *app)
}

// checkDeleted checks that the user of the run is not there.
func checkDeleted(t *testing.T, app *local.App) {
	t.Helper()
	users, err := app.Service.Directory.Users(context.WithoutCancel(t.Context()), directory.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range users {
		if strings.HasPrefix(u.Username, "smoke") {
			t.Error("the user is still there")
		}
	}
}

// TestRunFindsFaults: a deployment with one fault does not pass.
func TestRunFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		says  string
		spoil func(w http.ResponseWriter, r *http.Request) bool
	}{
		"down": {"it answers", func(w http.ResponseWriter, _ *http.Request) bool {
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}},
		"no keys": {"publishes its keys", func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/.well-known/jwks.json" {
				_, _ = w.Write([]byte(`{"keys":[]}`))
				return true
			}
			return false
		}},
		"a Backend API open to all": {"refuses a wrong key", func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Set("Authorization", "Bearer sk_test")
			return false
		}},
		"codes that work again": {"cannot be used again", func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/verify_totp") {
				_, _ = w.Write([]byte(`{}`))
				return true
			}
			return false
		}},
	} {
		t.Run(name, func(t *testing.T) {
			url, _ := serve(t, c.spoil)
			var failed []string
			err := smoke.Run(t.Context(), smoke.Config{URL: url, SecretKey: secret.New("sk_test"), Now: time.Now, Done: func(step string, err error) {
				if err != nil {
					failed = append(failed, step)
				}
			}})
			if err == nil || !strings.Contains(err.Error(), c.says) || len(failed) != 1 || !strings.Contains(failed[0], c.says) {
				t.Errorf("%v and %q, want a failure at %q", err, failed, c.says)
			}
		})
	}
}
