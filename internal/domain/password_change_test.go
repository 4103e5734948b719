package domain_test

import (
	"context"
	"slices"
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

// newPassword changes the password in the person's session; "" gives no current password.
func (p *person) newPassword(current, next string, signOutOthers bool) error {
	in := mfa.PasswordChange{New: secret.New(next), SignOutOthers: signOutOthers}
	if current != "" {
		in.Current = secret.New(current)
	}
	_, err := p.MFA.ChangePassword(p.Context(), p.browser, in)
	return err
}

func (p *person) passwordIs(text string) bool {
	return p.Admin.VerifyPassword(p.Context(), p.id, secret.New(text)) == nil
}

// TestAUserChangesThePassword: a change needs a recent proof. It is told to the owner, and ends the
// other sessions if the owner asks for that.
func TestAUserChangesThePassword(t *testing.T) {
	for name, signOut := range map[string]bool{"others stay": false, "others end": true} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.signInWithTicket()
			other := p.elsewhere()
			p.Must(p.newPassword("correct horse", "another horse", signOut))
			if p.passwordIs("correct horse") || !p.passwordIs("another horse") {
				t.Error("the password did not change")
			}
			if !p.alive() || other.alive() == signOut {
				t.Errorf("the acting session lives %v, the other one %v", p.alive(), other.alive())
			}
			if !signOut && other.ages()[0] < 1000 {
				t.Errorf("the other session kept its proof: %v", other.ages())
			}
			if p.ages()[0] > 1 {
				t.Errorf("the acting session lost its proof: %v", p.ages())
			}
			if acts := p.acts(); !slices.Contains(acts, "password.changed×1") {
				t.Errorf("the audit log has %v", acts)
			}
			p.Advance(11 * time.Minute)
			p.want(apierr.SessionReverificationRequired, p.newPassword("another horse", "third horse", false))
		})
	}
}

// TestAPasswordChangeAsksForTheStrongestFactor: the password alone changes no password of a user
// with a second factor.
func TestAPasswordChangeAsksForTheStrongestFactor(t *testing.T) {
	p := newWorld(t).member()
	p.inside()
	p.Advance(11 * time.Minute)
	p.prove()
	p.want(apierr.SessionReverificationRequired, p.newPassword("correct horse", "another horse", false))
}

// TestAWrongCurrentPasswordCounts: it counts as at a sign-in, and the session ends with the lock.
func TestAWrongCurrentPasswordCounts(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	for range account.DefaultPolicy().LockFailures {
		err := p.newPassword("wrong horse", "another horse", false)
		for apierr.From(err).Code() == apierr.TooManyRequests {
			p.Advance(time.Minute)
			p.prove()
			err = p.newPassword("wrong horse", "another horse", false)
		}
		p.want(apierr.FormPasswordIncorrect, err)
		if got := apierr.From(err).Meta()["param_name"]; got != "current_password" {
			t.Fatalf("the parameter at fault is %v", got)
		}
		if p.record().FirstFailures.Failures == 0 {
			t.Fatal("the failure is not counted")
		}
	}
	if p.alive() {
		t.Error("the session that locked the user lives")
	}
	p.Advance(24 * time.Hour)
	if !p.passwordIs("correct horse") {
		t.Error("the password changed")
	}
}

// TestPasswordsThatMayNotBeSet: the length rules are those of a new user.
func TestPasswordsThatMayNotBeSet(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	for text, code := range map[string]apierr.Code{"": apierr.FormParamNil, "seven77": apierr.FormPasswordLengthTooShort, strings.Repeat("x", 129): apierr.FormPasswordLengthTooLong} {
		err := p.newPassword("correct horse", text, false)
		p.want(code, err)
		if got := apierr.From(err).Meta()["param_name"]; got != "new_password" {
			t.Errorf("%q: the parameter at fault is %v", text, got)
		}
	}
}

// TestANewPasswordEndsWhatWasBegun: sign-ins and enrolments in progress end with the old password.
func TestANewPasswordEndsWhatWasBegun(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	thief := p.elsewhere()
	planted := thief.begin()
	p.Must(p.newPassword("correct horse", "another horse", false))
	p.want(apierr.SessionReverificationRequired, thief.confirm(planted))
	m := w.member()
	m.inside()
	waiting := m.stranger()
	waiting.signInWithTicket()
	m.Must(m.newPassword("", "another horse", false))
	m.Advance(30 * time.Second)
	if err := waiting.secondFactor(account.TOTPCode, m.totpCode()); err == nil {
		t.Error("a sign-in of before the change went on")
	}
}

// TestTheFirstPassword: a user without a password sets one, and has no current one to give.
func TestTheFirstPassword(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{"nopassword@example.com"}})
	w.Must(err)
	p := &person{world: w, id: u.WireID()}
	p.signInWithTicket()
	p.want(apierr.NoPasswordSet, p.newPassword("correct horse", "another horse", false))
	p.Must(p.newPassword("", "another horse", false))
	if !p.passwordIs("another horse") {
		t.Error("the password is not set")
	}
}

// TestRemovingThePassword: a password is removed only if the user can sign in without it.
func TestRemovingThePassword(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	remove := func(current string) error {
		var given secret.Value
		if current != "" {
			given = secret.New(current)
		}
		_, err := p.MFA.RemovePassword(t.Context(), p.browser, given)
		return err
	}
	p.want(apierr.PasswordRequired, remove("correct horse"))
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.ReauthURL = "https://app.example.com/login" })
	w.Must(err)
	p.want(apierr.FormPasswordIncorrect, remove("wrong horse"))
	p.Must(remove("correct horse"))
	if p.record().Password != "" {
		t.Error("the password is still there")
	}
	p.want(apierr.NoPasswordSet, remove(""))
	p.Advance(11 * time.Minute)
	p.want(apierr.SessionReverificationRequired, remove(""))
}

// hashes counts new hashes.
type hashes struct {
	tx.Passwords
	made int
}

func (h *hashes) Hash(ctx context.Context, pw secret.Value) (string, error) {
	h.made++
	return h.Passwords.Hash(ctx, pw)
}

// TestAHashIsMadeOnceAndOnlyForASessionThatMay: hashing is expensive, so a caller without the right
// to change the password causes none.
func TestAHashIsMadeOnceAndOnlyForASessionThatMay(t *testing.T) {
	w := newWorld(t)
	counting := &hashes{Passwords: w.Config.Passwords}
	w.Config.Passwords = counting
	w.Restart()
	p := w.newcomer()
	p.signInWithTicket()
	counting.made = 0
	p.Advance(11 * time.Minute)
	p.want(apierr.SessionReverificationRequired, p.newPassword("", "another horse", false))
	if counting.made != 0 {
		t.Errorf("%d hashes for a refused change", counting.made)
	}
	p.prove()
	w.faults.Inject(store.ConflictCommit(1))
	p.Must(p.newPassword("", "another horse", false))
	if counting.made != 1 {
		t.Errorf("%d hashes for one change", counting.made)
	}
}
