package domain_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/profile"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
	"github.com/countersign-mfa/countersign/internal/store/dynamo"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// reservations are the requests of the operations that use quotas.
var reservations = map[string]int{"send an SMS": 1, "send an SMS that verifies a number": 3, "second factor: SMS code": 1, "send a code to a number (Backend API)": 3, "check the code of a number (Backend API)": 1}

// TestRoundTrips compares the cost of every operation with the table: one more request fails the
// test.
func TestRoundTrips(t *testing.T) {
	ctx := t.Context()
	proof := func(by account.Strategy, code string) mfa.Proof {
		return mfa.Proof{Strategy: by, Code: secret.New(code)}
	}
	table := map[string][]string{}
	for name, tc := range map[string]struct {
		prepare              func(p *person)
		do                   func(p *person) error
		reads, writes, items int // requests, and records written
		wantErr              bool
	}{
		"check an authenticator code (Backend API)": {nil, func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.totpCode())); return err }, 1, 1, 1, false},
		"check a wrong code (Backend API)":          {nil, func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.wrong())); return err }, 1, 1, 1, true},
		"check a code while the user must wait": {func(p *person) {
			for range 5 {
				_, _ = p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.wrong()))
			}
		}, func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.totpCode())); return err }, 1, 0, 0, true},
		"check a malformed code":            {nil, func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New("１２３")); return err }, 1, 0, 0, true},
		"check a backup code (Backend API)": {nil, func(p *person) error { _, err := p.Admin.VerifyTOTP(ctx, p.id, secret.New(p.backup[0])); return err }, 1, 1, 3, false},
		"send a code to a number (Backend API)": {nil, func(p *person) error {
			_, err := p.Admin.PrepareUserPhone(ctx, tx.Caller{}, p.phone)
			return err
		}, 1, 1, 4, false},
		"check the code of a number (Backend API)": {func(p *person) {
			p.backup[0], p.backup[1] = p.sentByBackend(p.phone)
		}, func(p *person) error {
			_, err := p.Admin.AttemptUserPhone(ctx, p.phone, p.backup[0], secret.New(p.backup[1]))
			return err
		}, 1, 1, 1, false},
		"make a ticket": {nil, func(p *person) error { _, err := p.MFA.CreateTicket(ctx, p.id, 0); return err }, 1, 1, 1, false},
		"make a ticket as an operator": {nil, func(p *person) error {
			_, err := p.MFA.CreateTicket(tx.WithOperator(ctx, account.Operator{Reason: "new phone"}), p.id, 0)
			return err
		}, 1, 1, 3, false},
		"sign in with a ticket":        {nil, func(p *person) error { return p.ticketOnly() }, 1, 1, 3, false},
		"second factor: authenticator": {func(p *person) { p.signInWithTicket() }, func(p *person) error { return p.secondFactor(account.TOTPCode, p.totpCode()) }, 1, 1, 4, false},
		"second factor, with the device remembered": {func(p *person) { p.rememberFor(30); p.signInWithTicket() }, func(p *person) error {
			_, err := p.MFA.AttemptSecondFactor(ctx, p.browser, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode()), Remember: true})
			return err
		}, 1, 1, 5, false},
		"sign in with a ticket on a remembered device": {func(p *person) { p.rememberFor(30); p.remembers() }, func(p *person) error { return p.ticketOnly() }, 1, 1, 4, false},
		"list the remembered devices":                  {func(p *person) { p.rememberFor(30); p.remembers(); p.signInWithTicket() }, func(p *person) error { _, err := p.Sessions.OwnDevices(ctx, p.browser); return err }, 1, 0, 0, false},
		"forget the remembered devices":                {func(p *person) { p.rememberFor(30); p.remembers(); p.signInWithTicket() }, func(p *person) error { _, err := p.Sessions.ForgetAllOwn(ctx, p.browser); return err }, 1, 1, 2, false},
		"second factor: wrong code":                    {func(p *person) { p.signInWithTicket() }, func(p *person) error { return p.secondFactor(account.TOTPCode, p.wrong()) }, 1, 1, 2, true},
		"second factor: backup code":                   {func(p *person) { p.signInWithTicket() }, func(p *person) error { return p.secondFactor(account.BackupCode, p.backup[0]) }, 1, 1, 5, false},
		"send an SMS": {func(p *person) { p.signInWithTicket() }, func(p *person) error {
			_, err := p.MFA.PrepareSecondFactor(ctx, p.browser, p.signIn, account.PhoneCode, p.phone)
			return err
		}, 1, 1, 5, false},
		"send an SMS that verifies a number": {func(p *person) {
			p.bare()
			r, err := p.MFA.AddPhone(ctx, p.browser, mfa.PhoneInput{Number: anotherNumber})
			p.Must(err)
			p.phone = r.Phone.ID
		}, func(p *person) error {
			_, err := p.MFA.PreparePhone(ctx, p.browser, p.phone, account.PhoneCode)
			return err
		}, 1, 1, 4, false},
		"second factor: SMS code": {func(p *person) { p.signInWithTicket(); p.text() }, func(p *person) error { return p.secondFactor(account.PhoneCode, p.Code()) }, 1, 1, 4, false},
		"ask for a passkey, as a second factor": {func(p *person) { p.passkeyReady((*holder).secondOptions) }, func(p *person) error {
			_, err := p.MFA.PrepareSecondFactor(ctx, p.browser, p.signIn, account.PasskeyProof, "")
			return err
		}, 1, 1, 1, false},
		"second factor: passkey": {func(p *person) { p.passkeyReady((*holder).secondOptions) }, func(p *person) error {
			_, err := p.MFA.AttemptSecondFactor(ctx, p.browser, p.signIn, assertion(answers[p]))
			return err
		}, 1, 1, 3, false},
		"sign in with a passkey": {func(p *person) { p.passkeyReady((*holder).firstOptions) }, func(p *person) error {
			_, err := p.MFA.AttemptFirstFactor(ctx, p.browser, p.signIn, assertion(answers[p]))
			return err
		}, 1, 1, 3, false},
		"begin to enrol a passkey": {func(p *person) { p.withPasskeys(); p.inside() }, func(p *person) error {
			_, err := p.Passkeys.Create(ctx, p.browser)
			return err
		}, 1, 1, 1, false},
		"confirm a passkey": {func(p *person) { p.enrolmentReady() }, func(p *person) error {
			_, err := p.Passkeys.Confirm(ctx, p.browser, p.phone, answers[p], "Phone")
			return err
		}, 2, 1, 4, false},
		"begin to enrol an authenticator": {(*person).bare, func(p *person) error { _, err := p.MFA.CreateTOTP(ctx, p.browser); return err }, 1, 1, 1, false},
		"confirm an authenticator": {func(p *person) {
			p.bare()
			r, err := p.MFA.CreateTOTP(ctx, p.browser)
			p.Must(err)
			p.key = r.Secret
		}, func(p *person) error {
			_, err := p.MFA.ConfirmTOTP(ctx, p.browser, secret.New(p.totpCode()))
			return err
		}, 1, 1, 3, false},
		"read the user": {(*person).inside, func(p *person) error { _, err := p.MFA.Me(ctx, p.browser); return err }, 1, 0, 0, false},
		"get a session token": {(*person).inside, func(p *person) error {
			_, err := p.Sessions.SessionToken(ctx, p.browser, p.browser.Session)
			return err
		}, 1, 0, 0, false},
		"read the client": {(*person).inside, func(p *person) error { _, err := p.Sessions.Client(ctx, p.browser); return err }, 2, 0, 0, false},
		"touch a session": {(*person).inside, func(p *person) error { _, err := p.Sessions.Touch(ctx, p.browser, p.browser.Session); return err }, 1, 0, 0, false},
		"sign out everywhere else": {func(p *person) {
			other := p.elsewhere()
			other.Must(other.secondFactor(account.TOTPCode, p.totpCode()))
			p.Advance(30 * time.Second)
			p.inside()
		}, func(p *person) error { _, err := p.Sessions.RevokeOthers(ctx, p.browser); return err }, 1, 1, 2, false},
		"step up": {func(p *person) {
			p.inside()
			_, err := p.MFA.StartReverification(ctx, p.browser, p.browser.Session, "second_factor")
			p.Must(err)
		}, func(p *person) error {
			_, err := p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, p.browser.Session, proof(account.BackupCode, p.backup[1]))
			return err
		}, 1, 1, 4, false},
		"ask for a recovery": {func(p *person) {
			p.withRecovery(3)
			p.signInWithTicket()
		}, func(p *person) error {
			_, err := p.MFA.RequestRecovery(ctx, p.browser, p.signIn)
			return err
		}, 1, 1, 3, false},
		"cancel a recovery": {func(p *person) {
			p.withRecovery(3)
			p.inside()
			p.Must(p.elsewhere().ask())
		}, func(p *person) error { _, err := p.MFA.CancelRecovery(ctx, p.browser); return err }, 1, 1, 3, false},
		"merge metadata": {nil, func(p *person) error {
			_, err := p.Admin.MergeMetadata(ctx, p.id, admin.Metadata{Public: json.RawMessage(`{"a":1}`)})
			return err
		}, 1, 1, 2, false},
		"add an e-mail address": {nil, func(p *person) error {
			_, err := p.Admin.AddUserEmail(ctx, p.id, "added@example.com", admin.EmailChange{Verified: new(true)})
			return err
		}, 2, 1, 3, false},
		"verify an e-mail address": {func(p *person) { p.email = p.addEmail("added@example.com") }, func(p *person) error {
			_, err := p.Admin.ChangeUserEmail(ctx, p.email, admin.EmailChange{Verified: new(true)})
			return err
		}, 2, 1, 3, false},
		"read an e-mail address":   {func(p *person) { p.email = p.addEmail("added@example.com") }, func(p *person) error { _, err := p.Admin.UserEmail(ctx, p.email); return err }, 1, 0, 0, false},
		"remove an e-mail address": {func(p *person) { p.email = p.addEmail("added@example.com") }, func(p *person) error { return p.Admin.DeleteUserEmail(ctx, p.email) }, 1, 1, 2, false},
		"replace the e-mail addresses": {nil, func(p *person) error {
			_, err := p.Admin.ReplaceUserEmails(ctx, p.id, "only@example.com", admin.EmailChange{Verified: new(true), Primary: new(true)})
			return err
		}, 2, 1, 4, false},
		"replace the numbers": {nil, func(p *person) error {
			_, err := p.Admin.ReplaceUserPhones(ctx, p.id, "+12125550178", admin.PhoneChange{Verified: new(true), Primary: new(true), Reserved: new(false)})
			return err
		}, 2, 1, 5, false},
		"change the own name": {(*person).inside, func(p *person) error {
			_, err := p.Profile.ChangeProfile(ctx, p.browser, profile.Change{FirstName: new("Ann")})
			return err
		}, 1, 1, 2, false},
		"change the own username": {(*person).inside, func(p *person) error { return p.rename("ann") }, 2, 1, 4, false},
		"merge the own metadata": {(*person).inside, func(p *person) error {
			_, err := p.Profile.MergeMetadata(ctx, p.browser, json.RawMessage(`{"a":1}`))
			return err
		}, 1, 1, 2, false},
		"change the own password": {(*person).inside, func(p *person) error { return p.newPassword("correct horse", "another horse", true) }, 1, 1, 3, false},
		"delete the own account": {func(p *person) {
			_, err := p.Settings.Change(ctx, func(s *account.Settings) { s.DeleteSelf = true })
			p.Must(err)
			p.inside()
		}, func(p *person) error { _, err := p.Profile.Delete(ctx, p.browser); return err }, 2, 1, 7, false},
		"name the authenticator app": {(*person).inside, func(p *person) error { _, err := p.MFA.NameTOTP(ctx, p.browser, "Work phone"); return err }, 1, 1, 2, false},
		"name a number": {(*person).inside, func(p *person) error {
			_, err := p.MFA.NamePhone(ctx, p.browser, p.phone, "Work phone")
			return err
		}, 1, 1, 2, false},
		"make backup codes": {(*person).inside, func(p *person) error { _, err := p.MFA.CreateBackupCodes(ctx, p.browser); return err }, 1, 1, 3, false},
	} {
		cost := fmt.Sprintf("%d|%d|%d|%d", tc.reads, reservations[name], tc.writes, tc.items)
		table[cost] = append(table[cost], name)
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member()
			if tc.prepare != nil {
				tc.prepare(p)
			}
			_, err := p.Engine.Settings(ctx) // a warm process
			p.Must(err)
			p.ticketReady()
			texts := len(p.Sent())
			p.counts.Reset()
			if err := tc.do(p); (err != nil) != tc.wantErr {
				t.Fatal(err)
			}
			got := p.counts.Counts()
			want := fmt.Sprintf("%d reads, %d reservations, %d commits, %d records", tc.reads, reservations[name], tc.writes, tc.items)
			if have := fmt.Sprintf("%d reads, %d reservations, %d commits, %d records", got.Gets, got.Reserves, got.Commits, got.Writes); have != want {
				t.Errorf("%s, want %s", have, want)
			}
			if name == "send an SMS" && len(p.Sent()) != texts+1 {
				t.Errorf("%d messages", len(p.Sent())-texts)
			}
		})
	}
	pageHasRoundTrips(t, table)
}

var update = flag.Bool("update", false, "rewrite the table of docs/develop/performance.md")

// pageHasRoundTrips compares the table of docs/develop/performance.md with the table of the test.
func pageHasRoundTrips(t *testing.T, table map[string][]string) {
	t.Helper()
	const file, begin, end = "../../docs/develop/performance.md", "<!-- generated: round trips -->\n", "<!-- end -->"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(old), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the round trips", file)
	}
	rows := "|reads|reservations|commits|records|operations|\n|---|---|---|---|---|\n"
	for _, cost := range slices.Sorted(maps.Keys(table)) {
		rows += fmt.Sprintf("|%s|%s|\n", cost, strings.Join(slices.Sorted(slices.Values(table[cost])), "; "))
	}
	page := head + begin + rows + end + tail
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(old), page); diff != "" {
		t.Errorf("%s (-page +counted), run make update:\n%s", file, diff)
	}
}

// ready holds tickets that are created before the counting begins.
var ready = map[*person]secret.Value{}

func (p *person) ticketReady() {
	ticket, err := p.MFA.CreateTicket(p.Context(), p.id, 0)
	p.Must(err)
	ready[p] = ticket.Token
}

func (p *person) ticketOnly() error {
	_, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ready[p]})
	return err
}

// answers holds the answers of passkeys that are made before the counting begins.
var answers = map[*person]string{}

// passkeyReady gives the person a passkey, which answers the options of a sign-in.
func (p *person) passkeyReady(options func(*holder) string) {
	p.withPasskeys()
	h := p.withPasskey()
	answers[p] = h.sign(options(h))
}

// enrolmentReady begins the enrolment of a passkey. Its id takes the place of the phone's.
func (p *person) enrolmentReady() {
	p.withPasskeys()
	p.inside()
	h := &holder{person: p, device: &authenticator.Authenticator{}}
	p.phone, answers[p] = h.begin()
}

// firstOptions begins a sign-in by passkey.
func (h *holder) firstOptions() string {
	h.Helper()
	r, err := h.MFA.CreateSignIn(h.Context(), h.browser, mfa.SignInInput{Strategy: account.PasskeyProof})
	h.Must(err)
	h.keepToken(r.Snapshot)
	h.signIn = r.SignIn.ID
	return r.SignIn.First.Options
}

// inside signs in with both factors.
func (p *person) inside() {
	p.Helper()
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(30 * time.Second)
	_, err := p.Sessions.Client(p.Context(), p.browser)
	p.Must(err)
}

// bare becomes a newcomer without any factor, signed in.
func (p *person) bare() {
	p.Helper()
	*p = *p.newcomer()
	p.signInWithTicket()
}

// TestAUserIsSmall: a database bills a write per kilobyte.
func TestAUserIsSmall(t *testing.T) {
	w := newWorld(t)
	// The first factor is the application's own.
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"somebody@example.com"}})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	p.enrolApp()
	_, err = p.MFA.NameTOTP(t.Context(), p.browser, "Work phone")
	w.Must(err)
	p.signOut()
	const sessions, acts = 3, 6
	full, note := 0, ""
	check := func() {
		notes, err := w.memory.Notes(t.Context(), 1000)
		p.Must(err)
		for _, n := range notes { // the longest that any of the acts has
			if len(n.Text) > len(note) {
				note = n.Text
			}
		}

		records, _, err := p.counts.List(t.Context(), store.KindUser, "", 1)
		p.Must(err)
		var user struct {
			Trail struct {
				Entries []any `json:"e"`
			} `json:"at"`
			Sessions []any `json:"ss"`
		}
		p.Must(json.Unmarshal(records[0].Data, &user))
		if len(user.Trail.Entries) == acts && len(user.Sessions) >= sessions {
			full++
		}
		if n := dynamo.WriteUnits(store.Write{Record: records[0], Note: note}); n > 1 {
			t.Errorf("a user with a number, an app, ten codes, %d sessions and %d acts costs %d write units, want 1:\n%s",
				len(user.Sessions), len(user.Trail.Entries), n, records[0].Data)
		}
	}
	for range sessions {
		p.browser = tx.Caller{}
		p.inside()
		check()
	}
	p.browser = tx.Caller{}
	for range acts { // of different kinds, enough to move out of the record once
		p.Advance(30 * time.Second)
		p.inside()
		_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.wrong()))
		p.want(apierr.FormCodeIncorrect, err)
		check()
		p.Advance(30 * time.Second)
		_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
		p.Must(err)
		check()
		p.signOut()
		check()
	}
	if full == 0 || len(note) < 10 {
		t.Errorf("the record was full %d times, with the note %q", full, note)
	}
}
