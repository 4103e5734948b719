package domain_test

import (
	"slices"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/migration"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// withPasskeys switches on all that passkeys can do.
func (w *world) withPasskeys() *world {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) {
		s.Passkeys, s.PasskeySecondFactor, s.PasskeySatisfies = true, true, true
	})
	w.Must(err)
	return w
}

// oneFactor says that a passkey proves one factor only.
func (w *world) oneFactor() {
	w.Helper()
	_, err := w.Settings.Change(w.Context(), func(s *account.Settings) { s.PasskeySatisfies = false })
	w.Must(err)
}

// holder is a member with an authenticator that holds a passkey, signed out.
type holder struct {
	*person
	device *authenticator.Authenticator
	pk     *account.Passkey
}

// onPage is the browser on the application's page.
const onPage = "https://clerk.example.com"

func (w *world) holder() *holder {
	w.Helper()
	return w.member().withPasskey()
}

// withPasskey enrols a passkey of a member, who is signed out then.
func (p *person) withPasskey() *holder {
	p.Helper()
	h := &holder{person: p, device: &authenticator.Authenticator{Counts: true}}
	h.browser.Origin = onPage
	h.inside()
	h.enrol()
	h.signOut()
	h.Advance(time.Hour)
	return h
}

// another is the same user in another browser.
func (h *holder) another() *holder {
	p := *h.person
	p.browser = tx.Caller{Origin: onPage}
	return &holder{person: &p, device: h.device, pk: h.pk}
}

// begin begins an enrolment and returns the passkey's id and the authenticator's answer.
func (h *holder) begin() (id, answer string) {
	h.Helper()
	r, err := h.Passkeys.Create(h.Context(), h.browser)
	h.Must(err)
	answer, err = h.device.Create(r.Options)
	h.Must(err)
	return r.Passkey.WireID(), answer
}

func (h *holder) enrol() {
	h.Helper()
	id, answer := h.begin()
	r, err := h.Passkeys.Confirm(h.Context(), h.browser, id, answer, "Phone")
	h.Must(err)
	h.pk = r.Passkey
}

// bySignIn begins a sign-in by passkey and returns the authenticator's answer.
func (h *holder) bySignIn() string {
	h.Helper()
	return h.sign(h.firstOptions())
}

// sign is the authenticator's answer to options.
func (h *holder) sign(options string) string {
	h.Helper()
	answer, err := h.device.Get(options)
	h.Must(err)
	return answer
}

func assertion(answer string) mfa.Proof {
	return mfa.Proof{Strategy: account.PasskeyProof, Credential: secret.New(answer)}
}

// first answers the first factor of the sign-in.
func (h *holder) first(answer string) (*mfa.SignInResult, error) {
	r, err := h.MFA.AttemptFirstFactor(h.Context(), h.browser, h.signIn, assertion(answer))
	if err == nil {
		h.keepToken(r.Snapshot)
		h.browser.Session = r.SignIn.Created
	}
	return r, err
}

// secondOptions begins a sign-in, proves a ticket and asks for a passkey.
func (h *holder) secondOptions() string {
	h.Helper()
	h.signInWithTicket()
	r, err := h.MFA.PrepareSecondFactor(h.Context(), h.browser, h.signIn, account.PasskeyProof, "")
	h.Must(err)
	return r.SignIn.Second.Options
}

// second answers the second factor of the sign-in.
func (h *holder) second(answer string) error {
	r, err := h.MFA.AttemptSecondFactor(h.Context(), h.browser, h.signIn, assertion(answer))
	if err == nil {
		h.keepToken(r.Snapshot)
		h.browser.Session = r.SignIn.Created
	}
	return err
}

// ages are the minutes since the session proved each factor.
func (h *holder) ages() [2]int {
	h.Helper()
	r, err := h.Sessions.Me(h.Context(), h.browser)
	h.Must(err)
	return r.Snapshot.Ages(r.Session)
}

// TestSignInByPasskeyAlone: a passkey that the authenticator verified the user for completes a
// sign-in without an identifier, and proves both factors.
func TestSignInByPasskeyAlone(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	r, err := h.first(h.bySignIn())
	h.Must(err)
	if r.SignIn.Status() != account.SignInComplete || h.ages() != [2]int{0, 0} {
		t.Errorf("%s, ages %v", r.SignIn.Status(), h.ages())
	}
	if p := h.record().Passkeys[0]; p.Used != account.At(h.Now()) || p.Counter != 1 {
		t.Errorf("used %v, counter %d", p.Used, p.Counter)
	}
	if !slices.ContainsFunc(h.record().Trail.Entries, func(e account.AuditEntry) bool {
		by, id := e.Read(h.record().ID)
		return e.Name == eventtype.FactorUsed && by == account.PasskeyProof && id == h.pk.WireID()
	}) {
		t.Error("no entry about the use")
	}
}

// TestAPasskeyIsOneFactorUnlessTheSettingsSayTwo: without the setting, a second factor follows, and
// that is not a passkey.
func TestAPasskeyIsOneFactorUnlessTheSettingsSayTwo(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.oneFactor()
	r, err := h.first(h.bySignIn())
	h.Must(err)
	if r.SignIn.Status() != account.NeedsSecondFactor {
		t.Fatalf("the sign-in is %s", r.SignIn.Status())
	}
	for _, f := range factors.SecondAfter(account.PasskeyProof, h.record(), &r.Snapshot.Settings) {
		if f.Strategy == account.PasskeyProof {
			t.Error("a passkey is offered after a passkey")
		}
	}
	_, err = h.MFA.PrepareSecondFactor(t.Context(), h.browser, h.signIn, account.PasskeyProof, "")
	h.want(apierr.StrategyForUserInvalid, err)
	h.Must(h.secondFactor(account.TOTPCode, h.totpCode()))
}

// TestAPasskeyAsSecondFactor: a passkey proves the second factor after a first one, is offered
// last, and needs no code.
func TestAPasskeyAsSecondFactor(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.Must(h.second(h.sign(h.secondOptions())))
	if h.ages() != [2]int{0, 0} {
		t.Errorf("ages %v", h.ages())
	}
	set, err := h.Engine.Settings(t.Context())
	h.Must(err)
	factors := factors.SecondAfter(account.TicketCode, h.record(), &set)
	if last := factors[len(factors)-1].Strategy; last != account.PasskeyProof || factors[0].Strategy != account.TOTPCode {
		t.Errorf("factors %v", factors)
	}
}

// TestStepUpByPasskey: a passkey renews the second factor of a session, and as a first factor
// both.
func TestStepUpByPasskey(t *testing.T) {
	for level, want := range map[authority.Level][2]int{authority.SecondFactor: {60, 0}, authority.MultiFactor: {0, 0}, authority.FirstFactor: {0, 0}} {
		t.Run(string(level), func(t *testing.T) {
			h := newWorld(t).withPasskeys().holder()
			h.Must(h.second(h.sign(h.secondOptions())))
			h.Advance(time.Hour)
			_, err := h.MFA.StartReverification(t.Context(), h.browser, h.browser.Session, level)
			h.Must(err)
			if level == authority.SecondFactor {
				r, err := h.MFA.PrepareReverificationSecondFactor(t.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
				h.Must(err)
				_, err = h.MFA.AttemptReverificationSecondFactor(t.Context(), h.browser, h.browser.Session, assertion(h.sign(r.Reverification.Second.Options)))
				h.Must(err)
			} else {
				r, err := h.MFA.PrepareReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, account.PasskeyProof, "")
				h.Must(err)
				r, err = h.MFA.AttemptReverificationFirstFactor(t.Context(), h.browser, h.browser.Session, assertion(h.sign(r.Reverification.First.Options)))
				h.Must(err)
				if r.Reverification.Status() != account.ReverifyComplete {
					t.Errorf("the step-up is %s", r.Reverification.Status())
				}
			}
			if h.ages() != want {
				t.Errorf("ages %v, want %v", h.ages(), want)
			}
		})
	}
}

// TestAPasskeyDoesNotSwitchMFAOn: a user with a password and a passkey has no second factor, no
// backup codes, and must enrol where MFA is required. Removing an app is free of the passkey.
func TestAPasskeyDoesNotSwitchMFAOn(t *testing.T) {
	w := newWorld(t).withPasskeys()
	h := &holder{person: w.newcomer(), device: &authenticator.Authenticator{}}
	h.browser.Origin = onPage
	h.signInWithTicket()
	h.enrol()
	if u := h.record(); u.TwoFactorEnabled() || u.Backup != nil || u.MFAEnabledAt != 0 {
		t.Error("a passkey switched MFA on")
	}
	h.signOut()
	_, err := h.first(h.bySignIn())
	h.Must(err)
	if h.ages() != [2]int{0, authority.NoFactor} {
		t.Errorf("ages %v", h.ages())
	}
	_, err = w.Settings.Change(t.Context(), func(s *account.Settings) { s.MFARequired = true })
	h.Must(err)
	r, err := h.Sessions.Touch(t.Context(), h.browser, h.browser.Session)
	h.Must(err)
	if r.Snapshot.Status(r.Session) != account.SessionPending {
		t.Error("a passkey fulfilled the duty of a second factor")
	}
	_, err = h.Passkeys.Create(t.Context(), h.browser)
	h.want(apierr.AuthorizationInvalid, err)
}

// TestNamesAndRemoval: a passkey is named, renamed and removed, and its credential id is free then.
func TestNamesAndRemoval(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.inside()
	for name, want := range map[string]apierr.Code{"": apierr.FormParamNil, "a\nb": apierr.FormParamFormatInvalid, "a\u202eb": apierr.FormParamFormatInvalid} {
		_, err := h.Passkeys.Rename(t.Context(), h.browser, h.pk.WireID(), name)
		h.want(want, err)
	}
	r, err := h.Passkeys.Rename(t.Context(), h.browser, h.pk.WireID(), " Blue key ")
	h.Must(err)
	if r.Passkey.Name != "Blue key" {
		t.Errorf("named %q", r.Passkey.Name)
	}
	h.Advance(authority.FreshFor)
	_, err = h.Passkeys.Delete(t.Context(), h.browser, h.pk.WireID())
	h.want(apierr.SessionReverificationRequired, err)
	h.signOut()
	h.inside()
	_, err = h.Passkeys.Delete(t.Context(), h.browser, h.pk.WireID())
	h.Must(err)
	if len(h.record().Passkeys) != 0 || h.happened(eventtype.FactorRemoved) != 1 {
		t.Error("the passkey is still there")
	}
	_, err = h.Passkeys.Passkey(t.Context(), h.browser, h.pk.WireID())
	h.want(apierr.ResourceNotFound, err)
	h.signOut()
	_, err = h.first(h.bySignIn())
	h.want(apierr.PasskeyNotRegistered, err)
}

// TestARemovedPasskeyProvesNothingElsewhere: removing a passkey ends what passkeys proved in other
// sessions, and nothing that a code proved.
func TestARemovedPasskeyProvesNothingElsewhere(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	byCode, remover := h.another(), h.another()
	byCode.inside()
	_, err := h.first(h.bySignIn())
	h.Must(err)
	h.Advance(time.Minute)
	remover.inside()
	_, err = remover.Passkeys.Delete(t.Context(), remover.browser, h.pk.WireID())
	h.Must(err)
	if got := h.ages(); got != [2]int{authority.NotProved, authority.NotProved} {
		t.Errorf("the passkey's session has the ages %v", got)
	}
	if got := byCode.ages(); got[1] > 5 {
		t.Errorf("the code's session has the ages %v", got)
	}
	if got := remover.ages(); got[1] > 5 {
		t.Errorf("the acting session has the ages %v", got)
	}
}

// TestTenPasskeys: an account has ten passkeys at most, and the eleventh changes nothing.
func TestTenPasskeys(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.inside()
	for range account.PasskeysPerUser - 1 {
		h.device = &authenticator.Authenticator{}
		h.enrol()
	}
	before := h.record()
	_, err := h.Passkeys.Create(t.Context(), h.browser)
	h.want(apierr.PasskeyQuotaExceeded, err)
	if h.record().Version != before.Version {
		t.Error("the refusal changed the user")
	}
}

// TestAnEnrolmentBelongsToItsSession: another session of the user cannot complete, read or cancel
// an enrolment; the session itself cancels it without a new proof.
func TestAnEnrolmentBelongsToItsSession(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	other := h.another()
	other.inside()
	h.inside()
	h.device = &authenticator.Authenticator{}
	id, answer := h.begin()
	_, err := other.Passkeys.Confirm(t.Context(), other.browser, id, answer, "")
	h.want(apierr.ResourceNotFound, err)
	_, err = other.Passkeys.Passkey(t.Context(), other.browser, id)
	h.want(apierr.ResourceNotFound, err)
	_, err = other.Passkeys.Delete(t.Context(), other.browser, id)
	h.want(apierr.ResourceNotFound, err)
	_, err = h.Passkeys.Rename(t.Context(), h.browser, id, "x")
	h.want(apierr.PasskeyIdentificationNotVerified, err)
	h.Advance(authority.FreshFor)
	_, err = h.Passkeys.Delete(t.Context(), h.browser, id)
	h.Must(err)
	_, err = h.Passkeys.Passkey(t.Context(), h.browser, id)
	h.want(apierr.ResourceNotFound, err)
}

// TestAnEnrolmentNeedsARecentProof: a session whose proof is old cannot begin or complete one.
func TestAnEnrolmentNeedsARecentProof(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.inside()
	h.device = &authenticator.Authenticator{}
	id, answer := h.begin()
	h.Advance(authority.FreshFor)
	_, err := h.Passkeys.Create(t.Context(), h.browser)
	h.want(apierr.SessionReverificationRequired, err)
	_, err = h.Passkeys.Confirm(t.Context(), h.browser, id, answer, "")
	h.want(apierr.SessionReverificationRequired, err)
}

// TestACredentialBelongsToOneUser: an authenticator's credential that one user has cannot be
// registered for another one, nor twice for one.
func TestACredentialBelongsToOneUser(t *testing.T) {
	w := newWorld(t).withPasskeys()
	h := w.holder()
	thief := &holder{person: w.newcomer(), device: &authenticator.Authenticator{}}
	thief.browser.Origin = onPage
	thief.signInWithTicket()
	stolen := h.device.Credentials()[0]
	for name, p := range map[string]*holder{"another user": thief, "the same user": h} {
		t.Run(name, func(t *testing.T) {
			if p == h {
				h.inside()
			}
			p.device = &authenticator.Authenticator{
				Response: func(c map[string]any) { c["id"], c["rawId"] = encode64(stolen.ID), encode64(stolen.ID) },
				Data: func(data []byte) []byte {
					return append(append(append([]byte{}, data[:55]...), stolen.ID...), data[55+len(stolen.ID):]...)
				},
			}
			before := len(p.record().Passkeys)
			id, answer := p.begin()
			_, err := p.Passkeys.Confirm(t.Context(), p.browser, id, answer, "")
			p.want(apierr.PasskeyRegistrationFailure, err)
			if got := len(p.record().Passkeys); got != before {
				t.Errorf("%d passkeys, had %d", got, before)
			}
		})
	}
}

// TestACounterThatWentBackBlocksThePasskey: a copy of a key can raise its counter as well as the
// owner, so neither may use it again. The user is told.
func TestACounterThatWentBackBlocksThePasskey(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.Must(h.second(h.sign(h.secondOptions())))
	h.signOut()
	h.device.Credentials()[0].Count = 0
	h.want(apierr.PasskeyAuthenticationFailure, h.second(h.sign(h.secondOptions())))
	if h.happened(eventtype.PasskeyCopied) != 1 || !eventtype.PasskeyCopied.Kind().Notify || h.record().Passkeys[0].Copied == 0 {
		t.Error("nothing says that the counter went back")
	}
	h.device.Credentials()[0].Count = 100
	_, err := h.first(h.bySignIn())
	h.want(apierr.PasskeyNotRegistered, err)
	if h.record().SecondFailures.Failures != 0 || len(h.record().FailureLog) != 0 {
		t.Error("it counts as a wrong code")
	}
	h.inside()
	_, err = h.Passkeys.Delete(t.Context(), h.browser, h.pk.WireID())
	h.Must(err)
}

// TestPasskeysOff: without the setting nothing of passkeys works, and nothing offers them.
func TestPasskeysOff(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	_, err := h.Settings.Change(t.Context(), func(s *account.Settings) { s.Passkeys = false })
	h.Must(err)
	_, err = h.MFA.CreateSignIn(t.Context(), h.browser, mfa.SignInInput{Strategy: account.PasskeyProof})
	h.want(apierr.FeatureNotEnabled, err)
	h.signInWithTicket()
	_, err = h.MFA.PrepareSecondFactor(t.Context(), h.browser, h.signIn, account.PasskeyProof, "")
	h.want(apierr.FeatureNotEnabled, err)
	h.Must(h.secondFactor(account.TOTPCode, h.totpCode()))
	_, err = h.Passkeys.Create(t.Context(), h.browser)
	h.want(apierr.FeatureNotEnabled, err)
	set, err := h.Engine.Settings(t.Context())
	h.Must(err)
	for _, f := range append(factors.ProvableFirst(h.record(), &set), factors.SecondAfter(account.Password, h.record(), &set)...) {
		if f.Strategy == account.PasskeyProof {
			t.Error("a passkey is offered")
		}
	}
	_, err = h.Passkeys.Delete(t.Context(), h.browser, h.pk.WireID()) // an owner may still remove it
	h.Must(err)
}

// TestAnotherRPID: passkeys of another RP id prove nothing.
func TestAnotherRPID(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	_, err := h.Settings.Change(t.Context(), func(s *account.Settings) { s.PasskeyRPID = "example.com" })
	h.Must(err)
	h.signInWithTicket()
	_, err = h.MFA.PrepareSecondFactor(t.Context(), h.browser, h.signIn, account.PasskeyProof, "")
	h.want(apierr.NoPasskeysFoundForUser, err)
	h.browser.Origin = "https://other.example.org"
	_, err = h.MFA.CreateSignIn(t.Context(), h.browser, mfa.SignInInput{Strategy: account.PasskeyProof})
	h.want(apierr.OriginInvalid, err)
}

// TestAResetRemovesPasskeys: a reset of the second factors removes the passkeys too, and frees the
// credential ids.
func TestAResetRemovesPasskeys(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	_, err := h.Admin.RemoveMFA(t.Context(), h.id)
	h.Must(err)
	if len(h.record().Passkeys) != 0 {
		t.Error("a passkey is left")
	}
	h.noClaim(h.pk)
}

// TestADeletionFreesTheCredential: a deleted user holds no credential id.
func TestADeletionFreesTheCredential(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	h.Must(h.Admin.DeleteUser(t.Context(), h.id))
	h.noClaim(h.pk)
}

func (h *holder) noClaim(p *account.Passkey) {
	h.Helper()
	r, err := h.memory.Get(h.Context(), h.Engine.ClaimKey("passkey", passkeys.CredentialText(p)))
	h.Must(err)
	if r[0].Version != 0 {
		h.Error("the credential id is still claimed")
	}
}

// TestPasskeysMoveWithinOneRPID: a user moves to another instance with the passkeys, whose
// credential ids are taken there then. An instance of another RP id refuses the user.
func TestPasskeysMoveWithinOneRPID(t *testing.T) {
	h := newWorld(t).withPasskeys().holder()
	var moved migration.Export
	_, err := h.Migration.ExportUsers(t.Context(), "", 10, func(p migration.Export, err error) error { moved = p; return err })
	h.Must(err)
	for rpID, want := range map[string]apierr.Code{"clerk.example.com": "", "example.com": apierr.FormParamValueInvalid} {
		w := newWorld(t).withPasskeys()
		_, err := w.Settings.Change(t.Context(), func(s *account.Settings) { s.PasskeyRPID = rpID })
		w.Must(err)
		w.want(want, w.Migration.ImportUser(t.Context(), moved))
		if want != "" {
			_, err := w.Admin.User(t.Context(), h.id)
			w.want(apierr.ResourceNotFound, err)
			continue
		}
		there := &holder{person: &person{world: w, id: h.id}, device: h.device}
		there.browser.Origin = onPage
		_, err = there.first(there.bySignIn())
		w.Must(err)
		r, err := w.memory.Get(t.Context(), w.Engine.ClaimKey("passkey", passkeys.CredentialText(h.pk)))
		w.Must(err)
		if r[0].Version == 0 {
			t.Error("the credential id is not claimed")
		}
	}
}
