package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/mfatest"
)

// backup copies every record.
func (w *world) backup() *store.Memory {
	w.Helper()
	copied := store.NewMemory()
	for _, kind := range []store.Kind{store.KindUser, store.KindClient, store.KindClaim, store.KindTicket, store.KindNumber, store.KindNonce, store.KindSettings, store.KindSigningKey} {
		records, _, err := w.counts.List(w.Context(), kind, "", 1000)
		w.Must(err)
		for _, r := range records {
			r.Version = 0
			w.Must(copied.Commit(w.Context(), []store.Write{{Record: r}}))
		}
	}
	return copied
}

// restore goes on with a backup.
func (w *world) restore(from store.Store, epoch time.Time) {
	w.Helper()
	w.Config.Store, w.Config.RestoredAt = from, epoch
	w.Restart()
}

// TestRestoreRevivesNothing: what was used or ended after the backup was made stays so after the
// restore (R32).
func TestRestoreRevivesNothing(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	ticket, err := w.MFA.CreateTicket(t.Context(), p.id, time.Hour)
	w.Must(err)
	p.signInWithTicket()
	p.text()
	text, app, code, browser := p.Code(), p.totpCode(), p.backup[0], p.browser
	saved := w.backup()

	w.Advance(20 * time.Second)
	restored := w.Now()
	for name, epoch := range map[string]time.Time{"with the epoch": restored, "without": {}} {
		t.Run(name, func(t *testing.T) {
			alive := epoch.IsZero()
			for what, try := range map[string]func() error{
				"the text message of a sign-in": func() error { p.browser = browser; return p.secondFactor(account.PhoneCode, text) },
				"a code of the app":             func() error { _, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(app)); return err },
				"a backup code":                 func() error { _, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(code)); return err },
				"a ticket": func() error {
					_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Ticket: ticket.Token})
					return err
				},
			} {
				w.restore(copyOf(t, saved), epoch)
				if err := try(); (err == nil) != alive {
					t.Errorf("%s: %v, want works %v", what, err, alive)
				}
			}
		})
	}

	w.restore(copyOf(t, saved), restored)
	w.Advance(time.Minute)
	if _, err := w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode())); err != nil {
		t.Errorf("the app's codes after the restore: %v", err)
	}
}

func TestRestoreEndsSessions(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	saved := w.backup()
	w.Advance(time.Second)
	w.restore(saved, w.Now())
	_, err := w.MFA.Me(t.Context(), p.browser)
	w.want(apierr.AuthenticationInvalid, err)
	p.signOut()
	p.signInWithTicket()
	if _, err := w.MFA.Me(t.Context(), p.browser); err != nil {
		t.Errorf("a session that began after the restore: %v", err)
	}
}

func copyOf(t *testing.T, s *store.Memory) *store.Memory {
	t.Helper()
	w := &world{World: &mfatest.World{TB: mfatest.TB{TB: t}}, counts: store.NewCounting(s)}
	return w.backup()
}
