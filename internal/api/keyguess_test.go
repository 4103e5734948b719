package api_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// TestGuessesOfTheKey: after thirty wrong keys in a minute, an address gets no key checked. Other
// addresses are not affected. TestMain checks that a correct key is not counted.
func TestGuessesOfTheKey(t *testing.T) {
	from := netip.MustParseAddr("192.0.2.1")
	w := newWorld(t, func(c *api.Config) { c.Address = func(*http.Request) netip.Addr { return from } })
	try := func(key string) *answer {
		r := httptest.NewRequest("GET", "/v1/users/count", nil)
		r.Header.Set("Authorization", "Bearer "+key)
		return w.send(r)
	}
	if _, err := w.Service.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true }); err != nil {
		t.Fatal(err)
	}
	try(secretKey).ok()
	for range 30 {
		try("sk_test_guess").want(401, "clerk_key_invalid")
	}
	try(secretKey).ok() // thirty are allowed
	try("sk_test_guess").want(429, "too_many_requests")
	if a := try(secretKey); a.StatusCode != 429 || a.Header.Get("Retry-After") == "" {
		t.Errorf("the right key after too many guesses: %d", a.StatusCode)
	}
	from = netip.MustParseAddr("192.0.2.2")
	try(secretKey).ok()
	from = netip.MustParseAddr("192.0.2.1")
	w.Advance(time.Minute)
	try(secretKey).ok()
	try("").want(401, "clerk_key_invalid")
}
