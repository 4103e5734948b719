package domain_test

import (
	"encoding/json"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// TestAUserWithAPasskeyIsSmall: a check of a passkey writes one unit for the user and one for the
// client, for a user with an app, ten codes, a passkey, three sessions and four
// acts.
func TestAUserWithAPasskeyIsSmall(t *testing.T) {
	w := newWorld(t).withPasskeys()
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"somebody@example.com"}})
	w.Must(err)
	h := &holder{person: &person{world: w, id: u.WireID()}, device: &authenticator.Authenticator{Counts: true}}
	h.browser.Origin = onPage
	h.signInWithTicket()
	h.enrolApp()
	h.enrol()
	h.signOut()
	full := 0
	for range 4 {
		h.browser = tx.Caller{Origin: onPage}
		_, err := h.Admin.VerifyTOTP(t.Context(), h.id, secret.New(h.wrong()))
		h.want(apierr.FormCodeIncorrect, err)
		h.Must(h.second(h.sign(h.secondOptions())))
		for _, kind := range []store.Kind{store.KindUser, store.KindClient} {
			records, _, err := h.counts.List(t.Context(), kind, "", 100)
			h.Must(err)
			for _, r := range records {
				if n := dynamo.WriteUnits(store.Write{Record: r, Note: "g1d vpasskey"}); n > 1 {
					t.Errorf("%d write units: %s", n, r.Data)
				}
				var user struct {
					Trail struct {
						Entries []any `json:"e"`
					} `json:"at"`
					Sessions []any `json:"ss"`
				}
				h.Must(json.Unmarshal(r.Data, &user))
				if len(user.Sessions) >= 3 && len(user.Trail.Entries) >= 4 {
					full++
				}
			}
		}
	}
	if full == 0 {
		t.Error("the record was never full")
	}
}
