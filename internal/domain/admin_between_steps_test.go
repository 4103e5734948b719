package domain_test

import (
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
)

// In the tests of this file an administrator acts between two steps of a session.

func (p *person) doubt(id string, verified bool) *mfa.PhoneResult {
	p.Helper()
	r, err := p.Admin.ChangeUserPhone(p.Context(), id, admin.PhoneChange{Verified: &verified})
	p.Must(err)
	return r
}

// TestAnOldIntentIsNotCompletedByTheBackendAPI: a session's enrolment of a number as a second
// factor ends after 15 minutes, also for the Backend API.
func TestAnOldIntentIsNotCompletedByTheBackendAPI(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	id, _ := p.add(aNumber, true)
	p.Advance(authority.PendingFor)
	if r := p.doubt(id, true); r.Phone.Reserved {
		t.Error("a number became a second factor by an intent that was over")
	}
	if !p.alive() {
		t.Error("the user's sessions ended")
	}
}

// TestADoubtedNumberIsNoProofOfASession: a number that the Backend API marked unverified and then
// verified is no proof of an earlier session.
func TestADoubtedNumberIsNoProofOfASession(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	id, code := p.add(aNumber, false)
	p.verify(id, code)
	p.Advance(time.Hour)
	p.doubt(id, false)
	p.doubt(id, true)
	p.prove()
	_, err := p.MFA.ChangePhone(t.Context(), p.browser, id, mfa.PhoneChange{Reserved: new(true)})
	p.Must(err)
	if got, want := p.ages(), [2]int{0, authority.NotProved}; got != want {
		t.Errorf("the session proved its factors %v minutes ago, want %v", got, want)
	}
}

// TestALockHoldsForFirstFactorCodes: under an administrator's lock no first-factor code is sent or
// verified.
func TestALockHoldsForFirstFactorCodes(t *testing.T) {
	p := newWorld(t).newcomer()
	_, err := p.Settings.Change(t.Context(), func(s *account.Settings) { s.FirstFactorPhoneCode = true })
	p.Must(err)
	p.signInWithTicket()
	id, code := p.add(aNumber, false)
	p.verify(id, code)
	prepare := func() error {
		_, err := p.MFA.PrepareReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, account.PhoneCode, id)
		return err
	}
	p.Advance(31 * time.Second)
	_, err = p.MFA.StartReverification(t.Context(), p.browser, p.browser.Session, authority.FirstFactor)
	p.Must(err)
	p.Must(prepare())
	visitor := p.stranger()
	r, err := visitor.MFA.CreateSignIn(t.Context(), visitor.browser, mfa.SignInInput{Identifier: aNumber})
	p.Must(err)
	visitor.keepToken(r.Snapshot)

	_, err = p.Admin.Lock(t.Context(), p.id)
	p.Must(err)
	_, err = p.MFA.AttemptReverificationFirstFactor(t.Context(), p.browser, p.browser.Session, mfa.Proof{Strategy: account.PhoneCode, Code: secret.New(p.Code())})
	p.want(apierr.UserLocked, err)
	p.Advance(31 * time.Second)
	p.want(apierr.UserLocked, prepare())
	_, err = visitor.MFA.PrepareFirstFactor(t.Context(), visitor.browser, r.SignIn.ID, account.PhoneCode, "")
	p.want(apierr.UserLocked, err)
}

// TestATicketRenewsTheLiveSession: a ticket renews the live session of a browser that still has an
// ended one of the same user.
func TestATicketRenewsTheLiveSession(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.banAndUnban()
	p.signInWithTicket()
	live := p.browser.Session
	p.Advance(time.Hour)
	if r := p.signInWithTicket(); r.SignIn.Created != live || p.ages()[0] != 0 {
		t.Errorf("the ticket answers session %q, want %q", r.SignIn.Created, live)
	}
}

// TestWhatWasNoFactorIsNotRemoved: the audit log and the webhooks report no removal of a number
// that was no factor.
func TestWhatWasNoFactorIsNotRemoved(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.begin()
	_, err := p.MFA.DeleteTOTP(t.Context(), p.browser)
	p.Must(err)
	p.begin()
	_, err = p.Admin.RemoveTOTP(t.Context(), p.id)
	p.Must(err)
	if n := p.happened(eventtype.FactorRemoved); n != 0 {
		t.Errorf("%d authenticator apps were removed that were never confirmed", n)
	}
	_, err = p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{BackupCodes: []secret.Value{secret.New("abcdef12")}})
	p.Must(err)
	if n := p.happened(eventtype.BackupMade); n != 0 {
		t.Errorf("%d sets of backup codes were made for a user without a factor", n)
	}
	p.enrolApp()
	key := secret.New("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
	_, err = p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{TOTPSecret: &key})
	p.Must(err)
	if n := p.happened(eventtype.FactorRemoved); n != 1 {
		t.Errorf("%d authenticator apps were removed, want the one that was replaced", n)
	}
}
