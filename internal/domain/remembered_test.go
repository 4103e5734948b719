package domain_test

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
	"github.com/countersign-mfa/countersign/internal/store"
)

// rememberFor sets how many days devices are remembered.
func (w *world) rememberFor(days int) {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) { s.RememberDays = days })
	w.Must(err)
}

// password is the first factor alone.
func (p *person) password() (*mfa.SignInResult, error) {
	p.Helper()
	u, err := p.Admin.User(p.Context(), p.id)
	p.Must(err)
	r, err := p.MFA.CreateSignIn(p.Context(), p.browser, mfa.SignInInput{Identifier: u.Emails[0].Address, Password: secret.New("correct horse")})
	if err == nil {
		p.keepToken(r.Snapshot)
		p.signIn, p.browser.Session = r.SignIn.ID, r.SignIn.Created
	}
	return r, err
}

// remembers signs in with both factors, has the device remembered, and signs out.
func (p *person) remembers() {
	p.Helper()
	_, err := p.password()
	p.Must(err)
	p.Advance(totp.Period)
	r, err := p.MFA.AttemptSecondFactor(p.Context(), p.browser, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode()), Remember: true})
	p.Must(err)
	p.keepToken(r.Snapshot)
	p.browser.Session = r.SignIn.Created
	p.signOut()
}

// remembered is a member with a remembered browser, signed out, in a world of 30 days.
func (w *world) remembered() *person {
	w.Helper()
	w.rememberFor(30)
	p := w.member()
	p.remembers()
	return p
}

// mustProve signs in with a password and reports whether a second factor is asked for. A sign-in
// that is complete stays signed in.
func (p *person) mustProve() bool {
	p.Helper()
	r, err := p.password()
	p.Must(err)
	return r.SignIn.Status() == account.NeedsSecondFactor
}

func (p *person) devices() []sessions.RememberedDevice {
	p.Helper()
	found, err := p.Sessions.OwnDevices(p.Context(), p.browser)
	p.Must(err)
	return found.All
}

// TestARememberedDeviceNeedsTheFirstFactorOnly: the sign-in is complete, its session never proved
// the second factor, and a change of factors asks for it.
func TestARememberedDeviceNeedsTheFirstFactorOnly(t *testing.T) {
	for name, required := range map[string]bool{"optional": false, "a second factor is required": true} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).remembered()
			_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = required })
			p.Must(err)
			p.Advance(29 * day)
			if p.mustProve() {
				t.Fatal("a remembered device is asked for a second factor")
			}
			r, err := p.Sessions.Touch(t.Context(), p.browser, p.browser.Session)
			p.Must(err)
			if got := r.Snapshot.Ages(r.Session); got != [2]int{0, authority.NotProved} || r.Snapshot.Status(r.Session) != account.SessionActive {
				t.Errorf("ages %v, status %s: the session must be active and have proved no second factor", got, r.Snapshot.Status(r.Session))
			}
			_, err = p.MFA.DeleteTOTP(t.Context(), p.browser)
			p.want(apierr.SessionReverificationRequired, err)
			again, err := p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
			p.Must(err)
			if got := again.Session.Verify.Level; got != authority.FirstFactor {
				t.Errorf("the step-up asks for %s", got)
			}
			p.prove() // the first factor again is not enough
			_, err = p.MFA.DeleteTOTP(t.Context(), p.browser)
			p.want(apierr.SessionReverificationRequired, err)
			p.stepUp()
			_, err = p.MFA.CreateBackupCodes(t.Context(), p.browser)
			p.Must(err)
		})
	}
}

// stepUp proves the second factor of the session again.
func (p *person) stepUp() {
	p.Helper()
	p.Advance(totp.Period)
	_, err := p.MFA.StartReverification(p.Context(), p.browser, p.browser.Session, authority.SecondFactor)
	p.Must(err)
	_, err = p.MFA.AttemptReverificationSecondFactor(p.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())})
	p.Must(err)
}

// TestNothingIsRememberedWithoutAChoice: neither the setting nor a proved factor is enough.
func TestNothingIsRememberedWithoutAChoice(t *testing.T) {
	p := newWorld(t).member()
	p.rememberFor(30)
	p.signsIn("without the choice")
	p.signOut()
	if !p.mustProve() {
		t.Fatal("a device is remembered without a choice")
	}
	_, err := p.MFA.AttemptSecondFactor(t.Context(), p.browser, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.wrong()), Remember: true})
	p.want(apierr.FormCodeIncorrect, err)
	if !p.mustProve() {
		t.Fatal("a wrong code has the device remembered")
	}
	p.rememberFor(0)
	p.Advance(totp.Period)
	code := p.totpCode()
	_, err = p.MFA.AttemptSecondFactor(t.Context(), p.browser, p.signIn, mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(code), Remember: true})
	p.want(apierr.FeatureNotEnabled, err)
	p.Must(p.secondFactor(account.TOTPCode, code)) // the refusal did not use the code
}

// TestWhatEndsARememberedDevice: after each of these acts the next sign-in asks for a second
// factor.
func TestWhatEndsARememberedDevice(t *testing.T) {
	backend := func(do func(p *person) error) func(*person) {
		return func(p *person) { p.Must(do(p)) }
	}
	inside := func(do func(p *person) error) func(*person) {
		return func(p *person) {
			p.stepUp()
			p.Must(do(p))
		}
	}
	for name, act := range map[string]func(p *person){
		"30 days":             func(p *person) { p.Advance(30 * day) },
		"the clock goes back": func(p *person) { p.Advance(-time.Hour) },
		"the setting is off":  func(p *person) { p.rememberFor(0) },
		"off and on again":    func(p *person) { p.rememberFor(0); p.rememberFor(30) },
		"fewer days":          func(p *person) { p.rememberFor(29) },
		"fewer, then more":    func(p *person) { p.rememberFor(29); p.rememberFor(90) },
		"a password by the Backend API": backend(func(p *person) error {
			same := secret.New("correct horse")
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Password: &same})
			return err
		}),
		"a reset": backend(func(p *person) error { _, err := p.Admin.RemoveMFA(p.Context(), p.id); return err }),
		"a ban":   func(p *person) { p.banAndUnban() },
		"a lock by an administrator": backend(func(p *person) error {
			_, err := p.Admin.Lock(p.Context(), p.id)
			p.Advance(time.Hour)
			return err
		}),
		"a lock, lifted at once": backend(func(p *person) error {
			_, err := p.Admin.Lock(p.Context(), p.id)
			p.Must(err)
			_, err = p.Admin.Unlock(p.Context(), p.id)
			return err
		}),
		"a lock by wrong codes": func(p *person) {
			thief := p.stranger()
			for {
				thief.signInWithTicket()
				err := thief.secondFactor(account.TOTPCode, thief.wrong())
				if codeOf(err) == apierr.UserLocked {
					break
				}
				p.Advance(apierr.From(err).RetryAfter())
			}
			_, err := p.Admin.Unlock(p.Context(), p.id)
			p.Must(err)
		},
		"the app is removed":    inside(func(p *person) error { _, err := p.MFA.DeleteTOTP(p.Context(), p.browser); return err }),
		"new backup codes":      inside(func(p *person) error { _, err := p.MFA.CreateBackupCodes(p.Context(), p.browser); return err }),
		"another number":        inside(func(p *person) error { p.enrolPhone(anotherNumber); return nil }),
		"a new password":        inside(func(p *person) error { return p.newPassword("correct horse", "correct horse", false) }),
		"this wasn't me":        inside(func(p *person) error { _, err := p.Sessions.RevokeOthers(p.Context(), p.browser); return err }),
		"forgotten on the page": func(p *person) { p.forget(p.devices()[0].WireID()) },
		"all forgotten": func(p *person) {
			_, err := p.Sessions.ForgetAllOwn(p.Context(), p.browser)
			p.Must(err)
		},
		"forgotten by the Backend API": backend(func(p *person) error {
			_, err := p.Admin.ForgetDevice(p.Context(), p.id, p.devices()[0].WireID())
			return err
		}),
		"its session is revoked": backend(func(p *person) error {
			_, err := p.Admin.RevokeSession(p.Context(), p.browser.Session)
			return err
		}),
		"a restore from a backup": func(p *person) {
			p.Advance(time.Second)
			p.restore(p.memory, p.Now())
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).remembered()
			if p.mustProve() {
				t.Fatal("the device is not remembered")
			}
			act(p)
			if len(p.browser.Session) > 0 {
				_, _ = p.Sessions.EndAll(t.Context(), p.browser)
			}
			r, err := p.password()
			p.Must(err)
			if name == "a reset" { // nothing is left to ask for, and nothing to remember
				u, err := p.Admin.User(t.Context(), p.id)
				p.Must(err)
				if len(u.Remembered) > 0 {
					t.Error("the device is still remembered")
				}
				return
			}
			if r.SignIn.Status() != account.NeedsSecondFactor {
				t.Errorf("after %s the device is still remembered", name)
			}
		})
	}
}

// TestPasswordsOnARememberedDevice: a thief at a remembered browser gets as many guesses at the
// password as package guessbound computes. Sign-ins of the owner on other browsers do not help.
func TestPasswordsOnARememberedDevice(t *testing.T) {
	for _, policy := range []account.Policy{account.DefaultPolicy(), account.StrictPolicy()} {
		t.Run(policy.Name, func(t *testing.T) {
			p := newWorld(t).remembered()
			_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.StrictGuessing = policy.Name == "strict" })
			p.Must(err)
			u, err := p.Admin.User(t.Context(), p.id)
			p.Must(err)
			guess := mfa.SignInInput{Identifier: u.Emails[0].Address, Password: secret.New("wrong horse")}
			other := p.stranger()
			for n := range guessbound.Passwords(policy) {
				if len(p.record().Remembered) != 1 {
					t.Fatalf("forgotten after %d wrong passwords", n)
				}
				_, err := p.MFA.CreateSignIn(t.Context(), p.browser, guess)
				p.want(apierr.FormPasswordOrIdentifierIncorrect, err)
				other.mustProve()
				other.Advance(totp.Period)
				p.Must(other.secondFactor(account.TOTPCode, p.totpCode())) // clears the failures in a row
				other.signOut()
			}
			if !p.mustProve() {
				t.Error("the right password is still enough")
			}
		})
	}
}

// TestWhatKeepsARememberedDevice: these acts lower nothing.
func TestWhatKeepsARememberedDevice(t *testing.T) {
	for name, act := range map[string]func(p *person){
		"more days": func(p *person) { p.rememberFor(60) },
		"wrong passwords of a stranger": func(p *person) {
			for range 10 {
				err := p.Admin.VerifyPassword(p.Context(), p.id, secret.New("wrong password"))
				for codeOf(err) == apierr.TooManyRequests {
					p.Advance(apierr.From(err).RetryAfter())
					err = p.Admin.VerifyPassword(p.Context(), p.id, secret.New("wrong password"))
				}
			}
		},
		"another browser of the user": func(p *person) { p.stranger().remembers() },
		"another name": func(p *person) {
			_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{FirstName: new("Ann")})
			p.Must(err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).remembered()
			act(p)
			if p.mustProve() {
				t.Errorf("after %s the device is forgotten", name)
			}
		})
	}
}

// TestOnlyTheRememberedBrowserIsRemembered: another browser, another user on the same browser, an
// older token and an older record are asked for the second factor.
func TestOnlyTheRememberedBrowserIsRemembered(t *testing.T) {
	p := newWorld(t).remembered()
	if other := p.stranger(); !other.mustProve() {
		t.Error("another browser is remembered")
	}

	guest := p.newcomer()
	guest.signInWithTicket()
	guest.enrolApp()
	guest.signOut()
	guest.browser = p.browser
	if !guest.mustProve() {
		t.Error("another user is remembered on the browser")
	}
	p.browser = guest.browser // the sign-in gave it a new token

	old := *p
	if p.mustProve() {
		t.Fatal("the device is not remembered")
	}
	p.signOut()
	if !old.mustProve() {
		t.Error("a copy of the token from before the last sign-in is remembered")
	}
	if p.mustProve() {
		t.Error("the attempt with the old token ended the owner's device")
	}
}

// TestAnOldCopyOfTheClientGainsNothing: after the device was forgotten, an older record of its
// client does not bring it back.
func TestAnOldCopyOfTheClientGainsNothing(t *testing.T) {
	p := newWorld(t).remembered()
	saved := p.world.backup()
	stolen := p.browser
	if p.mustProve() {
		t.Fatal("the device is not remembered")
	}
	p.forget(p.devices()[0].WireID())
	p.signOut()
	client := store.Key{Kind: store.KindClient, ID: tx.TokenClient(stolen.Credentials[0])}
	former, err := saved.Get(t.Context(), client)
	p.Must(err)
	now, err := p.memory.Get(t.Context(), client)
	p.Must(err)
	former[0].Version = now[0].Version
	p.Must(p.memory.Commit(t.Context(), []store.Write{{Record: former[0]}}))
	p.browser = stolen
	if !p.mustProve() {
		t.Error("an older record of the client is remembered")
	}
}

// TestATicketOnARememberedDevice: a ticket is a first factor here too.
func TestATicketOnARememberedDevice(t *testing.T) {
	p := newWorld(t).remembered()
	if r := p.signInWithTicket(); r.SignIn.Status() != account.SignInComplete {
		t.Errorf("status %s", r.SignIn.Status())
	}
	other := p.stranger()
	if r := other.signInWithTicket(); r.SignIn.Status() != account.NeedsSecondFactor {
		t.Errorf("on another browser: status %s", r.SignIn.Status())
	}
}

// TestABannedOrLockedUserIsNotRemembered: the refusals of a sign-in come first.
func TestABannedOrLockedUserIsNotRemembered(t *testing.T) {
	p := newWorld(t).remembered()
	_, err := p.Admin.Lock(t.Context(), p.id)
	p.Must(err)
	_, err = p.password()
	p.want(apierr.UserLocked, err)
	_, err = p.Admin.Ban(t.Context(), p.id)
	p.Must(err)
	p.Advance(time.Hour)
	_, err = p.password()
	p.want(apierr.UserBanned, err)
}

// TestTheListOfRememberedDevices: which browser, since when and until when; at most twenty.
func TestTheListOfRememberedDevices(t *testing.T) {
	p := newWorld(t).member()
	p.rememberFor(30)
	for n := range 21 {
		other := p.stranger()
		other.browser.Agent = fmt.Sprintf("Browser/%d", n)
		other.remembers()
		p.Advance(time.Hour)
	}
	if n := p.happened(eventtype.DeviceRemembered); n != 21 {
		t.Errorf("%d events", n)
	}
	p.browser.Agent = "Own/1"
	p.remembers()
	if p.mustProve() {
		t.Fatal("the device is not remembered")
	}
	all := p.devices()
	if len(all) != 20 || !all[0].Current || all[0].Agent != "Own/1" || all[1].Agent != "Browser/20" || all[19].Agent != "Browser/2" {
		t.Fatalf("%d devices, first %+v, last %+v", len(all), all[0], all[len(all)-1])
	}
	if life := all[0].Ends.Sub(all[0].At); life != 30*day {
		t.Errorf("remembered for %v", life)
	}
	for _, id := range []string{"", "rdev_", all[0].Client, "rdev_aaaaaaaaaaaaaaaaaaaaaaaaaa"} {
		_, err := p.Sessions.ForgetOwn(t.Context(), p.browser, id)
		p.want(apierr.ResourceNotFound, err)
	}
	p.forget(all[3].WireID())
	if left := p.devices(); len(left) != 19 || slices.ContainsFunc(left, func(d sessions.RememberedDevice) bool { return d.Client == all[3].Client }) {
		t.Errorf("%d devices are left", len(left))
	}
	gone, err := p.Sessions.ForgetAllOwn(t.Context(), p.browser)
	p.Must(err)
	if len(gone.All) != 19 || len(p.devices()) != 0 {
		t.Errorf("%d devices were forgotten, %d are left", len(gone.All), len(p.devices()))
	}
	if n := p.happened(eventtype.DeviceForgotten); n != 20 {
		t.Errorf("%d events", n)
	}
}

// TestAForgottenClientIsNotListed: a device whose client's record is gone proves nothing.
func TestAForgottenClientIsNotListed(t *testing.T) {
	p := newWorld(t).remembered()
	other := p.stranger()
	other.browser.Address = netip.MustParseAddr("198.51.100.9")
	other.remembers()
	id := tx.TokenClient(other.browser.Credentials[0])
	client, err := p.memory.Get(t.Context(), store.Key{Kind: store.KindClient, ID: id})
	p.Must(err)
	p.Must(p.memory.Commit(t.Context(), []store.Write{{Record: client[0], Delete: true}}))
	if p.mustProve() {
		t.Fatal("the device is not remembered")
	}
	if all := p.devices(); len(all) != 1 || !all[0].Current {
		t.Errorf("%d devices", len(all))
	}
}

func (p *person) forget(id string) {
	p.Helper()
	_, err := p.Sessions.ForgetOwn(p.Context(), p.browser, id)
	p.Must(err)
}
