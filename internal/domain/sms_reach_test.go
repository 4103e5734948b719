package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	frenchNumber   = "+33612345678"
	tollFreeNumber = "+18002345678"
)

// countries sets the countries that messages may go to.
func (w *world) countries(codes ...string) {
	w.Helper()
	w.settle(func(s *account.Settings) { s.SMSCountries = codes })
}

// reserveBy adds a number as a second factor that the application's server verified.
func (p *person) reserveBy(number string) error {
	yes := true
	_, err := p.Admin.AddUserPhone(p.Context(), p.id, number, admin.PhoneChange{Verified: &yes, Reserved: &yes})
	return err
}

// TestANumberThatNoCodeReachesBecomesNoFactor: the Backend API makes a number a second factor under
// the same conditions as adding one. A refusal changes nothing.
func TestANumberThatNoCodeReachesBecomesNoFactor(t *testing.T) {
	w := newWorld(t)
	yes := true
	for number, code := range map[string]apierr.Code{tollFreeNumber: apierr.FormParamFormatInvalid, frenchNumber: apierr.UnsupportedCountryCode} {
		p := w.newcomer()
		p.want(code, p.reserveBy(number))
		_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "imported", ReservedPhones: []string{number}})
		p.want(code, err)
		plain, err := p.Admin.AddUserPhone(t.Context(), p.id, number, admin.PhoneChange{Verified: &yes})
		p.Must(err)
		_, err = p.Admin.ChangeUserPhone(t.Context(), plain.Phone.ID, admin.PhoneChange{Reserved: &yes})
		p.want(code, err)
		u, err := p.Admin.User(t.Context(), p.id)
		p.Must(err)
		if len(u.Phones) != 1 || u.TwoFactorEnabled() {
			t.Errorf("%s: %d numbers, second factor %v", code, len(u.Phones), u.TwoFactorEnabled())
		}
	}
	if n, err := w.Directory.Users(t.Context(), directory.Query{Filter: directory.Filter{Usernames: []string{"imported"}}, Limit: 1}); err != nil || len(n) != 0 {
		t.Errorf("%d users were imported, %v", len(n), err)
	}
}

// TestANumberOnTheWayIsAskedToo: a number that a user added as a second factor becomes one when the
// Backend API verifies it, under the same conditions.
func TestANumberOnTheWayIsAskedToo(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.countries("US", "CA", "FR")
	added, err := p.MFA.AddPhone(t.Context(), p.browser, mfa.PhoneInput{Number: frenchNumber, Reserved: true})
	p.Must(err)
	p.countries("US", "CA")
	yes := true
	_, err = p.Admin.ChangeUserPhone(t.Context(), added.Phone.ID, admin.PhoneChange{Verified: &yes})
	p.want(apierr.UnsupportedCountryCode, err)
}

// TestAFactorThatCannotBeProvedIsNotOffered: a number whose country was switched off stays, is not
// offered, and gets no message. It is a factor again when the country is on again.
func TestAFactorThatCannotBeProvedIsNotOffered(t *testing.T) {
	p := newWorld(t).newcomer()
	p.countries("US", "CA", "FR")
	p.Must(p.reserveBy(frenchNumber))
	p.Must(p.reserveBy(aNumber))
	p.countries("US", "CA")
	p.signInWithTicket()
	phones := func() (shown []string) {
		u, err := p.Admin.User(t.Context(), p.id)
		p.Must(err)
		set, err := p.Engine.Settings(t.Context())
		p.Must(err)
		for _, f := range factors.Second(u, &set) {
			shown = append(shown, f.Phone.Number)
		}
		return shown
	}
	if got := phones(); len(got) != 1 || got[0] != aNumber {
		t.Errorf("offered: %v", got)
	}
	u, err := p.Admin.User(t.Context(), p.id)
	p.Must(err)
	if len(u.Phones) != 2 || !u.Phones[0].Default || u.Phones[0].Number != frenchNumber {
		t.Fatalf("the number that is excluded is no longer the default: %+v", u.Phones)
	}
	_, err = p.MFA.PrepareSecondFactor(t.Context(), p.browser, p.signIn, account.PhoneCode, u.Phones[0].ID)
	p.want(apierr.StrategyForUserInvalid, err)
	p.phone = "" // the default, or the first number that is offered
	p.text()
	p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	_, err = p.Admin.ChangeUserPhone(t.Context(), u.Phones[0].ID, admin.PhoneChange{Reserved: &u.Phones[0].Reserved})
	p.Must(err) // it is one already
	p.countries("US", "CA", "FR")
	if got := phones(); len(got) != 2 || got[0] != frenchNumber {
		t.Errorf("with the country on again: %v", got)
	}
}

// TestAFirstFactorThatCannotBeProvedIsNotOffered: a number of a country that is switched off is not
// offered as a first factor either.
func TestAFirstFactorThatCannotBeProvedIsNotOffered(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.FirstFactorPhoneCode, s.EnumerationProtection = true, false })
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "ann", Phones: []string{frenchNumber, aNumber}})
	w.Must(err)
	set, err := w.Engine.Settings(t.Context())
	w.Must(err)
	if got := factors.First(u, &set); len(got) != 1 || got[0].Phone.Number != aNumber {
		t.Errorf("offered: %v", got)
	}
	r, err := w.MFA.CreateSignIn(t.Context(), tx.Caller{}, mfa.SignInInput{Identifier: "ann"})
	w.Must(err)
	p := &person{world: w}
	p.keepToken(r.Snapshot)
	_, err = w.MFA.PrepareFirstFactor(t.Context(), p.browser, r.SignIn.ID, account.PhoneCode, "")
	w.Must(err)
}

// TestAStrandedUserIsToldOf: a sign-in of a user whose second factors cannot be proved is reported
// to the administrators, once a day.
func TestAStrandedUserIsToldOf(t *testing.T) {
	for name, narrow := range map[string]func(*account.Settings){
		"country off": func(s *account.Settings) { s.SMSCountries = []string{"CA"} },
		"method off":  func(s *account.Settings) { s.SMSCode = false },
	} {
		t.Run(name, func(t *testing.T) {
			p := newWorld(t).newcomer()
			p.Must(p.reserveBy(aNumber))
			p.signInWithTicket()
			if n := p.happened(eventtype.Stranded); n != 0 {
				t.Fatalf("told %d times while the number works", n)
			}
			p.settle(narrow)
			for range 3 {
				p.Advance(time.Hour)
				p.signInWithTicket()
				p.stranger().signInWithTicket()
			}
			if n := p.happened(eventtype.Stranded); n != 1 {
				t.Errorf("told %d times in a day, want 1", n)
			}
			p.Advance(24 * time.Hour)
			p.signInWithTicket()
			if n := p.happened(eventtype.Stranded); n != 2 {
				t.Errorf("told %d times in two days, want 2", n)
			}
			page, err := p.Audit.Events(t.Context(), audit.EventQuery{Limit: 500})
			p.Must(err)
			found := 0
			for _, e := range page.Events {
				if e.Name == eventtype.Stranded && e.User == p.id {
					found++
				}
			}
			if found != 2 {
				t.Errorf("%d events are listed, want 2", found)
			}
		})
	}
}

// TestBackupCodesDoNotHideAStrandedUser: a user who has only backup codes left is reported too. The
// codes sign in until they run out.
func TestBackupCodesDoNotHideAStrandedUser(t *testing.T) {
	p := newWorld(t).member()
	p.settle(func(s *account.Settings) { s.SMSCode, s.AuthenticatorApp = false, false })
	p.signInWithTicket()
	if n := p.happened(eventtype.Stranded); n != 1 {
		t.Errorf("told %d times, want 1", n)
	}
	p.Must(p.secondFactor(account.BackupCode, p.backup[0]))
}
