package domain_test

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// TestALockSaysItsCause: the refusal of a locked user names an operator's lock in its meta, so that
// pages do not blame wrong codes. A lock by wrong codes names none, and neither does one that lasts
// longer than the operator's.
func TestALockSaysItsCause(t *testing.T) {
	byOperator := func(t *testing.T, p *person) {
		t.Helper()
		_, err := p.Admin.Lock(t.Context(), p.id)
		p.Must(err)
	}
	byCodes := func(t *testing.T, p *person) {
		t.Helper()
		for range 50 {
			_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New("000000"))
			if codeOf(err) == apierr.UserLocked {
				return
			}
			p.Advance(apierr.From(err).RetryAfter())
		}
		t.Fatal("wrong codes do not lock")
	}
	code := func(t *testing.T, p *person) error {
		t.Helper()
		_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New("000000"))
		return err
	}
	password := func(t *testing.T, p *person) error {
		t.Helper()
		return p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse"))
	}
	session := func(t *testing.T, p *person) error {
		t.Helper()
		_, err := p.Admin.CreateSession(t.Context(), p.id)
		return err
	}
	for name, tc := range map[string]struct {
		locks []func(*testing.T, *person)
		try   func(*testing.T, *person) error
		want  any
	}{
		"an operator, a code":             {[]func(*testing.T, *person){byOperator}, code, "operator"},
		"an operator, a password":         {[]func(*testing.T, *person){byOperator}, password, "operator"},
		"an operator, a session":          {[]func(*testing.T, *person){byOperator}, session, "operator"},
		"wrong codes":                     {[]func(*testing.T, *person){byCodes}, code, nil},
		"wrong codes, then an operator":   {[]func(*testing.T, *person){byCodes, byOperator}, code, "operator"},
		"an operator who unlocked before": {[]func(*testing.T, *person){byOperator, unlocked, byCodes}, code, nil},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			for _, lock := range tc.locks {
				lock(t, p)
			}
			err := tc.try(t, p)
			p.want(apierr.UserLocked, err)
			meta := apierr.From(err).Meta()
			if meta["reason"] != tc.want || meta["lockout_expires_in_seconds"] == nil {
				t.Errorf("meta %v, want the reason %v", meta, tc.want)
			}
		})
	}
}

func unlocked(t *testing.T, p *person) {
	t.Helper()
	_, err := p.Admin.Unlock(t.Context(), p.id)
	p.Must(err)
}
