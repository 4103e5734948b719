package seed_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/ops/seed"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// TestASeedMakesTheSameUsers: a seed and a number make one user, and each other number or seed
// another one.
func TestASeedMakesTheSameUsers(t *testing.T) {
	reveal := cmp.Transformer("reveal", func(d migration.Disclosed) string { return d.Reveal() })
	seen := map[string]bool{}
	for s := range uint64(3) {
		for n := range 200 {
			u := seed.User(s, n)
			if diff := cmp.Diff(u, seed.User(s, n), reveal); diff != "" {
				t.Fatalf("seed %d makes two users %d:\n%s", s, n, diff)
			}
			for _, name := range []string{u.ID, u.EmailAddresses[0].Address, u.ExternalID} {
				if seen[name] {
					t.Errorf("two users have %s", name)
				}
				seen[name] = true
			}
		}
	}
}

// TestFill: the users are there and can prove their factors. A call that was interrupted is
// repeated.
func TestFill(t *testing.T) {
	const users = 60
	s := store.NewFaulty(store.NewMemory())
	w := mfatest.New(t, domain.Config{Store: s})
	s.Inject(store.FailCommit(20))
	if err := seed.Fill(t.Context(), w.Service, 7, users, func(int) {}); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a store that fails: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := seed.Fill(ctx, w.Service, 7, users, func(int) {}); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt: %v", err)
	}
	w.Must(seed.Fill(t.Context(), w.Service, 7, users, func(int) {}))
	apps := 0
	for n := range users {
		u := seed.User(7, n)
		if _, err := w.Admin.User(t.Context(), u.ID); err != nil {
			t.Fatalf("user %d: %v", n, err)
		}
		if u.TOTP == nil {
			continue
		}
		apps++
		code, err := totp.Code(u.TOTP.Secret.Value, w.Now())
		w.Must(err)
		_, err = w.Admin.VerifyTOTP(t.Context(), u.ID, secret.New(code))
		w.Must(err)
	}
	if apps == 0 {
		t.Error("no user has an app")
	}
}
