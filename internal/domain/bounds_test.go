package domain_test

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

// TestAnEndpointsSecretBeforeSignsForADay: after a rotation both secrets sign for a day. Of three
// secrets only the newest two sign.
func TestAnEndpointsSecretBeforeSignsForADay(t *testing.T) {
	o := newWebhookWorld(t, eventtype.UserCreated)
	sign := func() int {
		o.got = nil
		o.newcomer()
		o.run()
		return len(o.got[0].Secrets)
	}
	_, err := o.Webhooks.RotateEndpoint(t.Context(), o.endpoint)
	o.Must(err)
	o.Advance(24*time.Hour - time.Second)
	if n := sign(); n != 2 {
		t.Errorf("%d secrets sign a second before the day is over, want 2", n)
	}
	o.Advance(time.Second)
	if n := sign(); n != 1 {
		t.Errorf("%d secrets sign after the day, want 1", n)
	}
	for range 3 {
		_, err = o.Webhooks.RotateEndpoint(t.Context(), o.endpoint)
		o.Must(err)
	}
	if n := sign(); n != 2 {
		t.Errorf("%d secrets sign after three rotations, want 2", n)
	}
}

// TestAnEndpointIsBounded: its URL has at most 500 bytes and its description 200, and its secret is
// 256 random bits.
func TestAnEndpointIsBounded(t *testing.T) {
	w := newWorld(t)
	const base = "https://app.example.com/"
	secrets := map[string]bool{}
	for _, tc := range []struct {
		url, description int
		want             apierr.Code
	}{{500, 200, ""}, {501, 0, apierr.FormParamFormatInvalid}, {500, 201, apierr.FormParamValueInvalid}, {100, 0, ""}} {
		url, description := base+strings.Repeat("x", tc.url-len(base)), strings.Repeat("x", tc.description)
		r, err := w.Webhooks.CreateEndpoint(t.Context(), webhook.EndpointChange{URL: &url, Description: &description})
		w.want(tc.want, err)
		if err != nil {
			continue
		}
		text, ok := strings.CutPrefix(r.Secret.Reveal(), "whsec_")
		raw, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(raw) != 32 || secrets[text] {
			t.Errorf("a secret of %d bytes, or one that was there before: %v", len(raw), err)
		}
		secrets[text] = true
	}
}

// begins starts a sign-in for an unknown identifier, from an address.
func (w *world) begins(from string) apierr.Code {
	w.Helper()
	_, err := w.MFA.CreateSignIn(w.Context(), tx.Caller{Address: netip.MustParseAddr(from)}, mfa.SignInInput{Identifier: "nobody@example.com"})
	return codeOf(err)
}

// TestAnAddressBeginsFewSignIns: an address begins five sign-ins in ten seconds, and its /24 or /56
// ten times as many. An IPv6 subscriber's /64 is one address.
func TestAnAddressBeginsFewSignIns(t *testing.T) {
	for name, tc := range map[string]struct {
		same, near func(i int) string // addresses that are one, and that are neighbours
		other      string
	}{
		"IPv4":         {func(int) string { return "203.0.113.1" }, func(i int) string { return fmt.Sprintf("203.0.113.%d", i+1) }, "203.0.114.1"},
		"IPv4 in IPv6": {func(int) string { return "::ffff:203.0.113.1" }, func(i int) string { return fmt.Sprintf("203.0.113.%d", i+1) }, "::ffff:203.0.114.1"},
		"IPv6":         {func(i int) string { return fmt.Sprintf("2001:db8:1:100::%x", i+1) }, func(i int) string { return fmt.Sprintf("2001:db8:1:1%02x::1", i) }, "2001:db8:1:200::1"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.settle(func(s *account.Settings) { s.IPLimits = true })
			for i := range 5 {
				if code := w.begins(tc.same(i)); code != "" {
					t.Fatalf("the sign-in %d: %s", i+1, code)
				}
			}
			if code := w.begins(tc.same(5)); code != apierr.TooManyRequests {
				t.Errorf("the sixth sign-in: %q", code)
			}
			for i := range 45 {
				if code := w.begins(tc.near(i/5 + 1)); code != "" {
					t.Fatalf("the sign-in %d of the surroundings: %s", i+6, code)
				}
			}
			if code := w.begins(tc.near(20)); code != apierr.TooManyRequests {
				t.Errorf("the sign-in 51 of the surroundings: %q", code)
			}
			if code := w.begins(tc.other); code != "" {
				t.Errorf("from elsewhere: %s", code)
			}
			w.Advance(10 * time.Second)
			if code := w.begins(tc.same(0)); code != "" {
				t.Errorf("ten seconds later: %s", code)
			}
		})
	}
}

// TestAnAddressTriesFewPasswords: an address tries 60 passwords in an hour and 300 in a day, over
// all accounts.
func TestAnAddressTriesFewPasswords(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.IPLimits = true })
	// The limits count by hours and days of UTC.
	w.Advance(w.Now().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(w.Now()))
	accounts := 0
	try := func() error {
		accounts++
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{Address: aNetwork}, mfa.SignInInput{Identifier: fmt.Sprintf("nobody%d@example.com", accounts), Password: secret.New("wrong")})
		return err
	}
	for range 5 {
		hour := w.Now()
		for range 60 {
			w.want(apierr.FormPasswordOrIdentifierIncorrect, try())
			w.Advance(10 * time.Second)
		}
		err := try()
		w.want(apierr.TooManyRequests, err)
		if wait := apierr.From(err).RetryAfter(); wait != hour.Add(time.Hour).Sub(w.Now()) {
			t.Errorf("after sixty in an hour: again after %v, want the rest of the hour", wait)
		}
		w.Advance(hour.Add(time.Hour).Sub(w.Now()))
	}
	err := try()
	w.want(apierr.TooManyRequests, err)
	if wait := apierr.From(err).RetryAfter(); wait != 19*time.Hour {
		t.Errorf("after three hundred in a day: again after %v, want the rest of the day", wait)
	}
	w.Advance(19 * time.Hour)
	w.want(apierr.FormPasswordOrIdentifierIncorrect, try())
}

// TestAnAddressHasFewMessagesSent: an address has 10 messages sent in ten minutes and 50 in a day,
// over all accounts and numbers, also while the breakers only record.
func TestAnAddressHasFewMessagesSent(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.IPLimits, s.SMSRecordOnly = true, true })
	w.Advance(w.Now().Truncate(24 * time.Hour).Add(24 * time.Hour).Sub(w.Now()))
	p := &pumpers{world: w}
	n := 0
	ask := func() error {
		n++
		return p.ask(fmt.Sprintf("+1212201%04d", 1000+n), aNetwork)
	}
	for range 5 {
		p.used = 0 // a session that is fresh enough to add numbers
		for range 10 {
			w.want("", ask())
			w.Advance(30 * time.Second)
		}
		p.used = 0
		err := ask()
		w.want(apierr.TooManyRequests, err)
		if wait := apierr.From(err).RetryAfter(); wait != 5*time.Minute {
			t.Errorf("after ten in ten minutes: again after %v, want the rest of them", wait)
		}
		if reason := apierr.From(err).Meta()["reason"]; reason != nil {
			t.Errorf("whoever probes the limits is told of %v", reason)
		}
		w.Advance(5 * time.Minute)
	}
	p.used = 0
	err := ask()
	w.want(apierr.TooManyRequests, err)
	if wait := apierr.From(err).RetryAfter(); wait < 23*time.Hour {
		t.Errorf("after fifty in a day: again after %v, want the rest of the day", wait)
	}
}

// TestATicketsLife: a ticket lives between a second and 30 days, ten minutes by default.
func TestATicketsLife(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	for life, want := range map[time.Duration]apierr.Code{
		time.Second: "", 30 * 24 * time.Hour: "", 0: "",
		time.Second - 1: apierr.FormParamValueInvalid, 30*24*time.Hour + 1: apierr.FormParamValueInvalid, -time.Hour: apierr.FormParamValueInvalid,
	} {
		r, err := w.MFA.CreateTicket(t.Context(), p.id, life)
		w.want(want, err)
		if err != nil {
			continue
		}
		if life == 0 {
			life = 10 * time.Minute
		}
		if got := r.Ticket.Expires.Sub(r.Now); got != life {
			t.Errorf("a ticket of %v lives %v", life, got)
		}
	}
}

// TestADeadTicketIsRemembered: for a day after its end, a second use of a ticket gets the reason. A
// day later the cleanup removes the ticket.
func TestADeadTicketIsRemembered(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	ticket, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
	w.Must(err)
	use := func() error {
		_, err := w.Service.Admin.Cleanup(t.Context(), 1000)
		w.Must(err)
		_, err = w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
		return err
	}
	w.want("", use())
	w.Advance(10*time.Minute + 48*time.Hour - time.Second)
	w.want(apierr.SignInTokenAlreadyUsedCode, use())
	w.Advance(2 * time.Second)
	w.want(apierr.TicketInvalidCode, use())
}

// TestDecisionsAreKeptForThirtyDays: the cleanup removes an SMS record after 31 days.
func TestDecisionsAreKeptForThirtyDays(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	left := func() int {
		_, err := w.Service.Admin.Cleanup(t.Context(), 1000)
		w.Must(err)
		texts, err := w.SMS.Log(t.Context(), sms.LogQuery{Limit: 10})
		w.Must(err)
		return len(texts)
	}
	w.Advance(31*24*time.Hour - time.Second)
	if n := left(); n != 1 {
		t.Errorf("a second before the 31 days are over there are %d decisions, want 1", n)
	}
	w.Advance(2 * time.Second)
	if n := left(); n != 0 {
		t.Errorf("after 31 days there are %d decisions, want none", n)
	}
}

// TestNobodyIsRememberedAsLongAsAnAccount: wrong passwords count for twenty days and a cleanup, for
// an unknown identifier as for an account. Later answers do not distinguish them either.
func TestNobodyIsRememberedAsLongAsAnAccount(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.User(t.Context(), w.newcomer().id)
	w.Must(err)
	answers := map[string][]apierr.Code{}
	fail := func(identifier string, times int) {
		for range times {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: identifier, Password: secret.New("wrong")})
			answers[identifier] = append(answers[identifier], codeOf(err))
		}
	}
	account := u.Emails[0].Address
	const nobody = "nobody@example.com"
	for _, identifier := range []string{account, nobody} {
		fail(identifier, 4)
	}
	w.Advance(20 * 24 * time.Hour)
	_, err = w.Service.Admin.Cleanup(t.Context(), 1000)
	w.Must(err)
	for _, identifier := range []string{account, nobody} {
		fail(identifier, 4)
	}
	if fmt.Sprint(answers[account]) != fmt.Sprint(answers[nobody]) || answers[account][7] == answers[account][0] {
		t.Errorf("an account: %v, nobody: %v; want them alike, and the last refused unjudged", answers[account], answers[nobody])
	}
}

// TestOnlyAPendingTicketIsRevoked: revoking a used, revoked or expired ticket is an error.
func TestOnlyAPendingTicketIsRevoked(t *testing.T) {
	for name, dies := range map[string]func(w *world, r *mfa.TicketResult) error{
		"used": func(w *world, r *mfa.TicketResult) error {
			_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: r.Token})
			return err
		},
		"revoked": func(w *world, r *mfa.TicketResult) error {
			_, err := w.MFA.RevokeTicket(t.Context(), r.Ticket.WireID())
			return err
		},
		"run out": func(w *world, _ *mfa.TicketResult) error { w.Advance(10 * time.Minute); return nil },
	} {
		w := newWorld(t)
		r, err := w.MFA.CreateTicket(t.Context(), w.newcomer().id, 0)
		w.Must(err)
		w.Must(dies(w, r))
		if _, err = w.MFA.RevokeTicket(t.Context(), r.Ticket.WireID()); codeOf(err) != apierr.SignInTokenCannotBeRevokedCode {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestATicketIsOfItsUser: a token with another user's id is invalid and does not use up the ticket.
func TestATicketIsOfItsUser(t *testing.T) {
	w := newWorld(t)
	one, two := w.newcomer(), w.newcomer()
	r, err := w.MFA.CreateTicket(t.Context(), one.id, 0)
	w.Must(err)
	use := func(token string) error {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: secret.New(token)})
		return err
	}
	forged := strings.Replace(r.Token.Reveal(), strings.TrimPrefix(one.id, "user_"), strings.TrimPrefix(two.id, "user_"), 1)
	if forged == r.Token.Reveal() {
		t.Fatal("the token does not name its user")
	}
	w.want(apierr.TicketInvalidCode, use(forged))
	w.want("", use(r.Token.Reveal()))
}
