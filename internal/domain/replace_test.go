package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/profile"
)

// emailState and phoneState are what the Backend API sets when it replaces all by one.
func emailState(verified bool) admin.EmailChange {
	return admin.EmailChange{Verified: &verified, Primary: &verified}
}

func phoneState(verified bool) admin.PhoneChange {
	return admin.PhoneChange{Verified: &verified, Primary: &verified, Reserved: new(false)}
}

// TestOneAddressReplacesAll: the user keeps one address, which is primary if it is verified. The
// others identify the user no longer, and are free.
func TestOneAddressReplacesAll(t *testing.T) {
	w := newWorld(t)
	p := w.newcomer()
	old := p.primaryEmail()
	second := p.addEmail("second@example.com")
	w.Must(p.changeEmail(second, admin.EmailChange{Verified: new(true)}))
	replace := func(address string, verified bool) error {
		_, err := w.Admin.ReplaceUserEmails(t.Context(), p.id, address, emailState(verified))
		return err
	}
	only := func(address, primary string) {
		t.Helper()
		if u := p.record(); len(u.Emails) != 1 || u.Emails[0].Address != address || p.primaryEmail() != primary {
			t.Errorf("the addresses are %+v, want %s alone; primary %q", u.Emails, address, p.primaryEmail())
		}
		for _, a := range []string{old, "second@example.com", address} {
			if got := w.identifiedBy(a); got != (a == primary) {
				t.Errorf("identified by %s: %v", a, got)
			}
		}
	}
	w.Must(replace("SECOND@example.com", true))
	only("second@example.com", "second@example.com")
	if got := p.record().Emails[0].ID; got != second {
		t.Errorf("an address that the user had gets the id %s, want %s", got, second)
	}
	w.Must(replace("new@example.com", false))
	only("new@example.com", "")
	w.Must(replace("new@example.com", true))
	only("new@example.com", "new@example.com")
	_, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Emails: []string{old, "second@example.com"}, Password: secret.New("correct horse")})
	w.Must(err)
	for _, verified := range []bool{true, false} {
		w.wantTaken("email_address", replace(old, verified))
	}
	w.want(apierr.FormParamFormatInvalid, replace("no address", true))
	if got := p.primaryEmail(); got != "new@example.com" {
		t.Errorf("a refused request left %q", got)
	}
}

// TestOneNumberReplacesAll: the user keeps one number, which is no second factor. The removed ones
// are no factors any more, and the user's other factor becomes the default.
func TestOneNumberReplacesAll(t *testing.T) {
	w := newWorld(t)
	p, other := w.member(), w.newcomer()
	const newNumber = "+12125550178"
	replace := func(number string, verified bool) error {
		_, err := w.Admin.ReplaceUserPhones(t.Context(), p.id, number, phoneState(verified))
		return err
	}
	w.Must(replace(newNumber, true))
	u := p.record()
	n := u.Phones[0]
	if len(u.Phones) != 1 || n.Number != newNumber || n.Verified == 0 || !n.Primary || n.IsSecondFactor() || u.TOTP == nil {
		t.Errorf("the numbers are %+v", u.Phones)
	}
	if p.happened(eventtype.FactorRemoved) != 1 || p.happened(eventtype.NumberRemoved) != 1 || p.happened(eventtype.NumberVerified) == 0 {
		t.Errorf("the audit log lacks what was done")
	}
	_, err := w.Admin.AddUserPhone(t.Context(), other.id, aNumber, admin.PhoneChange{Verified: new(true)})
	w.Must(err) // the old number is free
	w.wantTaken("phone_number", replace(aNumber, true))
	w.Must(replace(newNumber, false))
	if u := p.record(); len(u.Phones) != 1 || u.Phones[0].ID != n.ID || u.Phones[0].Verified != 0 || u.Phones[0].Primary {
		t.Errorf("the number is %+v, want it unverified with its id", u.Phones)
	}
	w.want(apierr.FormParamFormatInvalid, replace("12", true))
}

// TestAReplacedFactorIsRemoved: a number that was the only second factor and stays is a factor no
// more, so the backup codes go with it.
func TestAReplacedFactorIsRemoved(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.enrolPhone(aNumber)
	if u := p.record(); u.Backup == nil {
		t.Fatal("the user has no backup codes")
	}
	_, err := p.Admin.ReplaceUserPhones(t.Context(), p.id, aNumber, phoneState(true))
	p.Must(err)
	if u := p.record(); u.TwoFactorEnabled() || u.Backup != nil || p.happened(eventtype.FactorRemoved) != 1 {
		t.Errorf("the user is still asked for a second factor: %+v", u.Phones)
	}
}

// TestAPrimaryAddressIsVerified: a user makes a verified address of the own ones primary, with a
// recent proof.
func TestAPrimaryAddressIsVerified(t *testing.T) {
	w := newWorld(t)
	p, other := w.newcomer(), w.newcomer()
	p.signInWithTicket()
	second, unverified := p.addEmail("second@example.com"), p.addEmail("third@example.com")
	w.Must(p.changeEmail(second, admin.EmailChange{Verified: new(true)}))
	first := p.record().PrimaryEmail().ID
	primary := func(id string) error {
		_, err := p.Profile.ChangeProfile(t.Context(), p.browser, profile.Change{PrimaryEmail: &id})
		return err
	}
	for _, id := range []string{unverified, "idn_unknown", "", other.record().Emails[0].ID} {
		p.want(apierr.FormParamValueInvalid, primary(id))
	}
	w.Must(primary(second))
	if got := p.primaryEmail(); got != "second@example.com" {
		t.Errorf("%s is primary", got)
	}
	p.Advance(time.Hour)
	p.want(apierr.SessionReverificationRequired, primary(first))
	p.Must(primary(second)) // which changes nothing
}
