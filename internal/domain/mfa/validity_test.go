package mfa_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// TestAStepUpEndsAfterAnHour: a step-up that began 60 minutes ago sends no code and takes none. One second earlier it does both.
func TestAStepUpEndsAfterAnHour(t *testing.T) {
	for _, level := range []authority.Level{authority.FirstFactor, authority.SecondFactor} {
		for age, want := range map[time.Duration]apierr.Code{time.Hour - time.Second: "", time.Hour: apierr.SessionReverificationMissing} {
			t.Run(fmt.Sprint(level, " after ", age), func(t *testing.T) {
				p := newWorld(t).member()
				p.enter()
				p.must(p.second(mfa.TOTPCode, p.app()))
				session := p.browser.Session
				_, err := p.StartReverification(t.Context(), p.browser, session, level)
				p.must(err)
				p.later(age)
				proof := mfa.Proof{Strategy: mfa.Password, Password: secret.New("correct horse")}
				if level == authority.SecondFactor {
					_, err = p.PrepareReverification(t.Context(), p.browser, session, true, mfa.PhoneCode, p.phone)
					p.want(want, err)
					proof = mfa.Proof{Strategy: mfa.TOTPCode, Code: secret.New(p.app())}
				}
				_, err = p.AttemptReverification(t.Context(), p.browser, session, level == authority.SecondFactor, proof)
				p.want(want, err)
			})
		}
	}
}

// TestAHandshakeEndsAfterAMinute: the nonce of a handshake fetches its answer within a minute, once.
func TestAHandshakeEndsAfterAMinute(t *testing.T) {
	w := newWorld(t)
	for age, want := range map[time.Duration]apierr.Code{time.Minute - time.Second: "", time.Minute: apierr.ResourceNotFound} {
		nonce, err := w.KeepHandshake(t.Context(), secret.New("directives"))
		w.must(err)
		w.later(age)
		payload, err := w.TakeHandshake(t.Context(), nonce)
		w.want(want, err)
		if want == "" && payload.Reveal() != "directives" {
			t.Error("the nonce fetches another answer")
		}
		_, err = w.TakeHandshake(t.Context(), nonce)
		w.want(apierr.ResourceNotFound, err)
	}
}

// TestRestoreEndsHandshakes: a nonce from before the backup fetches nothing after the restore, although its minute is not over. A nonce from after it does.
func TestRestoreEndsHandshakes(t *testing.T) {
	w := newWorld(t)
	nonce, err := w.KeepHandshake(t.Context(), secret.New("directives"))
	w.must(err)
	saved := w.backup()
	w.later(20 * time.Second)
	w.restore(copyOf(t, saved), time.Time{})
	_, err = w.TakeHandshake(t.Context(), nonce)
	w.want("", err) // a restart, which is no restore, keeps it
	w.restore(saved, w.now())
	_, err = w.TakeHandshake(t.Context(), nonce)
	w.want(apierr.ResourceNotFound, err)
	nonce, err = w.KeepHandshake(t.Context(), secret.New("directives"))
	w.must(err)
	_, err = w.TakeHandshake(t.Context(), nonce)
	w.want("", err)
}

// TestRestoreEndsWhatADevelopmentBrowserBegan: after the restore a development browser is known, and neither its session nor its sign-in goes on.
func TestRestoreEndsWhatADevelopmentBrowserBegan(t *testing.T) {
	w := newWorld(t)
	open := func(p *person) *person {
		token, err := w.CreateDevBrowser(t.Context())
		w.must(err)
		p.browser = mfa.Caller{Credentials: []mfa.Credential{{Transport: mfa.DevBrowser, Token: token}}}
		return p
	}
	seated, waiting := open(w.newcomer()), open(w.member())
	seated.enter()
	waiting.enter()
	saved := w.backup()
	w.later(time.Second)
	w.restore(saved, w.now())
	w.later(time.Minute) // so that the app's code is one from after the restore
	_, err := w.Me(t.Context(), seated.browser)
	w.want(apierr.AuthenticationInvalid, err)
	w.want(apierr.ResourceNotFound, waiting.second(mfa.TOTPCode, waiting.app()))
	seated.enter()
	_, err = w.Me(t.Context(), seated.browser)
	w.want("", err)
}

// TestAUsedCodeLowersTheBreakersOfItsHour: a code that is sent at 10:59 and used at 11:01 lowers the three breakers of the first hour by five and leaves those
// of the second alone.
func TestAUsedCodeLowersTheBreakersOfItsHour(t *testing.T) {
	w := newWorld(t)
	sent := time.Date(2026, 3, 4, 10, 59, 0, 0, time.UTC)
	w.later(sent.Sub(w.now()))
	p := w.newcomer()
	p.enter()
	r, err := p.AddPhone(t.Context(), p.browser, aNumber, false)
	w.must(err)
	_, err = p.PreparePhone(t.Context(), p.browser, r.Phone.ID, mfa.PhoneCode)
	w.must(err)
	sums := func(at time.Time) []int64 {
		sums, err := w.counts.Sums(t.Context(), w.Breakers(aNumber, "US", mfa.At(at))...)
		w.must(err)
		return sums
	}
	used := sent.Add(2 * time.Minute)
	w.later(used.Sub(w.now()))
	if got := sums(sent); !slices.Equal(got, []int64{1, 1, 1}) {
		t.Fatalf("after the message the breakers are at %v, want one each", got)
	}
	_, err = p.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: secret.New(p.sms())})
	w.must(err)
	if got := sums(sent); !slices.Equal(got, []int64{-4, -4, -4}) {
		t.Errorf("the breakers of the message's hour are at %v, want 1 - 5 each", got)
	}
	if got := sums(used); !slices.Equal(got, []int64{0, 0, 0}) {
		t.Errorf("the breakers of the hour of use are at %v, want none moved", got)
	}
}

// TestARefusedMessageCounts: when the network refuses a message the user may ask again at once, and yet it counts: the sixth in ten minutes is not tried.
func TestARefusedMessageCounts(t *testing.T) {
	w := newWorld(t)
	w.down = true
	p := w.newcomer()
	p.enter()
	r, err := p.AddPhone(t.Context(), p.browser, aNumber, false)
	w.must(err)
	ask := func() error {
		_, err := p.PreparePhone(t.Context(), p.browser, r.Phone.ID, mfa.PhoneCode)
		return err
	}
	for range 5 {
		w.want(apierr.SMSSendError, ask())
	}
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.down = false
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.later(9 * time.Minute)
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.later(time.Minute)
	w.want("", ask())
}

// TestAMessageToAVerifiedNumberCounts: a number gets five messages in ten minutes, also when it is verified and its owner's known browser asks.
func TestAMessageToAVerifiedNumberCounts(t *testing.T) {
	p := newWorld(t).member()
	p.enter()
	for range 5 {
		p.text()
		p.later(time.Minute)
	}
	_, err := p.PrepareSecondFactor(t.Context(), p.browser, p.signIn, mfa.PhoneCode, p.phone)
	p.want(apierr.VerificationCodeTooManyRequests, err)
	p.later(5 * time.Minute)
	p.text()
}

// TestANumberStaysWithTheUserWhoVerifiedIt: whatever happens to another account that only added the number, its owner keeps it and a third account cannot
// countNetwork it.
func TestANumberStaysWithTheUserWhoVerifiedIt(t *testing.T) {
	for what, remove := range map[string]func(a *person) error{
		"the other account is deleted":           func(a *person) error { return a.DeleteUser(t.Context(), a.id) },
		"the other account removes it":           func(a *person) error { _, err := a.DeletePhone(t.Context(), a.browser, a.phone); return err },
		"the Backend API removes it there":       func(a *person) error { _, err := a.DeleteUserPhone(t.Context(), a.phone); return err },
		"the Backend API says it is not proved":  func(a *person) error { return a.doubted() },
		"the other account is banned and let in": func(a *person) error { _, err := a.Ban(t.Context(), a.id, true); return err },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			added, owner, third := w.newcomer(), w.newcomer(), w.newcomer()
			added.enter()
			r, err := added.AddPhone(t.Context(), added.browser, aNumber, false)
			w.must(err)
			added.phone = r.Phone.ID
			owner.enter()
			owner.enrolPhone(aNumber)
			w.must(remove(added))
			third.enter()
			_, err = third.AddPhone(t.Context(), third.browser, aNumber, false)
			w.want(apierr.FormIdentifierExists, err)
			_, err = w.AddUserPhone(t.Context(), third.id, aNumber, mfa.PhoneChange{})
			w.want(apierr.FormIdentifierExists, err)
			got, err := w.Phone(t.Context(), owner.browser, owner.phone)
			w.must(err)
			if got.Phone.Verified == 0 || !got.Phone.Reserved {
				t.Errorf("the owner's number is %+v", got.Phone)
			}
		})
	}
}

// doubted takes back a verification that was never given.
func (p *person) doubted() error {
	no := false
	_, err := p.ChangeUserPhone(p.Context(), p.phone, mfa.PhoneChange{Verified: &no})
	return err
}

// TestOneDefaultNumber: of a user's numbers that are second factors, one is the default: the last that was made it.
func TestOneDefaultNumber(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.enter()
	p.enrolPhone(aNumber)
	first := p.phone
	w.later(time.Minute)
	p.enrolPhone(anotherNumber)
	second, yes := p.phone, true
	for what, change := range map[string]func(id string) error{
		"the user makes it the default": func(id string) error { _, err := p.MakeDefaultPhone(t.Context(), p.browser, id, true); return err },
		"the user reserves it as the default": func(id string) error {
			_, err := p.ReservePhone(t.Context(), p.browser, id, true)
			return err
		},
		"the Backend API makes it the default": func(id string) error {
			_, err := w.ChangeUserPhone(t.Context(), id, mfa.PhoneChange{Default: &yes})
			return err
		},
	} {
		for _, id := range []string{second, first, second, second} {
			w.must(change(id))
			u, err := w.User(t.Context(), p.id)
			w.must(err)
			for _, ph := range u.Phones {
				if ph.Default != (ph.ID == id) {
					t.Errorf("%s: of %s the default is %v, want %v", what, ph.Number, ph.Default, ph.ID == id)
				}
			}
		}
	}
}

// TestALockHolds: while the Backend API's lock lasts, a right code, a ticket and the Backend API's own check are refused. After its hour they are not.
func TestALockHolds(t *testing.T) {
	p := newWorld(t).member()
	p.enter()
	ticket, err := p.CreateTicket(t.Context(), p.id, 2*time.Hour)
	p.must(err)
	_, err = p.Lock(t.Context(), p.id)
	p.must(err)
	redeem := func() error {
		_, err := p.CreateSignIn(t.Context(), mfa.Caller{}, mfa.SignInInput{Strategy: mfa.TicketCode, Ticket: ticket.Token})
		return err
	}
	verify := func() error { _, err := p.VerifyTOTP(t.Context(), p.id, secret.New(p.app())); return err }
	p.want(apierr.UserLocked, p.second(mfa.TOTPCode, p.app()))
	p.want(apierr.UserLocked, redeem())
	p.want(apierr.UserLocked, verify())
	p.later(time.Hour - time.Second)
	p.want(apierr.UserLocked, redeem())
	p.want(apierr.UserLocked, verify())
	p.later(time.Second)
	p.want("", redeem())
	p.want("", verify())
}

// TestChangesOfFactorsNeedAFreshProof: in a session whose strongest factor was proved eleven minutes ago, no factor is added, changed or removed.
func TestChangesOfFactorsNeedAFreshProof(t *testing.T) {
	p := newWorld(t).member()
	p.enter()
	p.must(p.second(mfa.TOTPCode, p.app()))
	p.later(11 * time.Minute)
	before := p.stored()
	for what, change := range map[string]func() error{
		"adding a number":            func() error { _, err := p.AddPhone(t.Context(), p.browser, anotherNumber, false); return err },
		"a number becomes a factor":  func() error { _, err := p.ReservePhone(t.Context(), p.browser, p.phone, false); return err },
		"a number is no factor":      func() error { _, err := p.ReleasePhone(t.Context(), p.browser, p.phone); return err },
		"removing a number":          func() error { _, err := p.DeletePhone(t.Context(), p.browser, p.phone); return err },
		"beginning with another app": func() error { _, err := p.CreateTOTP(t.Context(), p.browser); return err },
		"removing the app":           func() error { _, err := p.DeleteTOTP(t.Context(), p.browser); return err },
		"making backup codes":        func() error { _, err := p.CreateBackupCodes(t.Context(), p.browser); return err },
		"ending a session":           func() error { _, err := p.RevokeOwn(t.Context(), p.browser, p.browser.Session); return err },
	} {
		if err := change(); codeOf(err) != apierr.SessionReverificationRequired {
			t.Errorf("%s: %v, want %s", what, err, apierr.SessionReverificationRequired)
		}
	}
	if p.stored() != before {
		t.Error("the user was changed")
	}
}

// TestOneClientCookie: the cookies of two clients are refused in either order; one cookie twice, or beside one that is nobody's, is good.
func TestOneClientCookie(t *testing.T) {
	w := newWorld(t)
	one, two := w.newcomer(), w.newcomer()
	one.enter()
	two.enter()
	a, b := one.browser.Credentials[0], two.browser.Credentials[0]
	forged := mfa.Credential{Transport: mfa.Cookie, Token: secret.New(b.Token.Reveal() + "a")}
	for what, tc := range map[string]struct {
		sent []mfa.Credential
		want apierr.Code
	}{
		"the other's behind": {[]mfa.Credential{a, b}, apierr.FormParamDuplicate}, "the other's before": {[]mfa.Credential{b, a}, apierr.FormParamDuplicate},
		"the same twice": {[]mfa.Credential{a, a}, ""}, "a forged one before": {[]mfa.Credential{forged, a}, ""},
	} {
		_, err := w.Me(t.Context(), mfa.Caller{Credentials: tc.sent, Session: one.browser.Session})
		if codeOf(err) != tc.want {
			t.Errorf("%s: %v, want %q", what, err, tc.want)
		}
	}
}

// TestSettingsOfAnotherProcess: a change of the settings is followed by the other processes within ten seconds, and not read by each request.
func TestSettingsOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	other, err := mfa.New(w.config)
	w.must(err)
	required := func() bool {
		set, err := other.Settings(t.Context())
		w.must(err)
		return set.MFARequired
	}
	if required() {
		t.Fatal("a second factor is required from the start")
	}
	w.settle(func(s *mfa.Settings) { s.MFARequired = true })
	w.later(9 * time.Second)
	w.counts.Reset()
	if required() || w.counts.Counts().Gets != 0 {
		t.Error("the settings were read again within ten seconds")
	}
	w.later(time.Second)
	if !required() {
		t.Error("after ten seconds the other process works with the settings from before")
	}
}

// credulous is a store that takes every record for one that ran out.
type credulous struct{ mfa.Store }

func (c credulous) Expired(ctx context.Context, kind mfa.Kind, _ time.Time, limit int) ([]mfa.Key, error) {
	records, err := c.List(ctx, kind, "", limit)
	var keys []mfa.Key
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys, err
}

// TestTheCleanupKeepsWhatIsAlive: a cleanup at any moment of a life takes nothing that is alive, also when the store names the wrong records.
func TestTheCleanupKeepsWhatIsAlive(t *testing.T) {
	for name, wrap := range map[string]func(mfa.Store) mfa.Store{
		"a store that is right": func(s mfa.Store) mfa.Store { return s }, "a store that is wrong": func(s mfa.Store) mfa.Store { return credulous{s} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.config.Store = wrap(w.counts)
			var err error
			w.Service, err = mfa.New(w.config)
			w.must(err)
			clean := func() {
				t.Helper()
				_, err := w.Service.Cleanup(t.Context(), 1000)
				w.must(err)
			}
			p := w.member()
			ticket, err := w.CreateTicket(t.Context(), p.id, 30*24*time.Hour)
			w.must(err)
			p.enter()
			clean()
			p.text()
			clean()
			p.must(p.second(mfa.PhoneCode, p.sms()))
			client := func() string {
				snap, err := w.Client(t.Context(), p.browser)
				w.must(err)
				if snap.Client == nil {
					t.Fatal("the client is gone, which lives for a year")
				}
				return snap.Client.WireID()
			}
			was := client()
			for day := range 10 {
				clean()
				if day < 7 {
					_, err := w.Me(t.Context(), p.browser)
					w.must(err)
				}
				w.later(24 * time.Hour)
			}
			if client() != was {
				t.Error("after its session the client is another one")
			}
			w.later(19 * 24 * time.Hour)
			clean()
			r, err := w.CreateSignIn(t.Context(), mfa.Caller{}, mfa.SignInInput{Strategy: mfa.TicketCode, Ticket: ticket.Token})
			w.must(err)
			p.keep(r.Snapshot)
			p.signIn = r.SignIn.ID
			p.must(p.second(mfa.BackupCode, p.backup[0]))
			_, err = w.VerifyTOTP(t.Context(), p.id, secret.New(p.backup[0]))
			w.want(apierr.FormCodeIncorrect, err)
		})
	}
}

// TestAnOperationKeepsWhatANewerVersionStored: while two versions run, a field that the newer one wrote survives the older one's changes of the record.
func TestAnOperationKeepsWhatANewerVersionStored(t *testing.T) {
	p := newWorld(t).member()
	p.rewrite(func(record map[string]any) {
		record["zz"] = "from the future"
		storedPhone(record)["zz"] = "of a number"
	})
	first := "Ann"
	_, err := p.UpdateUser(t.Context(), p.id, mfa.UserChange{FirstName: &first})
	p.must(err)
	p.enter()
	p.must(p.second(mfa.TOTPCode, p.app()))
	p.rewrite(func(record map[string]any) {
		if record["fn"] != first || record["zz"] != "from the future" || storedPhone(record)["zz"] != "of a number" {
			t.Errorf("the name is %v, the newer fields are %v and %v", record["fn"], record["zz"], storedPhone(record)["zz"])
		}
	})
}
