package domain_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestAClientLivesADayUntilSomebodySignsIn: a client without a sign-in, which any caller can make,
// is gone a day later.
func TestAClientLivesADayUntilSomebodySignsIn(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	p := w.newcomer()
	s, err := w.Sessions.CreateClient(ctx, p.browser)
	w.Must(err)
	p.keepToken(s)
	if got := s.Client.Expires.Sub(s.Now); got != account.AnonymousLife {
		t.Errorf("a client lives %v", got)
	}
	w.Advance(23 * time.Hour)
	r, err := w.MFA.CreateSignIn(ctx, p.browser, mfa.SignInInput{Identifier: "nobody"})
	w.Must(err)
	p.keepToken(r.Snapshot)
	if got := r.Snapshot.Client.Expires.Sub(r.Snapshot.Now); got != account.AnonymousLife {
		t.Errorf("after a sign-in was begun it lives %v", got)
	}
	r = p.signInWithTicket()
	if got := r.Snapshot.Client.Expires.Sub(r.Snapshot.Now).Round(24 * time.Hour); got != account.ClientLife-24*time.Hour {
		t.Errorf("after a sign-in it lives %v", got)
	}
	p.signOut()
	w.Advance(300 * 24 * time.Hour)
	if s, err := w.Sessions.Client(ctx, p.browser); err != nil || s.Client == nil {
		t.Errorf("a client on which somebody was signed in is gone: %v", err)
	}
	for range 20 {
		_, err := w.Sessions.CreateClient(ctx, tx.Caller{})
		w.Must(err)
		_, err = w.Sessions.CreateDevBrowser(ctx)
		w.Must(err)
		_, err = w.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Identifier: "nobody"})
		w.Must(err)
	}
	w.Advance(account.AnonymousLife + 25*time.Hour)
	_, err = w.Service.Admin.Cleanup(ctx, 10_000)
	w.Must(err)
	left, _, err := w.counts.List(ctx, store.KindClient, "", 100)
	if w.Must(err); len(left) != 1 {
		t.Errorf("%d clients are left, want the one on which somebody was signed in", len(left))
	}
}

// TestAnAddressMakesFewRecords: an address creates a limited number of clients and of handshake
// answers, in every way that needs no sign-in.
func TestAnAddressMakesFewRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("it makes thousands of records")
	}
	ctx := t.Context()
	for name, tc := range map[string]struct {
		make func(w *world, from tx.Caller) error
		most int
	}{
		"clients":              {func(w *world, from tx.Caller) error { _, err := w.Sessions.CreateClient(ctx, from); return err }, 500},
		"development browsers": {func(w *world, from tx.Caller) error { _, err := w.Sessions.NewDevBrowser(ctx, from); return err }, 500},
		"sign-ins": {func(w *world, from tx.Caller) error {
			_, err := w.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Identifier: "nobody"})
			return err
		}, 500},
		"handshakes": {func(w *world, from tx.Caller) error {
			_, err := w.Tokens.KeepAnonymousHandshake(ctx, from, secret.New("x"))
			return err
		}, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			_, err := w.Settings.Change(ctx, func(s *account.Settings) { s.IPLimits = true })
			w.Must(err)
			w.Advance(2 * time.Second) // whole periods of ten seconds
			made := 0
			for range tc.most + 10 {
				w.Advance(10 * time.Second)
				for range tc.most / 100 {
					switch err := tc.make(w, tx.Caller{Address: aNetwork}); {
					case err == nil:
						made++
					default:
						w.want(apierr.TooManyRequests, err)
					}
				}
			}
			if made != tc.most {
				t.Errorf("%d were made, want %d", made, tc.most)
			}
			w.Must(tc.make(w, tx.Caller{Address: netip.MustParseAddr("198.51.100.7")}))
			if n := len(w.records()); n > tc.most+20 {
				t.Errorf("there are %d records", n)
			}
		})
	}
}

// TestALongIdentifierIsRefused: an identifier beyond the limit is refused and not stored.
func TestALongIdentifierIsRefused(t *testing.T) {
	w := newWorld(t)
	before := len(w.records())
	for _, n := range []int{321, 60_000} {
		for _, pw := range []string{"", "wrong horse"} {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: strings.Repeat("a", n), Password: secret.New(pw)})
			w.want(apierr.FormParamMaxLengthExceeded, err)
		}
	}
	if n := len(w.records()); n != before {
		t.Errorf("%d records were made", n-before)
	}
	_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: fmt.Sprintf("%s@example.com", strings.Repeat("a", 308))})
	w.Must(err)
}
