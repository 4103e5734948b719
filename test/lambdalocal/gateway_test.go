package lambdalocal_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// TestRoutesThatAGatewayRefuses: an HTTP API has no route key that ends in a slash, so the stand-in
// has none.
func TestRoutesThatAGatewayRefuses(t *testing.T) {
	for path, ok := range map[string]bool{"/": true, "/x": true, "/x/{slash+}": true, "/x/": false, "/x/{id}/": false, "x": false, "": false} {
		_, err := lambdalocal.NewGateway([]operation.Route{{Method: "GET", Path: path, Group: "f"}}, lambdalocal.Strict, nil)
		if (err == nil) != ok {
			t.Errorf("%q: %v", path, err)
		}
	}
}

// TestSlashes: however a gateway treats a slash at the end, the paths that clerk-js ends in one
// reach their handler. No other path below does.
func TestSlashes(t *testing.T) {
	for _, mode := range []lambdalocal.Slash{lambdalocal.Strict, lambdalocal.Strips, lambdalocal.Tolerates} {
		for path, want := range map[string]string{
			"/v1/me/phone_numbers":                            "me-phone-number-create",
			"/v1/me/phone_numbers/":                           "me-phone-number-create",
			"/v1/me/backup_codes":                             "me-backup-codes-create",
			"/v1/me/backup_codes/":                            "me-backup-codes-create",
			"/v1/me/phone_numbers/idn_1":                      "me-phone-number-update",
			"/v1/me/phone_numbers/idn_1/prepare_verification": "me-phone-number-prepare",
			"/v1/me/phone_numbers/a/b/c":                      "404",
			"/v1/me/backup_codes/a":                           "404",
			"/v1/nothing/":                                    "404",
		} {
			if got := answered(t, mode, path); got != want {
				t.Errorf("%s: POST %s is served by %s, want %s", mode, path, got, want)
			}
		}
	}
}

// answered returns the function that serves a POST. The gateway finds the function, which then
// compares the paths of its own operations.
func answered(t *testing.T, mode lambdalocal.Slash, path string) string {
	t.Helper()
	g, err := lambdalocal.NewGateway(plan.Routes(), mode, func(r *http.Request, function string, event []byte) ([]byte, error) {
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
		var e events.APIGatewayV2HTTPRequest
		if err := json.Unmarshal(event, &e); err != nil {
			return nil, err
		}
		a, err := lambdahost.Handle(mux)(r.Context(), e)
		if err != nil {
			return nil, err
		}
		return json.Marshal(a)
	})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.URL.Path = path
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return strconv.Itoa(w.Code)
	}
	return w.Body.String()
}
