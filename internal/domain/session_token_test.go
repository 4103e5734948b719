package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// signedIn is a member with a session, whose sign-in shows no token.
func (w *world) signedIn() *person {
	w.Helper()
	p := w.member()
	p.signInWithTicket()
	r, err := p.MFA.AttemptSecondFactor(p.Context(), p.browser, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.Must(err)
	if len(r.Snapshot.Client.Sessions) != 1 || len(r.Snapshot.Tokens) != 0 {
		p.Errorf("%d sessions, %d tokens, want 1 and none", len(r.Snapshot.Client.Sessions), len(r.Snapshot.Tokens))
	}
	p.keepToken(r.Snapshot)
	p.browser.Session = r.SignIn.Created
	return p
}

// sessionToken asks for the session's token.
func (p *person) sessionToken() string {
	p.Helper()
	token, err := p.Sessions.SessionToken(p.Context(), p.browser, p.browser.Session)
	p.Must(err)
	return token.Reveal()
}

// claimsOf returns the claims of a valid token.
func (p *person) claimsOf(token string) sessiontoken.Claims {
	p.Helper()
	keys, err := p.Tokens.PublishedKeys(p.Context())
	p.Must(err)
	claims, err := sessiontoken.Verify(token, keys, p.Issuer(), p.Now())
	p.Must(err)
	return claims
}

// TestAJourneySignsOnce: a sign-in and what a page does after it need one signature, until the
// token is ten seconds old. The sign-in itself needs none: an SDK touches the new session.
func TestAJourneySignsOnce(t *testing.T) {
	p := newWorld(t).signedIn()
	id, token := p.browser.Session, ""
	for _, step := range []struct {
		what string
		do   func() (string, error)
	}{
		{"touch", func() (string, error) {
			r, err := p.Sessions.Touch(t.Context(), p.browser, id)
			return r.Snapshot.Tokens[id].Reveal(), err
		}},
		{"the client", func() (string, error) {
			snap, err := p.Sessions.Client(t.Context(), p.browser)
			return snap.Tokens[id].Reveal(), err
		}},
		{"the session's token", func() (string, error) { return p.sessionToken(), nil }},
		{"a change", func() (string, error) {
			r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: anotherNumber})
			return r.Snapshot.Tokens[id].Reveal(), err
		}},
		{"the client after the change", func() (string, error) {
			snap, err := p.Sessions.Client(t.Context(), p.browser)
			return snap.Tokens[id].Reveal(), err
		}},
	} {
		p.Advance(1500 * time.Millisecond)
		got, err := step.do()
		p.Must(err)
		if token == "" {
			token = got
		}
		if got == "" || got != token {
			t.Errorf("%s: another token", step.what)
		}
		if left := p.claimsOf(got).IssuedAt.Add(sessiontoken.Life).Sub(p.Now()); left < 50*time.Second {
			t.Errorf("%s: the token has %v left", step.what, left)
		}
	}
	p.Advance(9 * time.Second)
	if p.sessionToken() == token {
		t.Error("a token of 15 seconds was given out again")
	}
}

// TestNoTokenOutlivesItsAuthority: after each change there is another token or none, at once.
func TestNoTokenOutlivesItsAuthority(t *testing.T) {
	for what, tc := range map[string]struct {
		change func(*person)
		gone   bool
	}{
		"the session is revoked": {func(p *person) {
			_, err := p.Admin.RevokeSession(t.Context(), p.browser.Session)
			p.Must(err)
		}, true},
		"the user signs out": {func(p *person) {
			_, err := p.Sessions.EndAll(t.Context(), p.browser)
			p.Must(err)
		}, true},
		"the user is banned": {func(p *person) {
			_, err := p.Admin.Ban(t.Context(), p.id)
			p.Must(err)
		}, true},
		"the user is banned and unbanned": {(*person).banAndUnban, true},
		"the user is deleted":             {func(p *person) { p.Must(p.Admin.DeleteUser(t.Context(), p.id)) }, true},
		"a new password, which signs out": {func(p *person) {
			_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Password: new(secret.New("battery staple")), SignOutOthers: true})
			p.Must(err)
		}, true},
		"a new password": {func(p *person) {
			_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Password: new(secret.New("battery staple"))})
			p.Must(err)
		}, false},
		"the authenticator app is removed": {func(p *person) {
			_, err := p.MFA.DeleteTOTP(t.Context(), p.browser)
			p.Must(err)
		}, false},
		"the first factor is proved again": {func(p *person) {
			_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
			p.Must(err)
			_, err = p.MFA.AttemptReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.Password, Password: secret.New("correct horse")})
			p.Must(err)
		}, false},
		"the signing keys are revoked": {func(p *person) { p.Must(p.Tokens.RevokeSigningKeys(t.Context())) }, false},
	} {
		t.Run(what, func(t *testing.T) {
			p := newWorld(t).signedIn()
			before := p.sessionToken()
			tc.change(p)
			after, err := p.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
			switch {
			case tc.gone && err == nil:
				t.Error("there is still a token")
			case tc.gone && apierr.From(err).Code() == apierr.InternalClerkError:
				t.Error(err)
			case !tc.gone && err != nil:
				t.Error(err)
			case !tc.gone && after.Reveal() == before:
				t.Error("the token from before was given out again")
			}
			if !tc.gone && !strings.HasPrefix(p.claimsOf(after.Reveal()).SessionID, "sess_") {
				t.Error("the new token is of no session")
			}
		})
	}
}

// TestANativeAppGetsItsTokenAtOnce: with the answer that completes the sign-in.
func TestANativeAppGetsItsTokenAtOnce(t *testing.T) {
	p := newWorld(t).newcomer()
	p.browser.Credentials = []tx.Credential{{Transport: tx.Native}}
	r := p.signInWithTicket()
	token := r.Snapshot.Tokens[r.SignIn.Created].Reveal()
	if token == "" || token != p.sessionToken() {
		t.Error("no token, or another one at the next request")
	}
}
