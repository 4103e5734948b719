package domain_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// TestAStepUpEndsAfterAnHour: a step-up that began 60 minutes ago sends and accepts no code. One
// second earlier it does both.
func TestAStepUpEndsAfterAnHour(t *testing.T) {
	for _, level := range []authority.Level{authority.FirstFactor, authority.SecondFactor} {
		for age, want := range map[time.Duration]apierr.Code{time.Hour - time.Second: "", time.Hour: apierr.SessionReverificationMissing} {
			t.Run(fmt.Sprint(level, " after ", age), func(t *testing.T) {
				p := newWorld(t).member()
				p.signInWithTicket()
				p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
				session := p.browser.Session
				_, err := p.MFA.StartReverification(t.Context(), p.browser, session, level)
				p.Must(err)
				p.Advance(age)
				proof, attempt := mfa.Proof{Strategy: account.Password, Password: secret.New("correct horse")}, p.MFA.AttemptReverificationFirstFactor
				if level == authority.SecondFactor {
					_, err = p.MFA.PrepareReverificationSecondFactor(t.Context(), p.browser, session, account.PhoneCode, p.phone)
					p.want(want, err)
					proof, attempt = mfa.Proof{Strategy: account.TOTPCode, Code: secret.New(p.totpCode())}, p.MFA.AttemptReverificationSecondFactor
				}
				_, err = attempt(t.Context(), p.browser, session, proof)
				p.want(want, err)
			})
		}
	}
}

// TestAHandshakeEndsAfterAMinute: the nonce of a handshake fetches its answer within a minute,
// once.
func TestAHandshakeEndsAfterAMinute(t *testing.T) {
	w := newWorld(t)
	for age, want := range map[time.Duration]apierr.Code{time.Minute - time.Second: "", time.Minute: apierr.ResourceNotFound} {
		nonce, err := w.Tokens.KeepHandshake(t.Context(), secret.New("directives"))
		w.Must(err)
		w.Advance(age)
		payload, err := w.Tokens.TakeHandshake(t.Context(), nonce)
		w.want(want, err)
		if want == "" && payload.Reveal() != "directives" {
			t.Error("the nonce fetches another answer")
		}
		_, err = w.Tokens.TakeHandshake(t.Context(), nonce)
		w.want(apierr.ResourceNotFound, err)
	}
}

// TestRestoreEndsHandshakes: a nonce from before the backup fetches nothing after the restore,
// although its minute is not over. A later nonce does.
func TestRestoreEndsHandshakes(t *testing.T) {
	w := newWorld(t)
	nonce, err := w.Tokens.KeepHandshake(t.Context(), secret.New("directives"))
	w.Must(err)
	saved := w.backup()
	w.Advance(20 * time.Second)
	w.restore(copyOf(t, saved), time.Time{})
	_, err = w.Tokens.TakeHandshake(t.Context(), nonce)
	w.want("", err) // a restart, which is no restore, keeps it
	w.restore(saved, w.Now())
	_, err = w.Tokens.TakeHandshake(t.Context(), nonce)
	w.want(apierr.ResourceNotFound, err)
	nonce, err = w.Tokens.KeepHandshake(t.Context(), secret.New("directives"))
	w.Must(err)
	_, err = w.Tokens.TakeHandshake(t.Context(), nonce)
	w.want("", err)
}

// TestRestoreEndsWhatADevelopmentBrowserBegan: after the restore a development browser is still
// known, and its session and sign-in have ended.
func TestRestoreEndsWhatADevelopmentBrowserBegan(t *testing.T) {
	w := newWorld(t)
	open := func(p *person) *person {
		token, err := w.Sessions.CreateDevBrowser(t.Context())
		w.Must(err)
		p.browser = tx.Caller{Credentials: []tx.Credential{{Transport: tx.DevBrowser, Token: token}}}
		return p
	}
	seated, waiting := open(w.newcomer()), open(w.member())
	seated.signInWithTicket()
	waiting.signInWithTicket()
	saved := w.backup()
	w.Advance(time.Second)
	w.restore(saved, w.Now())
	w.Advance(time.Minute) // so that the app's code is one from after the restore
	_, err := w.MFA.Me(t.Context(), seated.browser)
	w.want(apierr.AuthenticationInvalid, err)
	w.want(apierr.ResourceNotFound, waiting.secondFactor(account.TOTPCode, waiting.totpCode()))
	seated.signInWithTicket()
	_, err = w.MFA.Me(t.Context(), seated.browser)
	w.want("", err)
}

// TestAUsedCodeLowersTheBreakersOfItsHour: a code that is sent at 10:59 and used at 11:01 lowers
// the three breakers of the first hour by five. It leaves those of the second hour alone.
func TestAUsedCodeLowersTheBreakersOfItsHour(t *testing.T) {
	w := newWorld(t)
	sent := time.Date(2026, 3, 4, 10, 59, 0, 0, time.UTC)
	w.Advance(sent.Sub(w.Now()))
	p := w.newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	_, err = p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
	w.Must(err)
	sums := func(at time.Time) []int64 {
		var names []string
		set := account.DefaultSettings()
		for _, scope := range sms.Scopes(w.Engine, &set, sms.NumberPrefix(aNumber), "US") {
			names = append(names, scope.Counter(account.At(at)))
		}
		sums, err := w.QuotaSums(t.Context(), names...)
		w.Must(err)
		return sums
	}
	used := sent.Add(2 * time.Minute)
	w.Advance(used.Sub(w.Now()))
	if got := sums(sent); !slices.Equal(got, []int64{1, 1, 1}) {
		t.Fatalf("after the message the breakers are at %v, want one each", got)
	}
	_, err = p.MFA.AttemptPhone(t.Context(), p.browser, r.Phone.ID, mfa.Proof{Code: secret.New(p.Code())})
	w.Must(err)
	if got := sums(sent); !slices.Equal(got, []int64{-4, -4, -4}) {
		t.Errorf("the breakers of the message's hour are at %v, want 1 - 5 each", got)
	}
	if got := sums(used); !slices.Equal(got, []int64{0, 0, 0}) {
		t.Errorf("the breakers of the hour of use are at %v, want none moved", got)
	}
}

// TestARefusedMessageCounts: a message that the network refuses counts, although the user may
// request another at once. The sixth in ten minutes is not tried.
func TestARefusedMessageCounts(t *testing.T) {
	w := newWorld(t)
	w.Fail(errors.New("network down"))
	p := w.newcomer()
	p.signInWithTicket()
	r, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: aNumber})
	w.Must(err)
	ask := func() error {
		_, err := p.MFA.PreparePhone(t.Context(), p.browser, r.Phone.ID, account.PhoneCode)
		return err
	}
	for range 5 {
		w.want(apierr.SMSSendError, ask())
	}
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.Fail(nil)
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.Advance(9 * time.Minute)
	w.want(apierr.VerificationCodeTooManyRequests, ask())
	w.Advance(time.Minute)
	w.want("", ask())
}

// TestAMessageToAVerifiedNumberCounts: a number gets five messages in ten minutes, also when it is
// verified and its owner's known browser requests them.
func TestAMessageToAVerifiedNumberCounts(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	for range 5 {
		p.text()
		p.Advance(time.Minute)
	}
	_, err := p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, p.phone)
	p.want(apierr.VerificationCodeTooManyRequests, err)
	p.Advance(5 * time.Minute)
	p.text()
}

// TestANumberStaysWithTheUserWhoVerifiedIt: the owner keeps a verified number, and a third account
// cannot claim it, whatever happens to another account that only added it.
func TestANumberStaysWithTheUserWhoVerifiedIt(t *testing.T) {
	for what, remove := range map[string]func(a *person) error{
		"the other account is deleted":     func(a *person) error { return a.Admin.DeleteUser(t.Context(), a.id) },
		"the other account removes it":     func(a *person) error { _, err := a.MFA.DeletePhone(t.Context(), a.browser, a.phone); return err },
		"the Backend API removes it there": func(a *person) error { _, err := a.Admin.DeleteUserPhone(t.Context(), a.phone); return err },
		"the Backend API replaces it there": func(a *person) error {
			_, err := a.Admin.ReplaceUserPhones(t.Context(), a.id, anotherNumber, phoneState(true))
			return err
		},
		"the Backend API says it is not proved":  func(a *person) error { return a.doubted() },
		"the other account is banned and let in": func(a *person) error { _, err := a.Admin.Ban(t.Context(), a.id); return err },
	} {
		t.Run(what, func(t *testing.T) {
			w := newWorld(t)
			added, owner, third := w.newcomer(), w.newcomer(), w.newcomer()
			added.signInWithTicket()
			r, err := added.MFA.AddPhone(t.Context(), added.browser, mfa.PhoneInput{Number: aNumber})
			w.Must(err)
			added.phone = r.Phone.ID
			owner.signInWithTicket()
			owner.enrolPhone(aNumber)
			w.Must(remove(added))
			third.signInWithTicket()
			_, err = third.MFA.AddPhone(t.Context(), third.browser, mfa.PhoneInput{Number: aNumber})
			w.want(apierr.FormIdentifierExists, err)
			_, err = w.Admin.AddUserPhone(t.Context(), third.id, aNumber, admin.PhoneChange{})
			w.want(apierr.FormIdentifierExists, err)
			got, err := w.MFA.Phone(t.Context(), owner.browser, owner.phone)
			w.Must(err)
			if got.Phone.Verified == 0 || !got.Phone.Reserved {
				t.Errorf("the owner's number is %+v", got.Phone)
			}
		})
	}
}

// doubted marks a number unverified that was never verified.
func (p *person) doubted() error {
	no := false
	_, err := p.Admin.ChangeUserPhone(p.Context(), p.phone, admin.PhoneChange{Verified: &no})
	return err
}

// TestOneDefaultNumber: exactly one of a user's numbers that are second factors is the default, the
// one that was last made it.
func TestOneDefaultNumber(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	first := p.phone
	w.Advance(time.Minute)
	p.enrolPhone(anotherNumber)
	second, yes := p.phone, true
	for what, change := range map[string]func(id string) error{
		"the user makes it the default": func(id string) error {
			_, err := p.MFA.ChangePhone(t.Context(), p.browser, id, mfa.PhoneChange{Default: new(true)})
			return err
		},
		"the user reserves it as the default": func(id string) error {
			_, err := p.MFA.ChangePhone(t.Context(), p.browser, id, mfa.PhoneChange{Reserved: new(true), Default: new(true)})
			return err
		},
		"the Backend API makes it the default": func(id string) error {
			_, err := w.Admin.ChangeUserPhone(t.Context(), id, admin.PhoneChange{Default: &yes})
			return err
		},
	} {
		for _, id := range []string{second, first, second, second} {
			w.Must(change(id))
			u, err := w.Admin.User(t.Context(), p.id)
			w.Must(err)
			for _, ph := range u.Phones {
				if ph.Default != (ph.ID == id) {
					t.Errorf("%s: of %s the default is %v, want %v", what, ph.Number, ph.Default, ph.ID == id)
				}
			}
		}
	}
}

// TestALockHolds: while the Backend API's lock lasts, a correct code, a ticket and the Backend
// API's own check are refused. After its hour they are not.
func TestALockHolds(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	ticket, err := p.MFA.CreateTicket(t.Context(), p.id, 2*time.Hour)
	p.Must(err)
	_, err = p.Admin.Lock(t.Context(), p.id)
	p.Must(err)
	redeem := func() error {
		_, err := p.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
		return err
	}
	verify := func() error { _, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode())); return err }
	p.want(apierr.UserLocked, p.secondFactor(account.TOTPCode, p.totpCode()))
	p.want(apierr.UserLocked, redeem())
	p.want(apierr.UserLocked, verify())
	p.Advance(time.Hour - time.Second)
	p.want(apierr.UserLocked, redeem())
	p.want(apierr.UserLocked, verify())
	p.Advance(time.Second)
	p.want("", redeem())
	p.want("", verify())
}

// TestChangesOfFactorsNeedAFreshProof: in a session whose strongest factor was proved eleven
// minutes ago, no factor is added, changed or removed.
func TestChangesOfFactorsNeedAFreshProof(t *testing.T) {
	p := newWorld(t).member()
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.Advance(11 * time.Minute)
	before := p.stored()
	for what, change := range map[string]func() error{
		"adding a number": func() error {
			_, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: anotherNumber})
			return err
		},
		"a number becomes a factor": func() error {
			_, err := p.MFA.ChangePhone(t.Context(), p.browser, p.phone, mfa.PhoneChange{Reserved: new(true)})
			return err
		},
		"a number is no factor": func() error {
			_, err := p.MFA.ChangePhone(t.Context(), p.browser, p.phone, mfa.PhoneChange{Reserved: new(false)})
			return err
		},
		"removing a number":          func() error { _, err := p.MFA.DeletePhone(t.Context(), p.browser, p.phone); return err },
		"beginning with another app": func() error { _, err := p.MFA.CreateTOTP(t.Context(), p.browser); return err },
		"removing the app":           func() error { _, err := p.MFA.DeleteTOTP(t.Context(), p.browser); return err },
		"making backup codes":        func() error { _, err := p.MFA.CreateBackupCodes(t.Context(), p.browser); return err },
		"ending all others":          func() error { _, err := p.Sessions.RevokeOthers(t.Context(), p.browser); return err },
		"ending a session":           func() error { _, err := p.Sessions.RevokeOwn(t.Context(), p.browser, p.browser.Session); return err },
	} {
		if err := change(); codeOf(err) != apierr.SessionReverificationRequired {
			t.Errorf("%s: %v, want %s", what, err, apierr.SessionReverificationRequired)
		}
	}
	if p.stored() != before {
		t.Error("the user was changed")
	}
}

// TestOneClientCookie: the cookies of two clients are refused in either order. One cookie twice, or
// beside an unknown one, is accepted.
func TestOneClientCookie(t *testing.T) {
	w := newWorld(t)
	one, two := w.newcomer(), w.newcomer()
	one.signInWithTicket()
	two.signInWithTicket()
	a, b := one.browser.Credentials[0], two.browser.Credentials[0]
	forged := tx.Credential{Transport: tx.Cookie, Token: secret.New(b.Token.Reveal() + "a")}
	for what, tc := range map[string]struct {
		sent []tx.Credential
		want apierr.Code
	}{
		"the other's behind": {[]tx.Credential{a, b}, apierr.FormParamDuplicate}, "the other's before": {[]tx.Credential{b, a}, apierr.FormParamDuplicate},
		"the same twice": {[]tx.Credential{a, a}, ""}, "a forged one before": {[]tx.Credential{forged, a}, ""},
	} {
		_, err := w.MFA.Me(t.Context(), tx.Caller{Credentials: tc.sent, Session: one.browser.Session})
		if codeOf(err) != tc.want {
			t.Errorf("%s: %v, want %q", what, err, tc.want)
		}
	}
}

// TestSettingsOfAnotherProcess: other processes follow a change of the settings within ten seconds,
// without reading the settings on each request.
func TestSettingsOfAnotherProcess(t *testing.T) {
	w := newWorld(t)
	other, err := domain.New(w.Config)
	w.Must(err)
	required := func() bool {
		set, err := other.Engine.Settings(t.Context())
		w.Must(err)
		return set.MFARequired
	}
	if required() {
		t.Fatal("a second factor is required from the start")
	}
	w.settle(func(s *account.Settings) { s.MFARequired = true })
	w.Advance(9 * time.Second)
	w.counts.Reset()
	if required() || w.counts.Counts().Gets != 0 {
		t.Error("the settings were read again within ten seconds")
	}
	w.Advance(time.Second)
	if !required() {
		t.Error("after ten seconds the other process works with the settings from before")
	}
}

// everythingExpiredStore is a store that returns every record as expired.
type everythingExpiredStore struct{ store.Store }

func (c everythingExpiredStore) Expired(ctx context.Context, kind store.Kind, _ time.Time, limit int) ([]store.Key, error) {
	records, _, err := c.List(ctx, kind, "", limit)
	var keys []store.Key
	for _, r := range records {
		keys = append(keys, r.Key)
	}
	return keys, err
}

// TestTheCleanupKeepsWhatIsAlive: a cleanup at any time removes no valid record, also when the
// store returns the wrong records as expired.
func TestTheCleanupKeepsWhatIsAlive(t *testing.T) {
	for name, wrap := range map[string]func(store.Store) store.Store{
		"a store that is right": func(s store.Store) store.Store { return s }, "a store that is wrong": func(s store.Store) store.Store { return everythingExpiredStore{s} },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.Config.Store = wrap(w.counts)
			w.Restart()
			clean := func() {
				t.Helper()
				_, err := w.Service.Admin.Cleanup(t.Context(), 1000)
				w.Must(err)
			}
			p := w.member()
			ticket, err := w.MFA.CreateTicket(t.Context(), p.id, 30*24*time.Hour)
			w.Must(err)
			p.signInWithTicket()
			clean()
			p.text()
			clean()
			p.Must(p.secondFactor(account.PhoneCode, p.Code()))
			client := func() string {
				snap, err := w.Sessions.Client(t.Context(), p.browser)
				w.Must(err)
				if snap.Client == nil {
					t.Fatal("the client is gone, which lives for a year")
				}
				return snap.Client.WireID()
			}
			was := client()
			for day := range 10 {
				clean()
				if day < 7 {
					_, err := w.MFA.Me(t.Context(), p.browser)
					w.Must(err)
				}
				w.Advance(24 * time.Hour)
			}
			if client() != was {
				t.Error("after its session the client is another one")
			}
			w.Advance(19 * 24 * time.Hour)
			clean()
			r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
			w.Must(err)
			p.keepToken(r.Snapshot)
			p.signIn = r.SignIn.ID
			p.Must(p.secondFactor(account.BackupCode, p.backup[0]))
			_, err = w.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.backup[0]))
			w.want(apierr.FormCodeIncorrect, err)
		})
	}
}

// TestAnOperationKeepsWhatANewerVersionStored: while two versions run, a field that the newer one
// wrote survives the older one's changes of the record.
func TestAnOperationKeepsWhatANewerVersionStored(t *testing.T) {
	p := newWorld(t).member()
	p.rewrite(func(record map[string]any) {
		record["zz"] = "from the future"
		storedPhone(record)["zz"] = "of a number"
	})
	first := "Ann"
	_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{FirstName: &first})
	p.Must(err)
	p.signInWithTicket()
	p.Must(p.secondFactor(account.TOTPCode, p.totpCode()))
	p.rewrite(func(record map[string]any) {
		if record["fn"] != first || record["zz"] != "from the future" || storedPhone(record)["zz"] != "of a number" {
			t.Errorf("the name is %v, the newer fields are %v and %v", record["fn"], record["zz"], storedPhone(record)["zz"])
		}
	})
}
