package mfa

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Proof is what somebody offers as proof of a factor.
type Proof struct {
	Strategy Strategy
	Code     secret.Value
	Password secret.Value
	Ticket   secret.Value
}

func wrongCode() *apierr.Error { return apierr.New(apierr.FormCodeIncorrect).Param("code") }

// isCode says whether text is six ASCII digits. What is not cannot be right and costs nothing.
func isCode(text string) bool {
	if len(text) != totp.Digits {
		return false
	}
	return !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < '0' || b > '9' })
}

// wellFormed refuses a guess that no factor could have produced, before anything is charged.
func (g Proof) wellFormed() error {
	text := g.Code.Reveal()
	if text == "" {
		return apierr.New(apierr.FormParamNil).Param("code")
	}
	ok := isCode(text)
	if g.Strategy == BackupCode {
		_, ok = backupcode.Normalize(text)
		ok = ok || importable(text)
	}
	if !ok {
		return wrongCode()
	}
	return nil
}

// importable bounds what may be compared with backup codes that another service made: 6 to 64 ASCII letters, digits and hyphens.
func importable(text string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	return len(text) >= 6 && len(text) <= 64 && strings.Trim(text, allowed) == ""
}

// checkSecondLimits refuses a second-factor guess while the budget is spent. Nothing is written then.
func (t *txn) checkSecondLimits(u *User, known bool) error {
	p := t.policy()
	end := max(u.LockedUntil, u.SecondFailures.of(known).LockedUntil, u.FailureLog.fullUntil(t.now, p.windowLimit(known), p.FailureWindow))
	if end > t.now {
		return locked(end.Sub(t.now))
	}
	return u.SecondFailures.check(t.now, known)
}

// checkFirstLimits is mayGuess for first factors.
func (t *txn) checkFirstLimits(u *User, known bool) error {
	if u.LockedUntil > t.now {
		return locked(u.LockedUntil.Sub(t.now))
	}
	return u.FirstFailures.check(t.now, known)
}

// secondFactorAttempt is one go at a second factor: that of a sign-in or a step-up. At the Backend API each check is one of its own.
type secondFactorAttempt struct {
	*Attempt
	challenge
}

// verifySecondFactor judges a second-factor guess. A right one clears the consecutive failures; a wrong one is counted against the user, the
// authenticator and the failure log, and the refusal commits that. The caller stages the record that holds the verification.
func (t *txn) verifySecondFactor(u *User, known bool, g Proof, v secondFactorAttempt) error {
	if err := g.wellFormed(); err != nil {
		return err
	}
	if !t.state.settings.allows(g.Strategy) {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	if v.Wrong >= t.policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("code")
	}
	if err := t.checkSecondLimits(u, known); err != nil {
		return err
	}
	if known {
		t.device = "known"
	}
	what := u.subjectOf(g.Strategy, v.challenge)
	failures, right, err := t.compareSecondFactor(u, g, v.challenge)
	if errors.As(err, new(replayedError)) {
		return t.rejectReplay(u, known, what)
	}
	if err != nil {
		return err
	}
	t.put(u)
	if right {
		*failures = 0
		u.SecondFailures.clear()
		if g.Strategy != BackupCode { // which has an entry of its own
			t.record(u, EventFactorUsed, what)
		}
		return nil
	}
	v.Wrong++
	*failures++
	t.record(u, EventCodeWrong, what)
	if *failures == failuresPerFactor {
		t.record(u, EventFactorDisabled, what)
	}
	t.countSecondFailure(u, known)
	return t.refuse(wrongCode())
}

// countSecondFailure counts a wrong code on the user: in a row, and in the failure log of the last 30 days.
func (t *txn) countSecondFailure(u *User, known bool) {
	was := u.lockEnd(t.now)
	u.FailureLog = u.FailureLog.add(t.now, t.policy().FailureWindow)
	u.SecondFailures.fail(t.now, t.policy(), known)
	t.recordFailure(u, was)
}

// subjectOf names the authenticator that a guess is for, as far as there is one.
func (u *User) subjectOf(by Strategy, ch challenge) subject {
	switch {
	case by == TOTPCode && u.TOTP != nil:
		return u.TOTP.subject()
	case by == BackupCode && u.Backup != nil:
		return u.Backup.subject()
	case by == PhoneCode && ch.code != nil && *ch.code != nil:
		if p := u.phone((*ch.code).Phone); p != nil {
			return p.subject()
		}
	}
	return subject{method: by}
}

// recordFailure stores a failure, and says so when it locks somebody out.
func (t *txn) recordFailure(u *User, was Instant) {
	if u.lockEnd(t.now) > max(was, t.now) {
		t.record(u, EventUserLocked, subject{})
		u.touch(t.now)
	}
	t.put(u)
}

func (t *txn) policy() Policy { return t.state.settings.Policy() }

// compareSecondFactor compares a guess with the user's authenticator and returns that authenticator's count of failures.
func (t *txn) compareSecondFactor(u *User, g Proof, ch challenge) (failures *int, right bool, err error) {
	unusable := apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	switch g.Strategy {
	case TOTPCode:
		if !u.TOTP.usable() {
			return nil, false, unusable
		}
		right, err = t.verifyTOTP(u, g.Code.Reveal())
		return &u.TOTP.Failures, right, err
	case BackupCode:
		if !u.Backup.usable() || !u.TwoFactorEnabled() {
			return nil, false, unusable
		}
		if _, ours := backupcode.Normalize(g.Code.Reveal()); !ours && !u.Backup.Foreign {
			return nil, false, wrongCode() // it cannot be right, so it costs nothing
		}
		right, err = t.verifyBackupCode(u, g.Code.Reveal())
		return &u.Backup.Failures, right, err
	case PhoneCode:
		return t.verifyPhoneCode(u, g.Code.Reveal(), ch)
	}
	return nil, false, unusable
}

func (t *txn) verifyPhoneCode(u *User, code string, ch challenge) (*int, bool, error) {
	if ch.code == nil || *ch.code == nil {
		return nil, false, apierr.New(apierr.VerificationMissing)
	}
	p := u.phone((*ch.code).Phone)
	if p == nil || !p.isSecondFactor() || p.Failures >= failuresPerFactor {
		return nil, false, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	right, err := t.consume(u, ch, code)
	return &p.Failures, right, err
}

// replayedError says that a right code was used before.
type replayedError struct{ error }

func (r replayedError) Unwrap() error { return r.error }

// rejectReplay refuses such a code. It is no failure: a double click must not lock its owner out. From a client that never passed this user's second factor
// it comes from somebody who saw the code, which the trail keeps (SEC-16). The Backend API does not say who asks, and its requests are repeated.
func (t *txn) rejectReplay(u *User, known bool, what subject) error {
	if known || t.byBackend {
		t.s.notify(Event{Name: EventReplay, User: u.WireID(), At: t.now.Time()})
		return wrongCode()
	}
	t.record(u, EventReplay, what)
	return t.refuse(wrongCode())
}

// verifyTOTP accepts a step once and only if it is later than the last accepted one.
func (t *txn) verifyTOTP(u *User, code string) (bool, error) {
	key, err := t.openSecret(u)
	if err != nil {
		return false, err
	}
	step, verdict := t.policy().TOTP.Verify(key, code, t.now.Time(), u.TOTP.LastStep)
	switch verdict {
	case totp.Accepted:
		u.TOTP.LastStep = step
		if !t.s.ring.Current(u.TOTP.Sealed) { // the record is written anyway, so the secret moves on to the newest key
			return true, t.sealSecret(u, key)
		}
		return true, nil
	case totp.Replayed:
		return false, replayedError{wrongCode()}
	}
	return false, nil
}

func totpOwner(u *User, f *TOTP) string { return "user/" + u.ID + "/totp/" + f.ID }

// verifyPassword judges a password against its own budget, which no second-factor guess can move. The code says what a wrong one is
// called: who is known to be asking need not be told that the account might be unknown.
func (t *txn) verifyPassword(u *User, known bool, given secret.Value, memo *passwordMemo, wrong apierr.Code) error {
	if err := t.checkFirstLimits(u, known); err != nil {
		return err
	}
	right, err := memo.verify(t, u.Password, given)
	if err != nil {
		return err
	}
	if right {
		return nil
	}
	u.FirstFailures.fail(t.now, t.policy(), known)
	t.record(u, EventPasswordWrong, subject{method: Password})
	return t.refuse(apierr.New(wrong).Param("password"))
}

// passwordMemo keeps the slow comparison from being repeated when a commit has to be.
type passwordMemo struct {
	digest string
	right  bool
	done   bool
	of     string // the identifier that is guessed at, if there is one
}

func (m *passwordMemo) verify(t *txn, digest string, given secret.Value) (bool, error) {
	if m.done && subtle.ConstantTimeCompare([]byte(m.digest), []byte(digest)) == 1 {
		return m.right, nil
	}
	right, err := t.compare("password/"+cmp.Or(m.of, digest), digest, given)
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	m.digest, m.right, m.done = digest, right, true
	return right, nil
}

// checkFirstFactorPhone refuses a code whose number is no first factor any more: it was removed, lost its
// secondFactorAttempt or became a second factor since the code was sent, or the settings exclude it now.
func (t *txn) checkFirstFactorPhone(u *User, ch challenge) error {
	if !t.state.settings.FirstFactorPhoneCode || !t.state.settings.SMSCode {
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	if *ch.code == nil {
		return apierr.New(apierr.VerificationMissing)
	}
	if p := u.phone((*ch.code).Phone); p == nil || !p.isFirstFactor() {
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	return nil
}

// verifyFirstFactorCode judges a first-factor code against the first factor's budget.
func (t *txn) verifyFirstFactorCode(u *User, known bool, g Proof, ch challenge) error {
	if err := g.wellFormed(); err != nil {
		return err
	}
	if err := t.checkFirstLimits(u, known); err != nil {
		return err
	}
	if err := t.checkFirstFactorPhone(u, ch); err != nil {
		return err
	}
	what := u.subjectOf(PhoneCode, ch)
	right, err := t.consume(u, ch, g.Code.Reveal())
	if err != nil {
		return err
	}
	if !right {
		u.FirstFailures.fail(t.now, t.policy(), known)
		t.record(u, EventCodeWrong, what)
		return t.refuse(wrongCode())
	}
	return nil
}
