package domain_test

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// signsIn is the owner's sign-in on a known browser, with a password if the user has one.
func (p *person) signsIn(when string) {
	p.Helper()
	p.signOut()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	r, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Identifier: u.Emails[0].Address, Password: secret.New("correct horse")})
	if err != nil {
		p.Fatalf("%s: the owner's password: %v", when, err)
	}
	p.keepToken(r.Snapshot)
	p.signIn = r.SignIn.ID
	p.Advance(totp.Period) // the last code may have been used
	if err := p.secondFactor(account.TOTPCode, p.totpCode()); err != nil {
		p.Fatalf("%s: the owner's code: %v", when, err)
	}
}

// untilRefused guesses, each time in a new sign-in and after the wait, until a lock lasts longer
// than an hour. It returns how many guesses were verified.
func (p *person) untilRefused(between func()) int {
	p.Helper()
	for judged := 0; ; {
		p.signInWithTicket()
		err := p.secondFactor(account.TOTPCode, p.wrong())
		switch wait := apierr.From(err).RetryAfter(); {
		case codeOf(err) == apierr.FormCodeIncorrect:
			judged++
			between()
		case wait == 0:
			p.Fatalf("after %d guesses: %v", judged, err)
		case wait > time.Hour:
			return judged
		default:
			p.Advance(wait)
		}
	}
}

func TestAStrangerCannotLockTheOwnerOut(t *testing.T) {
	for name, tc := range map[string]struct {
		strict          bool
		strangers, more int
	}{"default": {false, 20, 5}, "strict": {true, 5, 2}} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).member() // its browser is known: the app was bound there
			_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.StrictGuessing = tc.strict })
			p.Must(err)
			thief, n := p.stranger(), 0
			judged := thief.untilRefused(func() {
				if n++; n == tc.strangers-1 { // strangers are locked, or wait, at this moment
					p.signsIn("while a stranger guesses")
				}
			})
			if judged != tc.strangers {
				t.Errorf("a stranger got %d guesses, want %d", judged, tc.strangers)
			}
			_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
			p.want(apierr.UserLocked, err)
			u, err := p.Admin.User(t.Context(), p.id)
			p.Must(err)
			if left := u.LockEnd(account.At(p.Now())).Sub(account.At(p.Now())); left < 29*24*time.Hour || u.AttemptsLeft(account.At(p.Now())) != 0 {
				t.Errorf("shown: locked for %v, %d attempts left; the administrator must see it", left, u.AttemptsLeft(account.At(p.Now())))
			}
			p.signsIn("when a stranger has filled the failure log")
			for n := range tc.more {
				p.signOut()
				p.signInWithTicket()
				if got := codeOf(p.secondFactor(account.TOTPCode, p.wrong())); got != apierr.FormCodeIncorrect {
					t.Fatalf("the owner's wrong code %d: %s", n+1, got)
				}
			}
			p.Advance(time.Hour)
			p.signOut()
			p.signInWithTicket()
			// The failure log is full for known devices too: this limits a stolen browser.
			p.want(apierr.UserLocked, p.secondFactor(account.TOTPCode, p.totpCode()))
			_, err = p.Admin.Unlock(t.Context(), p.id)
			p.Must(err)
			p.signInWithTicket()
			p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
		})
	}
}

func TestTheOwnerSignsInWhileStrangersAreLocked(t *testing.T) {
	p := newWorld(t).member()
	thief := p.stranger()
	for range 10 {
		thief.signInWithTicket()
		err := thief.secondFactor(account.TOTPCode, thief.wrong())
		for codeOf(err) == apierr.TooManyRequests {
			p.Advance(apierr.From(err).RetryAfter())
			err = thief.secondFactor(account.TOTPCode, thief.wrong())
		}
		p.want(apierr.FormCodeIncorrect, err)
	}
	thief.signInWithTicket()
	p.want(apierr.UserLocked, thief.secondFactor(account.TOTPCode, thief.totpCode()))
	p.signInWithTicket()
	p.text() // messages are sent too
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, "second_factor")
	p.Must(err)
	_, err = p.MFA.AttemptReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.BackupCode, Code: secret.New(p.backup[0])})
	p.Must(err)
}

// TestWrongPasswordsDoNotLockTheOwnerOut: otherwise anyone who knows an address could keep the
// owner out.
func TestWrongPasswordsDoNotLockTheOwnerOut(t *testing.T) {
	p := newWorld(t).member()
	for range 12 {
		err := p.Admin.VerifyPassword(t.Context(), p.id, secret.New("wrong password"))
		for codeOf(err) == apierr.TooManyRequests {
			p.Advance(apierr.From(err).RetryAfter())
			err = p.Admin.VerifyPassword(t.Context(), p.id, secret.New("wrong password"))
		}
	}
	p.want(apierr.UserLocked, p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
	p.signsIn("while the password is locked for strangers")
	// Both factors were proved, which clears the count.
	p.Must(p.Admin.VerifyPassword(t.Context(), p.id, secret.New("correct horse")))
}

func TestKnownBrowsersCountForStrangersToo(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	for range 5 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
	p.signInWithTicket()
	p.want(apierr.TooManyRequests, p.secondFactor(account.TOTPCode, p.totpCode()))
	thief := p.stranger()
	thief.signInWithTicket()
	p.want(apierr.TooManyRequests, thief.secondFactor(account.TOTPCode, thief.totpCode()))
}

func TestFiveTriesOfASignInWhateverTheMethod(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.text()
	right := p.Code()
	wrongText := "000000"
	if right == wrongText {
		wrongText = "000001"
	}
	for n, g := range []struct {
		by   account.Strategy
		code string
	}{{account.PhoneCode, wrongText}, {account.TOTPCode, p.wrong()}, {account.BackupCode, "zzzzz-zzzzz"}, {account.PhoneCode, wrongText}, {account.BackupCode, "zzzzz-zzzzy"}} {
		// A success elsewhere clears the consecutive failures, but not this sign-in's attempts.
		if n == 4 {
			_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
			p.Must(err)
		}
		p.want(apierr.FormCodeIncorrect, p.secondFactor(g.by, g.code))
	}
	p.want(apierr.VerificationFailed, p.secondFactor(account.PhoneCode, right))
	p.want(apierr.VerificationFailed, p.secondFactor(account.BackupCode, p.backup[0]))
	_, err := p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
	p.want(apierr.VerificationFailed, err)
	p.signInWithTicket()
	p.Must(p.secondFactor(account.BackupCode, p.backup[0]))
}

// TestGuessingInAStepUpEndsTheSession: a session whose guesses lock the user may be stolen.
func TestGuessingInAStepUpEndsTheSession(t *testing.T) {
	p := newWorld(t).member()
	p.signsIn("at first")
	judged := 0
	for {
		_, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, "second_factor")
		if codeOf(err) == apierr.AuthenticationInvalid {
			break
		}
		p.Must(err)
		_, err = p.MFA.AttemptReverificationSecondFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.wrong())})
		switch codeOf(err) {
		case apierr.FormCodeIncorrect:
			judged++
		case apierr.TooManyRequests:
			p.Advance(apierr.From(err).RetryAfter())
		default:
			t.Fatal(err)
		}
	}
	if judged != 10 {
		t.Errorf("the session ended after %d guesses, want 10", judged)
	}
}

func TestStrictIsStricter(t *testing.T) {
	p := newWorld(t).member()
	early := func() string {
		code, err := totp.Code(p.key, p.Now().Add(totp.Period))
		p.Must(err)
		return code
	}
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, early()))
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.StrictGuessing = true })
	p.Must(err)
	p.Advance(5 * time.Minute)
	p.signOut()
	p.signInWithTicket()
	p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, early()))
	late, err := totp.Code(p.key, p.Now().Add(-totp.Period))
	p.Must(err)
	p.Must(p.secondFactor(account.TOTPCode, late))
	p.signOut()
	p.signInWithTicket()
	p.Advance(time.Minute)
	for range 3 {
		p.want(apierr.FormCodeIncorrect, p.secondFactor(account.TOTPCode, p.wrong()))
	}
	p.want(apierr.VerificationFailed, p.secondFactor(account.TOTPCode, p.totpCode()))
	p.signInWithTicket()
	p.want(apierr.TooManyRequests, p.secondFactor(account.TOTPCode, p.totpCode()))
}

// TestBoundPerAddress: periods are fixed, so at most twice the limit passes around a boundary.
func TestBoundPerAddress(t *testing.T) {
	w := newWorld(t)
	_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.IPLimits = true })
	w.Must(err)
	from := tx.Caller{Address: netip.MustParseAddr("198.51.100.7")}
	asked := 0
	judged := func(d, every time.Duration) (n int) {
		// One request each time keeps within the limit of ten seconds.
		for end := w.Now().Add(d); w.Now().Before(end); w.Advance(every) {
			asked++ // a list of leaked addresses is tried
			_, err := w.MFA.CreateSignIn(t.Context(), from, mfa.SignInInput{Identifier: fmt.Sprintf("nobody%d@example.com", asked), Password: secret.New("some password")})
			if codeOf(err) == apierr.FormPasswordOrIdentifierIncorrect {
				n++
			}
		}
		return n
	}
	// ten minutes before the full hour
	w.Advance(w.Now().Truncate(time.Hour).Add(3*time.Hour - 10*time.Minute).Sub(w.Now()))
	if n := judged(20*time.Minute, 5*time.Second); n != 2*60 {
		t.Errorf("%d passwords in twenty minutes around the full hour, want twice the limit of 60", n)
	}
	// to ten minutes before the hour after next
	if n := judged(100*time.Minute, 20*time.Second); n != 60 {
		t.Errorf("%d passwords in the rest of the second and most of the third hour, want 60", n)
	}
	if n := judged(23*time.Hour, time.Minute); n != 2*300-180 {
		t.Errorf("%d more passwords around midnight, want up to twice the day's limit of 300", n)
	}
}
