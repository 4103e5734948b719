package domain_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// fullUser returns a user with all fields set, signed in on many clients, with a pending SMS code.
func (w *world) fullUser(clients int) *person {
	w.Helper()
	u, err := w.Admin.CreateUser(w.Context(), admin.UserInput{
		Username: "Maxine.M", FirstName: "Maxine", LastName: "Mustermann", ExternalID: "customer-4711", Emails: []string{"maxine@example.com"},
		Public: json.RawMessage(`{"team":"gardening"}`), Private: json.RawMessage(`{"note":"likes roses"}`), Unsafe: json.RawMessage(`{"theme":"lavender"}`),
		Password: secret.New("correct horse"),
	})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	p.enrolApp()
	for range clients {
		p.browser.Credentials = nil
		p.Advance(time.Minute)
		p.inside()
	}
	return p
}

// traces returns the texts that would identify the person in the store.
func (p *person) traces() []string {
	id := strings.TrimPrefix(p.id, "user_")
	texts := []string{id, "axine", "ustermann", "4711", "gardening", "roses", "lavender", aNumber, aNumber[2:]}
	for _, r := range p.records() {
		if r.Key == (store.Key{Kind: store.KindUser, ID: id}) {
			for field, value := range map[string][]string{"to": {"i", "s"}, "bc": {"i", "t"}} {
				record := map[string]json.RawMessage{}
				p.Must(json.Unmarshal(r.Data, &record))
				inner := map[string]any{}
				p.Must(json.Unmarshal(record[field], &inner))
				for _, name := range value {
					texts = append(texts, inner[name].(string))
				}
			}
		}
	}
	return texts
}

// TestADeletedUserLeavesNothing: after the deletion no record holds the user's name or data, on any
// number of clients. Only tickets and SMS records hold the random id until they expire.
func TestADeletedUserLeavesNothing(t *testing.T) {
	for _, clients := range []int{1, 30, 60} {
		t.Run(fmt.Sprint(clients, " clients"), func(t *testing.T) {
			w := newWorld(t)
			p, bystander := w.fullUser(clients), w.newcomer()
			bystander.browser = p.browser // after a sign-out on the same client
			p.signOut()
			bystander.signInWithTicket()
			p.browser.Credentials = nil
			p.inside()
			texts := p.traces()
			// The store has some of the texts only sealed or hashed, the number in two spellings.
			const sealedAndHashed = 5
			seen := 0
			for _, text := range texts {
				if w.found(text) != nil {
					seen++
				}
			}
			if seen < len(texts)-sealedAndHashed {
				t.Fatalf("only %d of %q are there before", seen, texts)
			}
			before := w.counts.Reset()
			w.Must(w.Admin.DeleteUser(t.Context(), p.id))
			if got := w.counts.Counts(); got.Commits > clients/20+1 {
				t.Errorf("%d commits after %+v", got.Commits, before)
			}
			for _, text := range texts {
				for _, where := range w.found(text) {
					if where.Kind != store.KindTicket && where.Kind != store.KindSMS || text != texts[0] {
						t.Errorf("%q is still in %v", text, where)
					}
				}
			}
			if _, err := w.MFA.Me(t.Context(), p.browser); err == nil {
				t.Error("the session lives on")
			}
			// A keyed hash is left where the user had signed out.
			if where := w.found(`"kn":["`); len(where) != 1 {
				t.Errorf("%v still know a user", where)
			}
			if _, err := w.MFA.Me(t.Context(), bystander.browser); err != nil {
				t.Errorf("the other user of the client was signed out: %v", err)
			}
			w.want(apierr.ResourceNotFound, w.Admin.DeleteUser(t.Context(), p.id))
		})
	}
}

// TestWhatOutlivesAUserIsDead: records that the user's record does not name hold only the random
// id. Operations refuse them at once, and they go when they expire.
func TestWhatOutlivesAUserIsDead(t *testing.T) {
	w := newWorld(t)
	p := w.fullUser(1)
	ticket, err := w.MFA.CreateTicket(t.Context(), p.id, 30*24*time.Hour)
	w.Must(err)
	p.banAndUnban() // this ends the sessions while their browser is away
	started := p.stranger()
	started.browser.Credentials = nil
	started.signInWithTicket() // waits for its second factor
	texts := p.traces()
	w.Must(w.Admin.DeleteUser(t.Context(), p.id))
	for _, text := range texts[1:] {
		if where := w.found(text); where != nil {
			t.Errorf("%q is still in %v", text, where)
		}
	}
	id := texts[0]
	left := map[store.Kind]bool{}
	for _, key := range w.found(id) {
		left[key.Kind] = true
	}
	if len(left) != 3 || !left[store.KindTicket] || !left[store.KindClient] || !left[store.KindSMS] {
		t.Errorf("the id is in %v, want tickets, clients and decisions on texts only", left)
	}
	_, err = w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	w.want(apierr.SignInTokenCannotBeUsedCode, err)
	w.want(apierr.ResourceNotFound, started.secondFactor(account.TOTPCode, p.totpCode()))
	if _, err := w.MFA.Me(t.Context(), p.browser); err == nil {
		t.Error("the session lives on")
	}
	again, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "maxine.m", Emails: []string{"maxine@example.com"}, Phones: []string{aNumber}})
	if err != nil || again.WireID() == p.id {
		t.Errorf("the identifiers are not free: %v", err)
	}
	w.Advance(33 * 24 * time.Hour)
	for more := true; more; {
		r, err := w.Service.Admin.Cleanup(t.Context(), 100)
		w.Must(err)
		more = r.More
	}
	if where := w.found(id); where != nil {
		t.Errorf("after all has run out the id is in %v", where)
	}
}

// TestDeletingDoesNotResetTheLimitsOfANumber: otherwise deleting users would allow unlimited SMS to
// a number.
func TestDeletingDoesNotResetTheLimitsOfANumber(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	w.Must(err)
	w.Must(w.Admin.DeleteUser(t.Context(), p.id))
	p = w.newcomer()
	p.signInWithTicket()
	r, err = p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	w.want(apierr.VerificationCodeTooManyRequests, err)
	w.Advance(3 * 24 * time.Hour)
	_, err = w.Service.Admin.Cleanup(t.Context(), 100)
	w.Must(err)
	if left, _, err := w.counts.List(t.Context(), store.KindNumber, "", 10); err != nil || len(left) > 0 {
		t.Errorf("the limits of the number are still there after their day: %v", err)
	}
}
