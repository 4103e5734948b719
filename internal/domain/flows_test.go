package domain_test

import (
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

func TestEnrolAndSignInWithEveryFactor(t *testing.T) {
	p := newWorld(t).newcomer()
	if r := p.signInWithTicket(); r.SignIn.Status() != account.SignInComplete {
		t.Fatalf("a user without a second factor is %s", r.SignIn.Status())
	}
	p.enrolPhone(aNumber)
	if len(p.backup) != 10 {
		t.Fatalf("the first factor brought %d backup codes, want 10", len(p.backup))
	}
	p.enrolApp()
	for name, second := range map[string]func() error{
		"authenticator app": func() error { return p.secondFactor(account.TOTPCode, p.totpCode()) },
		"backup code":       func() error { return p.secondFactor(account.BackupCode, p.backup[3]) },
		"text message":      func() error { p.Advance(time.Minute); p.text(); return p.secondFactor(account.PhoneCode, p.Code()) },
	} {
		p.signOut()
		if r := p.signInWithTicket(); r.SignIn.Status() != account.NeedsSecondFactor || p.browser.Session != "" {
			t.Fatalf("%s: a ticket alone gives %s", name, r.SignIn.Status())
		}
		if err := second(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := p.MFA.Me(t.Context(), p.browser); err != nil {
			t.Errorf("%s: not signed in: %v", name, err)
		}
	}
}

func TestPasswordSignIn(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	u, err := w.Admin.User(t.Context(), p.id)
	w.Must(err)
	email := u.Emails[0].Address
	r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: email, Password: secret.New("correct horse")})
	w.Must(err)
	if r.SignIn.Created == "" {
		t.Error("identifier and password give no session")
	}
	for name, in := range map[string]mfa.SignInInput{
		"wrong password":  {Identifier: email, Password: secret.New("wrong")},
		"unknown account": {Identifier: "nobody@example.com", Password: secret.New("correct horse")},
	} {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, in)
		if apierr.From(err).Code() != apierr.FormPasswordOrIdentifierIncorrect {
			t.Errorf("%s: %v", name, err)
		}
	}
	r, err = w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: email})
	w.Must(err)
	p.keepToken(r.Snapshot)
	r, err = w.MFA.AttemptFirstFactor(t.Context(), p.browser, r.SignIn.ID, mfa.Proof{Strategy: account.Password, Password: secret.New("correct horse")})
	w.Must(err)
	if r.SignIn.Status() != account.SignInComplete {
		t.Errorf("identifier, then password: %s", r.SignIn.Status())
	}
}

func TestStepUp(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.enrolApp()
	p.Advance(11 * time.Minute)
	ctx, sess := t.Context(), p.browser.Session
	_, err := p.MFA.CreateBackupCodes(ctx, p.browser)
	p.want(apierr.SessionReverificationRequired, err)
	_, err = p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, sess, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.want(apierr.SessionReverificationMissing, err)
	r, err := p.MFA.StartReverification(ctx, p.browser, sess, authority.MultiFactor)
	p.Must(err)
	if r.Reverification.Status() != account.ReverifyFirstFactor || r.Snapshot.Ages(r.Session)[0] < 11 {
		t.Errorf("started: %s, ages %v", r.Reverification.Status(), r.Snapshot.Ages(r.Session))
	}
	_, err = p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, sess, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.want(apierr.InvalidActionForSessionReverification, err)
	_, err = p.MFA.AttemptReverificationFirstFactor(ctx, p.browser, sess, mfa.Proof{Strategy: account.Password, Password: secret.New("correct horse")})
	p.Must(err)
	_, err = p.MFA.CreateBackupCodes(ctx, p.browser)
	p.want(apierr.SessionReverificationRequired, err)
	r, err = p.MFA.AttemptReverificationSecondFactor(ctx, p.browser, sess, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.Must(err)
	if r.Reverification.Status() != account.ReverifyComplete || r.Snapshot.Ages(r.Session) != [2]int{0, 0} {
		t.Errorf("done: %s, ages %v", r.Reverification.Status(), r.Snapshot.Ages(r.Session))
	}
	old := p.backup
	made, err := p.MFA.CreateBackupCodes(ctx, p.browser)
	p.Must(err)
	again, err := p.MFA.CreateBackupCodes(ctx, p.browser)
	p.Must(err)
	if made.Codes[0] != again.Codes[0] {
		t.Error("two creates within a moment gave two sets")
	}
	p.signOut()
	p.signInWithTicket()
	p.want(apierr.FormCodeIncorrect, p.secondFactor(account.BackupCode, old[0]))
	p.Must(p.secondFactor(account.BackupCode, made.Codes[0]))
}

func TestEnforcedEnrolment(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	w.Must(err)
	p := w.newcomer()
	r := p.signInWithTicket()
	status := func() account.SessionStatus {
		r, err := p.Sessions.Session(t.Context(), p.browser, p.browser.Session)
		p.Must(err)
		return r.Snapshot.Status(r.Session)
	}
	if got := r.Snapshot.Status(&r.Snapshot.Client.Sessions[0]); got != account.SessionPending {
		t.Fatalf("a session without a factor is %s", got)
	}
	p.enrolApp()
	if got := status(); got != account.SessionPending {
		t.Errorf("before the touch the session is %s", got)
	}
	_, err = p.Sessions.Touch(t.Context(), p.browser, p.browser.Session)
	p.Must(err)
	if got := status(); got != account.SessionActive {
		t.Errorf("after the touch the session is %s", got)
	}
	_, err = p.MFA.DeleteTOTP(t.Context(), p.browser)
	p.want(apierr.SecondFactorDeletionNotAllowed, err)
	_, err = p.Admin.RemoveTOTP(t.Context(), p.id)
	p.Must(err)
	if got := status(); got != account.SessionPending {
		t.Errorf("after an administrator took the factor the session is %s", got)
	}
}

func TestMethodsSwitchedOff(t *testing.T) {
	p := newWorld(t).member()
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.SMSCode, s.AuthenticatorApp, s.BackupCodes = false, false, false })
	p.Must(err)
	p.signInWithTicket()
	_, err = p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
	p.want(apierr.FeatureNotEnabled, err)
	p.want(apierr.FeatureNotEnabled, p.secondFactor(account.TOTPCode, p.totpCode()))
	p.want(apierr.FeatureNotEnabled, p.secondFactor(account.BackupCode, p.backup[0]))
	q := p.newcomer()
	q.signInWithTicket()
	_, err = q.MFA.CreateTOTP(t.Context(), q.browser)
	q.want(apierr.FeatureNotEnabled, err)
	_, err = q.MFA.AddPhone(t.Context(), q.browser, mfa.PhoneInput{Number: anotherNumber})
	q.want(apierr.FeatureNotEnabled, err)
}

func TestTickets(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	use := func(token secret.Value) error {
		_, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: token})
		return err
	}
	first, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
	w.Must(err)
	w.Must(use(first.Token))
	w.want(apierr.SignInTokenAlreadyUsedCode, use(first.Token))
	w.want(apierr.TicketInvalidCode, use(secret.New(first.Token.Reveal()+"a")))
	w.want(apierr.TicketInvalidCode, use(secret.New("nonsense")))
	second, err := w.MFA.CreateTicket(t.Context(), p.id, 0)
	w.Must(err)
	_, err = w.MFA.RevokeTicket(t.Context(), second.Ticket.WireID())
	w.Must(err)
	w.want(apierr.SignInTokenRevokedCode, use(second.Token))
	third, err := w.MFA.CreateTicket(t.Context(), p.id, time.Minute)
	w.Must(err)
	w.Advance(time.Minute)
	w.want(apierr.TicketExpiredCode, use(third.Token))
}

func TestEndingSessions(t *testing.T) {
	w := newWorld(t)
	for name, end := range map[string]func(*person) error{
		"signing out": func(p *person) error { _, err := p.Sessions.EndAll(t.Context(), p.browser); return err },
		"revoked":     func(p *person) error { _, err := p.Admin.RevokeSession(t.Context(), p.browser.Session); return err },
		"banned":      func(p *person) error { _, err := p.Admin.Ban(t.Context(), p.id); return err },
		"banned and let in again": func(p *person) error {
			if _, err := p.Admin.Ban(t.Context(), p.id); err != nil {
				return err
			}
			_, err := p.Admin.Unban(t.Context(), p.id)
			return err
		},
		"a new password that signs out everywhere": func(p *person) error {
			pw := secret.New("battery staple")
			_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Password: &pw, SignOutOthers: true})
			return err
		},
		"user deleted":  func(p *person) error { return p.Admin.DeleteUser(t.Context(), p.id) },
		"a week passed": func(p *person) error { p.Advance(7 * 24 * time.Hour); return nil },
	} {
		p := w.newcomer()
		p.signInWithTicket()
		w.Must(end(p))
		if _, err := p.MFA.Me(t.Context(), p.browser); err == nil {
			t.Errorf("%s: still signed in", name)
		}
		snap, err := p.Sessions.Client(t.Context(), p.browser)
		w.Must(err)
		if snap.Client != nil && len(snap.Client.Sessions) > 0 {
			t.Errorf("%s: the client still shows the session", name)
		}
	}
}

func TestABannedUserIsToldSo(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	_, err := p.Admin.Ban(t.Context(), p.id)
	p.Must(err)
	_, err = p.MFA.Me(t.Context(), p.browser)
	p.want(apierr.UserBanned, err)
}

func TestForeignSessionsAndPhones(t *testing.T) {
	w := newWorld(t)
	p, q := w.newcomer(), w.newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	q.signInWithTicket()
	_, err := q.Sessions.Session(t.Context(), q.browser, p.browser.Session)
	w.want(apierr.AuthenticationInvalid, err)
	_, err = q.MFA.Phone(t.Context(), q.browser, p.phone)
	w.want(apierr.ResourceNotFound, err)
	_, err = q.Sessions.RevokeOwn(t.Context(), q.browser, p.browser.Session)
	w.want(apierr.ResourceNotFound, err)
	_, err = q.MFA.AddPhone(t.Context(), q.browser, mfa.PhoneInput{Number: aNumber})
	w.want(apierr.FormIdentifierExists, err)
}

func TestTheClientTokenChangesWithItsRights(t *testing.T) {
	p := newWorld(t).member()
	before := p.browser
	p.signInWithTicket()
	if _, err := p.MFA.SignIn(t.Context(), before, p.signIn); err == nil {
		t.Error("the token from before the first factor still works")
	}
	between := p.browser
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	between.Session = p.browser.Session
	_, err := p.MFA.Me(t.Context(), between)
	p.want(apierr.AuthenticationInvalid, err)
}

// TestRevokedSigningKeys: after a leak no token of the old keys is valid, and no user is signed
// out.
func TestRevokedSigningKeys(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	token := func() string {
		v, err := w.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
		w.Must(err)
		return v.Reveal()
	}
	w.Must(w.Tokens.RotateSigningKey(t.Context(), 0)) // the waiting key is revoked too
	leaked := token()
	w.Must(w.Tokens.RevokeSigningKeys(t.Context()))
	if _, err := sessiontoken.Verify(leaked, w.keys(), "https://clerk.example.com", w.Now()); err == nil {
		t.Error("a token of the revoked key is still good")
	}
	if n := len(w.keys()); n != 1 {
		t.Errorf("%d keys are published, want 1", n)
	}
	_, err := sessiontoken.Verify(token(), w.keys(), "https://clerk.example.com", w.Now())
	w.Must(err)
}

func TestSigningKeyRotation(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	token := func() string {
		v, err := w.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
		w.Must(err)
		return v.Reveal()
	}
	good := func(token string) error {
		_, err := sessiontoken.Verify(token, w.keys(), "https://clerk.example.com", w.Now())
		return err
	}
	first := token()
	w.Must(good(first))
	w.Must(w.Tokens.RotateSigningKey(t.Context(), 0))
	w.Must(w.Tokens.RotateSigningKey(t.Context(), 0))
	if n := len(w.keys()); n != 2 {
		t.Fatalf("%d keys are published during the overlap, want 2", n)
	}
	if kid(token()) != kid(first) {
		t.Error("a new key signs before everybody can know it")
	}
	w.Advance(61 * time.Minute)
	second := token()
	w.Must(good(second))
	if kid(second) == kid(first) {
		t.Error("the old key still signs an hour later")
	}
	w.Advance(2 * time.Hour)
	w.Must(good(token()))
	if n := len(w.keys()); n != 1 {
		t.Errorf("%d keys are published after the overlap, want 1", n)
	}
}

// TestAClockThatWentBackStillSigns: a process whose clock is behind the one that made the first
// signing key signs with that key.
func TestAClockThatWentBackStillSigns(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	p.signOut()
	w.Advance(-time.Hour)
	p.signInWithTicket()
	token, err := p.Sessions.SessionToken(t.Context(), p.browser, p.browser.Session)
	p.Must(err)
	if _, err := sessiontoken.Verify(token.Reveal(), w.keys(), "https://clerk.example.com", w.Now()); err != nil {
		t.Errorf("the token: %v", err)
	}
	if n := len(w.keys()); n != 1 {
		t.Errorf("there are %d keys, want the first one only", n)
	}
}
