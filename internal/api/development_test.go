package api_test

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/api"
)

// TestOperationsForTestsAreOffInProduction: with a production key they answer Clerk's error and
// change nothing.
func TestOperationsForTestsAreOffInProduction(t *testing.T) {
	for key, want := range map[string]int{"pk_test_x": 200, "pk_live_x": 400} {
		w := newWorld(t, func(c *api.Config) { c.PublishableKey = key })
		user := w.user()
		for path, body := range map[string]string{"/v1/sessions": `{"user_id":"` + user + `"}`} {
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
