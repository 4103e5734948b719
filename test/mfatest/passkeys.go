package mfatest

import (
	"errors"
	"sync"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// RaceForPasskey enrols a passkey on a store, and lets two servers answer one challenge in many
// copies at once. It fails unless exactly one answer signs in, and the credential id is claimed
// until the user is deleted.
func RaceForPasskey(t *testing.T, shared store.Store) {
	t.Helper()
	const copies = 50
	servers := []*World{New(t, domain.Config{Store: shared}), New(t, domain.Config{Store: shared})}
	w, ctx := servers[0], t.Context()
	_, err := w.Settings.Change(ctx, func(s *account.Settings) { s.Passkeys, s.IPLimits = true, false })
	w.Must(err)
	servers[1].Cache.Put(nil)
	user, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "owner"})
	w.Must(err)
	device := &authenticator.Authenticator{Counts: true}
	from := tx.Caller{Origin: "https://clerk.example.com"}
	keep := func(s *sessions.Snapshot) {
		if !s.Token.IsZero() {
			from.Credentials = []tx.Credential{{Transport: s.Transport, Token: s.Token}}
		}
	}
	ticket, err := w.MFA.CreateTicket(ctx, user.WireID(), 0)
	w.Must(err)
	in, err := w.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	w.Must(err)
	keep(in.Snapshot)
	begun, err := w.Passkeys.Create(ctx, from)
	w.Must(err)
	made, err := device.Create(begun.Options)
	w.Must(err)
	_, err = w.Passkeys.Confirm(ctx, from, begun.Passkey.WireID(), made, "Phone")
	w.Must(err)
	_, err = w.Sessions.EndAll(ctx, from)
	w.Must(err)
	in, err = w.MFA.CreateSignIn(ctx, from, mfa.SignInInput{Strategy: account.PasskeyProof})
	w.Must(err)
	keep(in.Snapshot)
	signed, err := device.Get(in.SignIn.First.Options)
	w.Must(err)
	answers := make([]error, copies)
	var wait sync.WaitGroup
	for i := range copies {
		wait.Go(func() {
			_, answers[i] = servers[i%2].MFA.AttemptFirstFactor(ctx, from, in.SignIn.ID, mfa.Proof{Strategy: account.PasskeyProof, Credential: secret.New(signed)})
		})
	}
	wait.Wait()
	won := 0
	for _, err := range answers {
		refused, ok := errors.AsType[*apierr.Error](err)
		switch {
		case err == nil:
			won++
		case !ok || refused.Code() == apierr.InternalClerkError:
			t.Errorf("a server answers %v", err)
		}
	}
	stored, err := w.Admin.User(ctx, user.WireID())
	w.Must(err)
	if won != 1 || len(stored.Sessions) != 1 || stored.Passkeys[0].Counter != 1 {
		t.Errorf("%d answers signed in, %d sessions, counter %d", won, len(stored.Sessions), stored.Passkeys[0].Counter)
	}
	w.Must(w.Admin.DeleteUser(ctx, user.WireID()))
}
