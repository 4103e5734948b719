package domain_test

import (
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// TestPeopleNameTheirFactors: a person names the app and a number, in any session that is not
// pending. An equal name writes nothing.
func TestPeopleNameTheirFactors(t *testing.T) {
	p := newWorld(t).member()
	p.inside()
	p.Advance(time.Hour) // no recent proof is needed
	_, err := p.MFA.NameTOTP(t.Context(), p.browser, " Work phone❤\ufe0f ")
	p.Must(err)
	_, err = p.MFA.NamePhone(t.Context(), p.browser, p.phone, "Mother’s landline")
	p.Must(err)
	u := p.record()
	if u.TOTP.Name != "Work phone❤" || u.Phone(p.phone).Name != "Mother’s landline" {
		t.Errorf("the names are %q and %q", u.TOTP.Name, u.Phone(p.phone).Name)
	}
	p.counts.Reset()
	_, err = p.MFA.NameTOTP(t.Context(), p.browser, "Work phone❤")
	p.Must(err)
	if n := p.counts.Counts().Commits; n != 0 {
		t.Errorf("an equal name is written with %d commits", n)
	}
	_, err = p.MFA.NamePhone(t.Context(), p.browser, p.phone, "")
	p.Must(err)
	if name := p.record().Phone(p.phone).Name; name != "" {
		t.Errorf("the number is still called %q", name)
	}
}

// TestWrongNamesAreRefused: names that are too long or mislead change nothing, and a person names
// only factors of the own account.
func TestWrongNamesAreRefused(t *testing.T) {
	w := newWorld(t)
	p := w.member()
	p.inside()
	for name, want := range map[string]apierr.Code{
		strings.Repeat("x", mfa.NameLength+1): apierr.FormParamMaxLengthExceeded, "a\nb": apierr.FormParamFormatInvalid, "a\u202eb": apierr.FormParamFormatInvalid, "\xff": apierr.FormParamFormatInvalid,
	} {
		_, err := p.MFA.NameTOTP(t.Context(), p.browser, name)
		w.want(want, err)
		_, err = p.MFA.NamePhone(t.Context(), p.browser, p.phone, name)
		w.want(want, err)
	}
	_, err := p.MFA.NameTOTP(t.Context(), p.browser, strings.Repeat("é", mfa.NameLength))
	w.Must(err)
	other := w.newcomer()
	other.signInWithTicket()
	_, err = other.MFA.NamePhone(t.Context(), other.browser, p.phone, "mine")
	w.want(apierr.ResourceNotFound, err)
	_, err = other.MFA.NameTOTP(t.Context(), other.browser, "mine")
	w.want(apierr.ResourceNotFound, err)
	w.settle(func(s *account.Settings) { s.MFARequired = true })
	_, err = other.MFA.NamePhone(t.Context(), other.browser, p.phone, "mine")
	w.want(apierr.AuthorizationInvalid, err)
}

// TestWhenAFactorWasLastUsed: an accepted code is a use of its app or number. An enrolment and a
// wrong code are none.
func TestWhenAFactorWasLastUsed(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.enrolApp()
	id, code := p.add(aNumber, true)
	p.verify(id, code)
	if u := p.record(); u.TOTP.Used != 0 || u.Phone(id).Used != 0 {
		t.Errorf("after the enrolment the uses are %v and %v", u.TOTP.Used, u.Phone(id).Used)
	}
	p.phone = id
	p.Advance(totp.Period)
	_, err := p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.wrong()))
	p.want(apierr.FormCodeIncorrect, err)
	if used := p.record().TOTP.Used; used != 0 {
		t.Errorf("a wrong code is a use at %v", used.Time())
	}
	_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
	p.Must(err)
	first := account.At(p.Now())
	p.Advance(time.Hour)
	p.signOut()
	p.signInWithTicket()
	p.text()
	p.Must(p.secondFactor(account.PhoneCode, p.Code()))
	if u := p.record(); u.TOTP.Used != first || u.Phone(id).Used != account.At(p.Now()) {
		t.Errorf("the uses are %v and %v", u.TOTP.Used.Time(), u.Phone(id).Used.Time())
	}
}
