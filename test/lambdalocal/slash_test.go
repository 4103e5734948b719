package lambdalocal_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/unrouted"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// TestSlashes: however a gateway treats a slash at the end, a path with one reaches its handler,
// directly or by the redirect of the function of unrouted requests. No other path below does.
func TestSlashes(t *testing.T) {
	last := unroutedHandler(t)
	for _, mode := range lambdalocal.Slashes {
		for path, want := range map[string]string{
			"/v1/me/phone_numbers":                            "me-phone-number-create",
			"/v1/me/phone_numbers/":                           "me-phone-number-create",
			"/v1/me/backup_codes":                             "me-backup-codes-create",
			"/v1/me/backup_codes/":                            "me-backup-codes-create",
			"/v1/me/phone_numbers/idn_1":                      "me-phone-number-update",
			"/v1/me/phone_numbers/idn_1/prepare_verification": "me-phone-number-prepare",
			"/v1/me/phone_numbers/a/b/c":                      "404",
			"/v1/client/sign_ins/":                            "sign-in-create",
			"/v1/me/backup_codes/a":                           "404",
			"/v1/nothing/":                                    "404",
		} {
			if got := answered(t, last, mode, path); got != want {
				t.Errorf("%s: POST %s is served by %s, want %s", mode, path, got, want)
			}
		}
	}
}

// answered returns the function that serves a POST. The gateway finds the function, which then
// compares the paths of its own operations.
func answered(t *testing.T, last http.Handler, mode lambdalocal.Slash, path string) string {
	t.Helper()
	g, err := lambdalocal.NewGateway(lambdalocal.GatewayConfig{Routes: plan.Routes(), Slash: mode, Invoke: func(r *http.Request, function string, event []byte) ([]byte, error) {
		var h http.Handler = named(function)
		if function == string(plan.Unrouted) {
			h = last
		}
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		a, err := lambdahost.Handle(h)(r.Context(), e)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	}})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.URL.Path = path
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code == http.StatusPermanentRedirect && strings.HasSuffix(path, "/") {
		to, err := r.URL.Parse(w.Header().Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		return answered(t, last, mode, to.Path)
	}
	if w.Code != http.StatusOK {
		return strconv.Itoa(w.Code)
	}
	return w.Body.String()
}

// named returns a handler with the paths of a function that answers with the function's name.
func named(function string) http.Handler {
	mux, seen := http.NewServeMux(), map[string]bool{}
	for _, f := range plan.Functions() {
		if f.Name != function {
			continue
		}
		for _, op := range f.Operations {
			for _, spelling := range operation.Spellings(op.Path) {
				if !seen[spelling] { // several operations of one path are POST requests
					mux.HandleFunc("POST "+spelling, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(function)) })
				}
				seen[spelling] = true
			}
		}
	}
	return mux
}

// unroutedHandler returns the handler of the function of unrouted requests.
func unroutedHandler(t *testing.T) http.Handler {
	t.Helper()
	w := mfatest.New(t, domain.Config{Store: store.NewMemory(), Issuer: "https://clerk.example.com", SMSHost: "app.example.com"})
	h, err := api.New(api.Config{
		Instance: operation.Instance{Service: w.Service, PublicURL: "https://clerk.example.com", PublishableKey: "pk_live_x", AppName: "Example"},
		Accepts:  api.OneKey(secret.New("sk_live_x")), Address: func(*http.Request) netip.Addr { return netip.Addr{} }, Log: slog.New(slog.DiscardHandler),
	}, unrouted.Operations()...)
	if err != nil {
		t.Fatal(err)
	}
	return h
}
