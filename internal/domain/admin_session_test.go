package domain_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// TestASessionForTestsProvesNothing: a session that the Backend API makes has proved no factor. A
// server that asks for a fresh proof refuses it.
func TestASessionForTestsProvesNothing(t *testing.T) {
	w := newWorld(t)
	for name, tc := range map[string]struct {
		p    *person
		want [2]int
	}{
		"no second factor": {w.newcomer(), [2]int{authority.NotProved, authority.NoFactor}},
		"a second factor":  {w.member(), [2]int{authority.NotProved, authority.NotProved}},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.happened(eventtype.SignedIn)
			r, err := w.Admin.CreateSession(t.Context(), tc.p.id)
			w.Must(err)
			if got := r.Snapshot.Ages(r.Session); got != tc.want {
				t.Errorf("fva %v, want %v", got, tc.want)
			}
			if n := w.happened(eventtype.SignedIn) - before; n != 1 {
				t.Errorf("%d events, want one session.created", n)
			}
			again, err := w.Admin.AnySession(t.Context(), r.Session.ID)
			w.Must(err)
			if diff := cmp.Diff(r.Session, again.Session); diff != "" {
				t.Errorf("the stored session differs:\n%s", diff)
			}
			if token, err := w.Admin.AnySessionToken(t.Context(), r.Session.ID); err != nil || token.IsZero() {
				t.Errorf("no token of the session: %v", err)
			}
			listed, err := w.Admin.UserSessions(t.Context(), tc.p.id)
			if err != nil || len(listed) != 1 || listed[0].Session.ID != r.Session.ID {
				t.Errorf("the sessions of the user are %v, %v", listed, err)
			}
		})
	}
}

// TestNoBrowserHoldsASessionForTests: the client of such a session has no token that a request
// could present.
func TestNoBrowserHoldsASessionForTests(t *testing.T) {
	w := newWorld(t)
	r, err := w.Admin.CreateSession(t.Context(), w.newcomer().id)
	w.Must(err)
	client := strings.TrimPrefix(r.Session.ClientWireID(), "client_")
	for _, text := range []string{client, client + "a", client + strings.Repeat("a", 52)} {
		for _, transport := range []tx.TokenTransport{tx.Cookie, tx.Native, tx.DevBrowser} {
			from := tx.Caller{Credentials: []tx.Credential{{Transport: transport, Token: secret.New(text)}}, Session: r.Session.ID}
			if _, err := w.MFA.Me(t.Context(), from); err == nil {
				t.Errorf("the token %q opens the session", text)
			}
		}
	}
}

// TestNoSessionForTestsWhereNoneMayBe: a session is not made for a user who may not sign in, nor if
// a required second factor would end it at once.
func TestNoSessionForTestsWhereNoneMayBe(t *testing.T) {
	w := newWorld(t)
	member, locked, banned, gone, newcomer := w.member(), w.newcomer(), w.newcomer(), w.newcomer(), w.newcomer()
	_, err := w.Admin.Lock(t.Context(), locked.id)
	w.Must(err)
	_, err = w.Admin.Ban(t.Context(), banned.id)
	w.Must(err)
	w.Must(w.Admin.DeleteUser(t.Context(), gone.id))
	_, err = w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	for name, tc := range map[string]struct {
		id   string
		want apierr.Code
	}{
		"an unknown user":                {"user_" + strings.Repeat("a", account.IDLen), apierr.ResourceNotFound},
		"an id of something else":        {"sess_1", apierr.ResourceNotFound},
		"a deleted user":                 {gone.id, apierr.ResourceNotFound},
		"a banned user":                  {banned.id, apierr.UserBanned},
		"a locked user":                  {locked.id, apierr.UserLocked},
		"a user who must prove a factor": {member.id, apierr.FormParamValueInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			before := w.counts.Counts().Writes
			_, err := w.Admin.CreateSession(t.Context(), tc.id)
			w.want(tc.want, err)
			if w.counts.Counts().Writes != before {
				t.Error("the refusal wrote a record")
			}
		})
	}
	r, err := w.Admin.CreateSession(t.Context(), newcomer.id)
	w.Must(err)
	if got := r.Snapshot.Status(r.Session); got != account.SessionPending {
		t.Errorf("a user without the required second factor gets a session that is %s, want pending", got)
	}
}
