package api_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestOperationsForTestsAreOffInProduction: with a production key they answer Clerk's error and
// change nothing.
func TestOperationsForTestsAreOffInProduction(t *testing.T) {
	for key, want := range map[string]int{"pk_test_x": 200, "pk_live_x": 400} {
		w := newWorld(t, func(c *api.Config) { c.PublishableKey = key })
		user := w.user()
		for path, body := range map[string]string{"/v1/sessions": `{"user_id":"` + user + `"}`, "/v1/testing_tokens": ""} {
			a := w.backend("POST", path, body)
			if want == 200 {
				a.ok()
				continue
			}
			a.want(want, "request_invalid_for_environment")
		}
		if n := len(w.backend("GET", "/v1/sessions?user_id="+user, "").ok().body); (n > len("[]")) != (want == 200) {
			t.Errorf("%s: the list of sessions has %d bytes", key, n)
		}
	}
}

// TestOperationsForTestsAreOffForALiveKey: the development server with a secret key of production
// answers Clerk's error, too.
func TestOperationsForTestsAreOffForALiveKey(t *testing.T) {
	const live = "sk_live_of_production"
	w := newWorld(t, func(c *api.Config) { c.Accepts = api.OneKey(secret.New(live)) })
	for path, body := range map[string]string{"/v1/sessions": `{"user_id":"user_x"}`, "/v1/testing_tokens": ""} {
		for _, scheme := range []string{"Bearer ", "bearer "} {
			r := httptest.NewRequest("POST", path, strings.NewReader(body))
			r.Header.Set("Authorization", scheme+live)
			r.Header.Set("Content-Type", "application/json")
			w.send(r).want(400, "request_invalid_for_environment")
		}
	}
}

// TestATestingTokenChangesNothing: the Frontend API accepts the token that Clerk's test tools add,
// and any other text in its place, in lists too.
func TestATestingTokenChangesNothing(t *testing.T) {
	w := newWorld(t)
	b := w.open(tx.Cookie)
	b.enter(w.user())
	token := w.backend("POST", "/v1/testing_tokens", "").ok().text("token")
	for _, text := range []string{token, "another"} {
		for _, path := range []string{"/v1/client", "/v1/me/sessions", "/v1/environment"} {
			b.call("GET", path+"?__clerk_testing_token="+text).ok()
		}
	}
}
