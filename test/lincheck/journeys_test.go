package lincheck

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// A journey is a task of a user or of the application's server. run first reads what is already
// done, so it can be repeated after a failure. goal returns an error unless the journey reached its
// goal.
type journey struct {
	name    string
	factors bool // the user has them from the start
	run     func(context.Context, *journeyUser) error
	goal    func(context.Context, *journeyUser) error
}

const theirPassword = "correct horse"

// journeyUser is the user of a journey.
type journeyUser struct {
	*World
	id, name string
	number   string
	key      secret.Value
	written  []string // backup codes not yet tried
	from     tx.Caller
	signInID string
	other    string // a user that the server creates
	made     bool
	asked    int // for how many messages
}

func newJourneyUser(t *testing.T, w *World, factors bool) *journeyUser {
	t.Helper()
	h := &journeyUser{World: w, name: "u" + w.number()[1:], number: w.number()}
	in := admin.UserInput{Username: h.name, Password: secret.New(theirPassword)}
	if factors {
		var err error
		if h.key, err = totp.Generate(&w.chance); err != nil {
			t.Fatal(err)
		}
		h.written = []string{"11111-22222", "33333-44444", "55555-66666", "77777-88888", "99999-00000"}
		in.ReservedPhones, in.TOTPSecret, in.BackupCodes = []string{h.number}, h.key, secrets(h.written)
	}
	u, err := w.Admin.CreateUser(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	h.id = u.WireID()
	return h
}

func (h *journeyUser) keepToken(r *mfa.SignInResult) {
	if !r.Snapshot.Token.IsZero() {
		h.from.Credentials = []tx.Credential{{Transport: r.Snapshot.Transport, Token: r.Snapshot.Token}}
	}
	h.signInID, h.from.Session = r.SignIn.ID, r.SignIn.Created
}

// signIn signs in, unless the user is signed in: with a password or a ticket, and with a second
// factor where one is required.
func (h *journeyUser) signIn(ctx context.Context, first, second account.Strategy) error {
	if h.from.Session != "" {
		if _, err := h.MFA.Me(ctx, h.from); err == nil || kindOf(err) != Closed {
			return err
		}
	}
	h.from = tx.Caller{}
	in := mfa.SignInInput{Strategy: first}
	if first == account.Password {
		in.Identifier, in.Password = h.name, secret.New(theirPassword)
	} else {
		ticket, err := h.MFA.CreateTicket(ctx, h.id, 0)
		if err != nil {
			return err
		}
		in.Ticket = ticket.Token
	}
	r, err := h.MFA.CreateSignIn(ctx, h.from, in)
	if err != nil {
		return err
	}
	h.keepToken(r)
	if r.SignIn.Status() == account.SignInComplete {
		return nil
	}
	if second == account.PhoneCode {
		if err := h.text(ctx); err != nil {
			return err
		}
	}
	return h.secondFactor(ctx, second)
}

func (h *journeyUser) text(ctx context.Context) error {
	h.asked++
	r, err := h.MFA.PrepareSecondFactor(ctx, h.from, h.signInID, account.PhoneCode, "")
	if err == nil {
		h.keepToken(r)
	}
	return err
}

func (h *journeyUser) secondFactor(ctx context.Context, by account.Strategy) error {
	r, err := h.MFA.AttemptSecondFactor(ctx, h.from, h.signInID, h.guess(by))
	if err == nil {
		h.keepToken(r)
	}
	return err
}

// guess returns a correct proof. Each backup code is used once: after a lost answer the next one is
// used.
func (h *journeyUser) guess(by account.Strategy) mfa.Proof {
	g := mfa.Proof{Strategy: by}
	switch by {
	case account.PhoneCode:
		g.Code = secret.New(h.lastText())
	case account.BackupCode:
		g.Code, h.written = secret.New(h.written[0]), h.written[1:]
	case account.TOTPCode:
		code, err := totp.Code(h.key, h.clock.now())
		if err != nil {
			panic(err) // this test made the key
		}
		g.Code = secret.New(code)
	}
	return g
}

func (h *journeyUser) lastText() string {
	codes := h.codes()
	if len(codes) == 0 {
		return "000000"
	}
	return codes[len(codes)-1]
}

// has returns a goal: a property of the user holds.
func has(what string, holds func(*account.User) bool) func(context.Context, *journeyUser) error {
	return func(ctx context.Context, h *journeyUser) error {
		u, err := h.Admin.User(ctx, h.id)
		if err == nil && !holds(u) {
			err = errors.New("not so: " + what)
		}
		return err
	}
}

func signedIn(ctx context.Context, h *journeyUser) error {
	_, err := h.MFA.Me(ctx, h.from)
	return err
}

// signInJourney is a journey that ends with a session.
func signInJourney(name string, first, second account.Strategy) journey {
	return journey{name: name, factors: true, goal: signedIn, run: func(ctx context.Context, h *journeyUser) error { return h.signIn(ctx, first, second) }}
}

var journeys = []journey{
	{name: "enrol a number", run: enrolNumber, goal: has("a number is the second factor, with backup codes", func(u *account.User) bool {
		return u.TwoFactorEnabled() && u.BackupCodesEnabled() && len(u.Phones) == 1 && u.Phones[0].Default
	})},
	{name: "enrol an app", run: enrolApp, goal: has("an app is bound, with backup codes", func(u *account.User) bool { return u.TOTPEnabled() && u.BackupCodesEnabled() })},
	signInJourney("sign in by app", account.TicketCode, account.TOTPCode),
	signInJourney("sign in by backup code", account.TicketCode, account.BackupCode),
	signInJourney("sign in by text message", account.TicketCode, account.PhoneCode),
	signInJourney("sign in by password and app", account.Password, account.TOTPCode),
	{name: "resend", factors: true, run: resend, goal: signedIn},
	{name: "step up", factors: true, run: stepUp, goal: func(_ context.Context, h *journeyUser) error {
		if !h.made {
			return errors.New("no new backup codes")
		}
		return nil
	}},
	{name: "remove the app", factors: true, run: removeApp, goal: has("no app, but a number", func(u *account.User) bool { return u.TOTP == nil && u.TwoFactorEnabled() })},
	{name: "remove the number", factors: true, run: removeNumber, goal: has("no verified number, but an app", func(u *account.User) bool {
		return u.TOTPEnabled() && !slices.ContainsFunc(u.Phones, func(p account.Phone) bool { return p.Verified != 0 })
	})},
	{name: "sign out", factors: true, run: signOut, goal: func(ctx context.Context, h *journeyUser) error {
		found, err := h.Admin.UserSessions(ctx, h.id)
		if err == nil && len(found) > 0 {
			err = errors.New("a session lives on")
		}
		return err
	}},
	{name: "a ticket that is revoked", run: revokedTicket, goal: func(_ context.Context, h *journeyUser) error {
		if !h.made {
			return errors.New("no ticket was revoked")
		}
		return nil
	}},
	{name: "the server's changes", run: administer, goal: func(ctx context.Context, h *journeyUser) error {
		if _, err := h.Admin.User(ctx, h.other); kindOf(err) != Closed {
			return fmt.Errorf("the user is not gone: %w", err)
		}
		return nil
	}},
}

func enrolNumber(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, account.PhoneCode); err != nil {
		return err
	}
	phone := func() (*account.Phone, error) {
		r, err := h.MFA.Me(ctx, h.from)
		if err != nil || len(r.User.Phones) == 0 {
			return nil, err
		}
		return &r.User.Phones[0], nil
	}
	p, err := phone()
	if err == nil && p == nil {
		var r *mfa.PhoneResult
		if r, err = h.MFA.AddPhone(ctx, h.from, mfa.PhoneInput{Number: h.number}); err == nil {
			p = r.Phone
		}
	}
	if err == nil && p.Verified == 0 {
		h.asked++
		if _, err = h.MFA.PreparePhone(ctx, h.from, p.ID, account.PhoneCode); err == nil {
			_, err = h.MFA.AttemptPhone(ctx, h.from, p.ID, mfa.Proof{Code: secret.New(h.lastText())})
		}
	}
	if err == nil && !p.Reserved {
		_, err = h.MFA.ChangePhone(ctx, h.from, p.ID, mfa.PhoneChange{Reserved: new(true), Default: new(true)})
	}
	return err
}

func enrolApp(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
		return err
	}
	me, err := h.MFA.Me(ctx, h.from)
	if err != nil || me.User.TOTPEnabled() {
		return err
	}
	r, err := h.MFA.CreateTOTP(ctx, h.from)
	if err != nil {
		return err
	}
	h.key = r.Secret
	_, err = h.MFA.ConfirmTOTP(ctx, h.from, h.guess(account.TOTPCode).Code)
	return err
}

func resend(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, ""); err == nil || kindOf(err) == Unknown || errors.Is(err, errNoRandomness) {
		// signed in already, or a fault; otherwise the sign-in still waits for the second factor
		return err
	}
	for range 2 {
		if err := h.text(ctx); err != nil {
			return err
		}
		h.clock.advance(31 * time.Second)
	}
	return h.secondFactor(ctx, account.PhoneCode)
}

func stepUp(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
		return err
	}
	h.clock.advance(11 * time.Minute)
	if _, err := h.MFA.StartReverification(ctx, h.from, h.from.Session, authority.MultiFactor); err != nil {
		return err
	}
	if _, err := h.MFA.AttemptReverificationFirstFactor(ctx, h.from, h.from.Session, mfa.Proof{Strategy: account.Password, Password: secret.New(theirPassword)}); err != nil {
		return err
	}
	h.asked++
	if _, err := h.MFA.PrepareReverificationSecondFactor(ctx, h.from, h.from.Session, account.PhoneCode, ""); err != nil {
		return err
	}
	if _, err := h.MFA.AttemptReverificationSecondFactor(ctx, h.from, h.from.Session, h.guess(account.PhoneCode)); err != nil {
		return err
	}
	_, err := h.MFA.CreateBackupCodes(ctx, h.from)
	h.made = err == nil
	return err
}

func removeApp(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
		return err
	}
	me, err := h.MFA.Me(ctx, h.from)
	if err == nil && me.User.TOTP != nil {
		_, err = h.MFA.DeleteTOTP(ctx, h.from)
	}
	return err
}

func removeNumber(ctx context.Context, h *journeyUser) error {
	if err := h.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
		return err
	}
	me, err := h.MFA.Me(ctx, h.from)
	if err == nil && len(me.User.Phones) > 0 {
		_, err = h.MFA.DeletePhone(ctx, h.from, me.User.Phones[0].ID)
	}
	return err
}

func signOut(ctx context.Context, h *journeyUser) error {
	if !h.made {
		if err := h.signIn(ctx, account.TicketCode, account.TOTPCode); err != nil {
			return err
		}
		h.made = true
		// A second session, on another browser, that the first session ends.
		there := *h
		there.from = tx.Caller{}
		if err := there.signIn(ctx, account.TicketCode, account.BackupCode); err != nil {
			return err
		}
		h.written = there.written
		h.other = there.from.Session
	}
	all, err := h.Admin.UserSessions(ctx, h.id)
	if err != nil {
		return err
	}
	for _, s := range all {
		if s.Session.ID == h.from.Session {
			continue
		}
		if _, err := h.Admin.RevokeSession(ctx, s.Session.ID); err != nil && kindOf(err) != Closed {
			return err
		}
	}
	_, err = h.Sessions.EndAll(ctx, h.from)
	return err
}

func revokedTicket(ctx context.Context, h *journeyUser) error {
	ticket, err := h.MFA.CreateTicket(ctx, h.id, time.Minute)
	if err != nil {
		return err
	}
	if _, err := h.MFA.RevokeTicket(ctx, ticket.Ticket.WireID()); err != nil {
		return err
	}
	_, err = h.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Ticket: ticket.Token})
	if kindOf(err) != Closed {
		return fmt.Errorf("a revoked ticket: %w", err)
	}
	h.made = true
	return nil
}

// administer creates a user, changes everything that a server can change, and deletes the user.
func administer(ctx context.Context, h *journeyUser) error {
	if h.other == "" {
		name := "other" + h.name
		u, err := h.Admin.CreateUser(ctx, admin.UserInput{Username: name, Emails: []string{name + "@example.com"}, TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")})
		if kindOf(err) == Closed { // an answer was lost: the user exists
			var found []*account.User
			if found, err = h.Directory.Users(ctx, directory.Query{Filter: directory.Filter{Usernames: []string{name}}, Limit: 1}); err == nil {
				u = found[0]
			}
		}
		if err != nil {
			return err
		}
		h.other = u.WireID()
	}
	yes, no, name := true, false, "Ada"
	steps := []func() error{
		func() error {
			_, err := h.Admin.AddUserPhone(ctx, h.other, h.number, admin.PhoneChange{Verified: &yes, Reserved: &yes})
			return err
		},
		func() error {
			_, err := h.Admin.UpdateUser(ctx, h.other, admin.UserChange{FirstName: &name, Username: &name, BackupCodes: secrets([]string{"11111-22222"})})
			return err
		},
		func() error { _, err := h.Admin.Lock(ctx, h.other); return err },
		func() error { _, err := h.Admin.Unlock(ctx, h.other); return err },
		func() error { _, err := h.Admin.Ban(ctx, h.other); return err },
		func() error { _, err := h.Admin.Unban(ctx, h.other); return err },
		func() error { _, err := h.Admin.RemoveTOTP(ctx, h.other); return err },
		func() error {
			u, err := h.Admin.User(ctx, h.other)
			if err != nil {
				return err
			}
			if len(u.Phones) > 0 {
				_, err = h.Admin.ChangeUserPhone(ctx, u.Phones[0].ID, admin.PhoneChange{Verified: &no})
			}
			return err
		},
		func() error {
			_, err := h.Settings.Change(ctx, func(s *account.Settings) { s.TestMode = true })
			return err
		},
		func() error { _, err := h.Admin.RemoveMFA(ctx, h.other); return err },
		func() error { return h.Admin.DeleteUser(ctx, h.other) },
	}
	for _, do := range steps {
		// An operation that was done before its answer was lost is refused the second time.
		if err := do(); err != nil && kindOf(err) != Closed {
			return err
		}
	}
	return nil
}

// signInAgain starts a new sign-in when the session is too old for a change of factors.
func (h *journeyUser) signInAgain(err error) {
	if e := (*apierr.Error)(nil); errors.As(err, &e) && e.Code() == apierr.SessionReverificationRequired {
		h.from = tx.Caller{}
	}
}

// retry repeats a journey until it succeeds, half a minute after each error.
func retry(ctx context.Context, j journey, h *journeyUser) error {
	var err error
	for range 3 {
		h.clock.advance(31 * time.Second)
		if err = j.run(ctx, h); err == nil {
			return j.goal(ctx, h)
		}
		h.signInAgain(err)
	}
	return fmt.Errorf("no way on: %w", err)
}

// costsNoGuess returns an error if a guess was counted.
func costsNoGuess(ctx context.Context, h *journeyUser) error {
	u, err := h.Admin.User(ctx, h.id)
	if err == nil && u.AttemptsLeft(account.At(h.Engine.Now())) != 10 {
		err = fmt.Errorf("%d attempts are left", u.AttemptsLeft(account.At(h.Engine.Now())))
	}
	return err
}

// newerVersionStore is a store in which every record has a field of a newer version.
type newerVersionStore struct {
	store.Store
	lost *[]store.Kind
}

const ofTheFuture = `"zz":"from the future"`

func (n newerVersionStore) Commit(ctx context.Context, writes []store.Write, increments ...store.Increment) error {
	writes = slices.Clone(writes)
	for i, w := range writes {
		if w.Delete {
			continue
		}
		before, err := n.Get(ctx, w.Key)
		if err != nil {
			return err
		}
		if bytes.Contains(w.Data, []byte(ofTheFuture)) {
			continue
		}
		if before[0].Version != 0 {
			*n.lost = append(*n.lost, w.Key.Kind)
		}
		writes[i].Data = append([]byte("{"+ofTheFuture+","), w.Data[1:]...)
	}
	return n.Store.Commit(ctx, writes, increments...)
}

// TestJourneysKeepWhatANewerVersionStored: during a deployment the older version keeps the fields
// that the newer one wrote (R34).
func TestJourneysKeepWhatANewerVersionStored(t *testing.T) {
	for _, j := range journeys {
		var lost []store.Kind
		s := newerVersionStore{Memory(t)(t), &lost}
		w, err := newWorld(t.Context(), s, 1)
		if err != nil {
			t.Fatal(err)
		}
		lost = nil // the existing key is of this version
		h := newJourneyUser(t, w, j.factors)
		if err := errors.Join(j.run(t.Context(), h), j.goal(t.Context(), h), Invariants(t.Context(), s, w.Ring)); err != nil {
			t.Errorf("%s: %v", j.name, err)
		}
		if len(lost) > 0 {
			t.Errorf("%s: the field of a newer version was lost from %v", j.name, lost)
		}
	}
}
