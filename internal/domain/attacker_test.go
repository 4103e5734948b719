package domain_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/netip"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestGuessesFromManyAddresses: a thousand networks together have no more guesses at one user than
// one of them.
func TestGuessesFromManyAddresses(t *testing.T) {
	p := newWorld(t).member()
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	p.Must(err)
	const networks, free = 1000, 5
	thief := p.stranger()
	thief.signInWithTicket()
	judged := 0
	for i := range networks {
		from := thief.browser
		from.Address = netip.AddrFrom4([4]byte{203, byte(i >> 8), byte(i), 7})
		_, err := p.MFA.AttemptSecondFactor(t.Context(), from, thief.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.wrong())})
		if codeOf(err) == apierr.FormCodeIncorrect {
			judged++
		}
	}
	if judged != free {
		t.Errorf("%d guesses were judged, want %d", judged, free)
	}
}

// texts returns all texts in a record, also decoded from base 64.
func texts(t *testing.T, data []byte) []string {
	t.Helper()
	var all []string
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case string:
			all = append(all, x)
			if raw, err := base64.StdEncoding.DecodeString(x); err == nil {
				all = append(all, string(raw), hex.EncodeToString(raw))
			}
		case []any:
			for _, one := range x {
				walk(one)
			}
		case map[string]any:
			for _, one := range x {
				walk(one)
			}
		}
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	walk(v)
	return all
}

// TestWhatIsStoredIsNoCredential: no value in a copy of the store authenticates. No hash is
// accepted in place of its secret.
func TestWhatIsStoredIsNoCredential(t *testing.T) {
	p := newWorld(t).member()
	p.inside()
	ticket, err := p.MFA.CreateTicket(t.Context(), p.id, 0)
	p.Must(err)
	for _, kind := range []store.Kind{store.KindUser, store.KindClient, store.KindTicket, store.KindNumber, store.KindClaim} {
		records, _, err := p.counts.List(t.Context(), kind, "", 100)
		p.Must(err)
		if len(records) == 0 {
			t.Fatalf("no %s to try", kind)
		}
		for _, r := range records {
			for _, text := range append(texts(t, r.Data), string(r.Data)) {
				for _, token := range []string{text, r.Key.ID + text} {
					_, err := p.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: secret.New(token)})
					if err == nil {
						t.Errorf("the text %q of a %s record is a ticket", text, kind)
					}
					from := tx.Caller{Session: p.browser.Session, Credentials: []tx.Credential{{Transport: tx.Cookie, Token: secret.New(token)}}}
					if _, err := p.MFA.Me(t.Context(), from); err == nil {
						t.Errorf("the text %q of a %s record is a client token", text, kind)
					}
				}
				if _, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(text)); err == nil {
					t.Errorf("the text %q of a %s record is a code", text, kind)
				}
				_, err := p.Admin.Unlock(t.Context(), p.id)
				p.Must(err)
			}
		}
	}
	if _, err := p.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token}); err != nil {
		t.Errorf("the real ticket: %v", err)
	}
}

// TestAnotherProcessCountsOn: failures are counted in the user's record. A new process knows all of
// them.
func TestAnotherProcessCountsOn(t *testing.T) {
	p := newWorld(t).member()
	const free = 5
	judged := 0
	for range 2 * free {
		process, err := domain.New(p.Config)
		p.Must(err)
		if _, err := process.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.wrong())); codeOf(err) == apierr.FormCodeIncorrect {
			judged++
		}
	}
	if judged != free {
		t.Errorf("%d guesses in as many processes were judged, want %d", judged, free)
	}
}
