package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// mark marks the person as one who has to have a second factor, from a date on, or now for 0.
func (p *person) mark(from account.Instant) error {
	in := admin.MFARequirement{Required: new(true)}
	if from != 0 {
		in.From = &from
	}
	_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Required: in})
	return err
}

func (p *person) unmark() {
	p.Helper()
	_, err := p.Admin.UpdateUser(p.Context(), p.id, admin.UserChange{Required: admin.MFARequirement{Required: new(false)}})
	p.Must(err)
}

// status returns the status of the person's session, or "" for a dead one.
func (p *person) status() account.SessionStatus {
	r, err := p.Sessions.Session(p.Context(), p.browser, p.browser.Session)
	if err != nil {
		return ""
	}
	return r.Snapshot.Status(r.Session)
}

func (p *person) touch() {
	p.Helper()
	_, err := p.Sessions.Touch(p.Context(), p.browser, p.browser.Session)
	p.Must(err)
}

// TestAMarkedUserEnrolsFromTheDateOn: until the date the sessions of a marked user are active, from
// it on pending until the user enrols. Another user notices nothing.
func TestAMarkedUserEnrolsFromTheDateOn(t *testing.T) {
	w := newWorld(t)
	marked, other := w.newcomer(), w.newcomer()
	marked.signInWithTicket()
	other.signInWithTicket()
	date := account.At(w.Now().Add(5 * day))
	w.Must(marked.mark(date))
	wants := func(when string, first, second account.SessionStatus) {
		t.Helper()
		if a, b := marked.status(), other.status(); a != first || b != second {
			t.Errorf("%s the sessions are %q and %q, want %q and %q", when, a, b, first, second)
		}
	}
	wants("before the date", account.SessionActive, account.SessionActive)
	w.Advance(5*day - time.Millisecond)
	wants("a moment before the date", account.SessionActive, account.SessionActive)
	w.Advance(time.Millisecond)
	wants("at the date", account.SessionPending, account.SessionActive)
	if c := marked.claimsOf(marked.sessionToken()); c.Status != "pending" {
		t.Errorf("the token says %q", c.Status)
	}
	_, err := marked.Sessions.OwnSessions(t.Context(), marked.browser)
	marked.want(apierr.AuthorizationInvalid, err)
	marked.signOut()
	marked.signInWithTicket()
	wants("in a new session", account.SessionPending, account.SessionActive)
	marked.enrolApp()
	marked.touch()
	wants("after the enrolment", account.SessionActive, account.SessionActive)
	_, err = marked.MFA.DeleteTOTP(t.Context(), marked.browser)
	marked.want(apierr.SecondFactorDeletionNotAllowed, err)
	_, err = w.Admin.RemoveTOTP(t.Context(), marked.id)
	w.Must(err)
	wants("after an administrator took the factor", account.SessionPending, account.SessionActive)
	marked.unmark()
	marked.touch()
	wants("without the mark", account.SessionActive, account.SessionActive)
}

// TestBeforeTheDateTheLastFactorMayGo: the requirement holds from its date on, not before.
func TestBeforeTheDateTheLastFactorMayGo(t *testing.T) {
	p := newWorld(t).newcomer()
	p.signInWithTicket()
	p.enrolApp()
	p.Must(p.mark(account.At(p.Now().Add(day))))
	_, err := p.MFA.DeleteTOTP(t.Context(), p.browser)
	p.Must(err)
	if got := p.status(); got != account.SessionActive {
		t.Errorf("the session is %q", got)
	}
	p.Advance(day)
	if got := p.status(); got != account.SessionPending {
		t.Errorf("at the date the session is %q", got)
	}
}

// TestAMarkEndsUnprovedSessions: at the date, a session that never proved the user's second factor
// ends, as with the setting for all users.
func TestAMarkEndsUnprovedSessions(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.KeepOtherSessions = true })
	p := w.newcomer()
	p.signInWithTicket()
	unproved := p.elsewhere()
	p.enrolApp()
	w.Must(p.mark(account.At(w.Now().Add(day))))
	if !p.alive() || !unproved.alive() {
		t.Fatal("a session ended before the date")
	}
	w.Advance(day)
	if !p.alive() || unproved.alive() {
		t.Errorf("alive: the session that enrolled %t, the other one %t", p.alive(), unproved.alive())
	}
}

// TestTheSettingHasADate: required of all users, a second factor is needed from the setting's date
// on. The earlier of two dates counts.
func TestTheSettingHasADate(t *testing.T) {
	w := newWorld(t)
	early, late := w.newcomer(), w.newcomer()
	early.signInWithTicket()
	late.signInWithTicket()
	w.Must(early.mark(account.At(w.Now().Add(day))))
	w.Must(late.mark(account.At(w.Now().Add(4 * day))))
	w.settle(func(s *account.Settings) { s.MFARequired, s.MFARequiredFrom = true, account.At(w.Now().Add(2*day)) })
	for i, want := range [][2]account.SessionStatus{
		{account.SessionActive, account.SessionActive}, {account.SessionPending, account.SessionActive}, {account.SessionPending, account.SessionPending},
	} {
		if got := [2]account.SessionStatus{early.status(), late.status()}; got != want {
			t.Errorf("after %d days the sessions are %v, want %v", i, got, want)
		}
		w.Advance(day)
	}
	if due := late.record().MFADue(); due != account.At(w.Now().Add(-day)) {
		t.Errorf("due at %v", due.Time())
	}
}

// TestDaysOfGrace: a mark without a date, and the setting for all users, leave a user the days of
// grace.
func TestDaysOfGrace(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.MFAGraceDays = 3 })
	marked := w.newcomer()
	w.Must(marked.mark(0))
	first := marked.record().RequiredFrom
	if want := account.At(w.Now().Add(3 * day)); first != want {
		t.Errorf("a mark without a date holds from %v, want %v", first.Time(), want.Time())
	}
	w.Advance(day)
	w.Must(marked.mark(0))
	if again := marked.record().RequiredFrom; again != first {
		t.Errorf("a repeated mark moved the date to %v", again.Time())
	}
	w.settle(func(s *account.Settings) { s.MFARequired = true })
	fresh := w.newcomer()
	fresh.signInWithTicket()
	w.Advance(3*day - time.Second)
	if got := fresh.status(); got != account.SessionActive {
		t.Errorf("within the days of grace the session is %q", got)
	}
	w.Advance(time.Second)
	if got := fresh.status(); got != account.SessionPending {
		t.Errorf("after the days of grace the session is %q", got)
	}
}

// TestAMarkIsRecorded: the audit log has each change of a mark, once, with the operator. A date
// without a mark is refused.
func TestAMarkIsRecorded(t *testing.T) {
	p := newWorld(t).newcomer()
	from := account.At(p.Now())
	_, err := p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Required: admin.MFARequirement{From: &from}})
	p.want(apierr.FormParamValueInvalid, err)
	_, err = p.Admin.UpdateUser(t.Context(), p.id, admin.UserChange{Required: admin.MFARequirement{Required: new(false), From: &from}})
	p.want(apierr.FormParamValueInvalid, err)
	operated := tx.WithOperator(t.Context(), account.Operator{OperatorName: "Ann", Reason: "admins"})
	_, err = p.Admin.UpdateUser(operated, p.id, admin.UserChange{Required: admin.MFARequirement{Required: new(true)}})
	p.Must(err)
	p.Must(p.mark(0))
	p.unmark()
	p.unmark()
	acts := slices.DeleteFunc(p.acts(), func(act string) bool { return act[:9] != "user.mfa_" })
	if !slices.Equal(acts, []string{"user.mfa_required×1", "user.mfa_optional×1"}) {
		t.Errorf("the audit log has %v", acts)
	}
	for _, e := range p.record().Trail.Entries {
		if e.Name == "user.mfa_required" && (e.OperatorName != "Ann" || e.Reason != "admins") {
			t.Errorf("the entry is %+v", e)
		}
	}
}

// TestACreatedUserMayBeMarked: a new user is pending from the first sign-in on, or from the date of
// the mark on.
func TestACreatedUserMayBeMarked(t *testing.T) {
	w := newWorld(t)
	u, err := w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "ann", Required: admin.MFARequirement{Required: new(true)}})
	w.Must(err)
	if u.RequiredFrom != account.At(w.Now()) || u.MFADue() != u.RequiredFrom {
		t.Errorf("the mark holds from %v", u.RequiredFrom.Time())
	}
	w.settle(func(s *account.Settings) { s.MFARequired = true })
	u, err = w.Admin.CreateUser(t.Context(), admin.UserInput{Username: "ben", TOTPSecret: secret.New("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")})
	w.Must(err)
	if u.MFADue() == 0 || u.Marked() {
		t.Errorf("a new user is due at %v, marked %t", u.MFADue(), u.Marked())
	}
}

// TestACheckOfAMarkedUserCostsTheSame: the mark adds no read and no write to the check of a code.
func TestACheckOfAMarkedUserCostsTheSame(t *testing.T) {
	p := newWorld(t).member()
	p.Must(p.mark(0))
	for range 2 { // the first one moves a page of the audit log
		p.Advance(totp.Period)
		_, err := p.Engine.Settings(t.Context()) // a warm process
		p.Must(err)
		p.counts.Reset()
		_, err = p.Admin.VerifyTOTP(t.Context(), p.id, secret.New(p.totpCode()))
		p.Must(err)
	}
	if got := p.counts.Counts(); got.Gets != 1 || got.KeysRead != 1 || got.Commits != 1 || got.Writes != 1 {
		t.Errorf("the check costs %+v", got)
	}
}

// TestTheSettingHoldsForAUserOfTheFuture: a function whose clock is behind requires the second
// factor of a user that a function with a clock ahead has just made.
func TestTheSettingHoldsForAUserOfTheFuture(t *testing.T) {
	w := newWorld(t)
	w.settle(func(s *account.Settings) { s.MFARequired = true })
	p := w.newcomer()
	w.Advance(-20 * time.Second)
	p.signInWithTicket()
	if got := p.status(); got != account.SessionPending {
		t.Errorf("the session is %q", got)
	}
}
