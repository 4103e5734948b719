package api_test

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestTheEnvironmentHasThePolicy: SDKs read the limits of the guess policy that the instance has.
func TestTheEnvironmentHasThePolicy(t *testing.T) {
	w := newWorld(t)
	for strict, policy := range map[string]account.Policy{"false": account.DefaultPolicy(), "true": account.StrictPolicy()} {
		w.backend("PATCH", "/v1/instance", `{"strict_guessing":`+strict+`}`).ok()
		env := w.open(tx.Cookie).call("GET", "/v1/environment").ok()
		if got := env.at("user_settings.attack_protection.user_lockout.max_attempts"); got != float64(policy.LockFailures) {
			t.Errorf("policy %s: max_attempts is %v, want %d", policy.Name, got, policy.LockFailures)
		}
	}
}
