package mfa

import (
	"cmp"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Proof is what somebody offers as proof of a factor.
type Proof struct {
	Strategy account.Strategy
	Code     secret.Value
	Password secret.Value
	Ticket   secret.Value
}

func wrongCode() *apierr.Error { return apierr.New(apierr.FormCodeIncorrect).Param("code") }

// wellFormed refuses a guess that no factor could have produced, before anything is charged.
func (g Proof) wellFormed() error {
	text := g.Code.Reveal()
	if text == "" {
		return apierr.New(apierr.FormParamNil).Param("code")
	}
	ok := sms.IsCode(text)
	if g.Strategy == account.BackupCode {
		_, ok = backupcode.Normalize(text)
		ok = ok || Importable(text)
	}
	if !ok {
		return wrongCode()
	}
	return nil
}

// Importable bounds what may be compared with backup codes that another service made: 6 to 64 ASCII letters, digits and hyphens.
func Importable(text string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	return len(text) >= 6 && len(text) <= 64 && strings.Trim(text, allowed) == ""
}

// checkSecondLimits refuses a second-factor guess while the budget is spent. Nothing is written then.
func checkSecondLimits(t *tx.Tx, u *account.User, device account.Device) error {
	p := t.Policy()
	end := max(u.LockedUntil, u.SecondFailures.Of(device).LockedUntil, u.FailureLog.FullUntil(t.Now, p.WindowLimit(device), p.FailureWindow))
	if end > t.Now {
		return account.Locked(end.Sub(t.Now))
	}
	return u.SecondFailures.Check(t.Now, device)
}

// checkFirstLimits is mayGuess for first factors.
func checkFirstLimits(t *tx.Tx, u *account.User, device account.Device) error {
	if u.LockedUntil > t.Now {
		return account.Locked(u.LockedUntil.Sub(t.Now))
	}
	return u.FirstFailures.Check(t.Now, device)
}

// SecondFactorAttempt is one go at a second factor: that of a sign-in or a step-up. At the Backend API each check is one of its own.
type SecondFactorAttempt struct {
	*account.Attempt
	sms.Challenge
}

// VerifySecondFactor judges a second-factor guess. A right one clears the consecutive failures; a wrong one is counted against the user, the
// authenticator and the failure log, and the refusal commits that. The caller stages the record that holds the verification.
func VerifySecondFactor(t *tx.Tx, u *account.User, device account.Device, g Proof, v SecondFactorAttempt) error {
	if err := g.wellFormed(); err != nil {
		return err
	}
	if !t.State.Settings.Allows(g.Strategy) {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	if v.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("code")
	}
	if err := checkSecondLimits(t, u, device); err != nil {
		return err
	}
	t.Device = device
	what := subjectOf(u, g.Strategy, v.Challenge)
	failures, right, err := compareSecondFactor(t, u, g, v.Challenge)
	if errors.As(err, new(replayedError)) {
		return rejectReplay(t, u, device, what)
	}
	if err != nil {
		return err
	}
	t.Put(u)
	if right {
		*failures = 0
		u.SecondFailures.Clear()
		if g.Strategy != account.BackupCode { // which has an entry of its own
			audit.Record(t, u, account.EventFactorUsed, what)
		}
		return nil
	}
	v.Wrong++
	*failures++
	audit.Record(t, u, account.EventCodeWrong, what)
	if *failures == account.FailuresPerFactor {
		audit.Record(t, u, account.EventFactorDisabled, what)
	}
	countSecondFailure(t, u, device)
	return t.Refuse(wrongCode())
}

// countSecondFailure counts a wrong code on the user: in a row, and in the failure log of the last 30 days.
func countSecondFailure(t *tx.Tx, u *account.User, device account.Device) {
	was := u.LastLockEnd(t.Now)
	u.FailureLog = u.FailureLog.Add(t.Now, t.Policy().FailureWindow)
	u.SecondFailures.Fail(t.Now, t.Policy(), device)
	recordFailure(t, u, was)
}

// subjectOf names the authenticator that a guess is for, as far as there is one.
func subjectOf(u *account.User, by account.Strategy, ch sms.Challenge) account.Subject {
	switch {
	case by == account.TOTPCode && u.TOTP != nil:
		return u.TOTP.Subject()
	case by == account.BackupCode && u.Backup != nil:
		return u.Backup.Subject()
	case by == account.PhoneCode && ch.Code != nil && *ch.Code != nil:
		if p := u.Phone((*ch.Code).Phone); p != nil {
			return p.Subject()
		}
	}
	return account.Subject{Method: by}
}

// recordFailure stores a failure, and says so when it locks somebody out.
func recordFailure(t *tx.Tx, u *account.User, was account.Instant) {
	if u.LastLockEnd(t.Now) > max(was, t.Now) {
		audit.Record(t, u, account.EventUserLocked, account.Subject{})
		u.Touch(t.Now)
	}
	t.Put(u)
}

// compareSecondFactor compares a guess with the user's authenticator and returns that authenticator's count of failures.
func compareSecondFactor(t *tx.Tx, u *account.User, g Proof, ch sms.Challenge) (failures *int, right bool, err error) {
	unusable := apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	switch g.Strategy {
	case account.TOTPCode:
		if !u.TOTP.Usable() {
			return nil, false, unusable
		}
		right, err = verifyTOTP(t, u, g.Code.Reveal())
		return &u.TOTP.Failures, right, err
	case account.BackupCode:
		if !u.Backup.Usable() || !u.TwoFactorEnabled() {
			return nil, false, unusable
		}
		if _, ours := backupcode.Normalize(g.Code.Reveal()); !ours && !u.Backup.Foreign {
			return nil, false, wrongCode() // it cannot be right, so it costs nothing
		}
		right, err = verifyBackupCode(t, u, g.Code.Reveal())
		return &u.Backup.Failures, right, err
	case account.PhoneCode:
		return verifyPhoneCode(t, u, g.Code.Reveal(), ch)
	}
	return nil, false, unusable
}

func verifyPhoneCode(t *tx.Tx, u *account.User, code string, ch sms.Challenge) (*int, bool, error) {
	if ch.Code == nil || *ch.Code == nil {
		return nil, false, apierr.New(apierr.VerificationMissing)
	}
	p := u.Phone((*ch.Code).Phone)
	if p == nil || !p.IsSecondFactor() || p.Failures >= account.FailuresPerFactor {
		return nil, false, apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	right, err := sms.Consume(t, u, ch, code)
	return &p.Failures, right, err
}

// replayedError says that a right code was used before.
type replayedError struct{ error }

func (r replayedError) Unwrap() error { return r.error }

// rejectReplay refuses such a code. It is no failure: a double click must not lock its owner out. From a client that never passed this user's second factor
// it comes from somebody who saw the code, which the trail keeps (SEC-16). The Backend API does not say who asks, and its requests are repeated.
func rejectReplay(t *tx.Tx, u *account.User, device account.Device, what account.Subject) error {
	if device == account.KnownDevice || t.ByBackend {
		t.S.Notify(account.Event{Name: account.EventReplay, User: u.WireID(), At: t.Now.Time()})
		return wrongCode()
	}
	audit.Record(t, u, account.EventReplay, what)
	return t.Refuse(wrongCode())
}

// verifyTOTP accepts a step once and only if it is later than the last accepted one.
func verifyTOTP(t *tx.Tx, u *account.User, code string) (bool, error) {
	key, err := OpenSecret(t, u)
	if err != nil {
		return false, err
	}
	step, verdict := t.Policy().TOTP.Verify(key, code, t.Now.Time(), u.TOTP.LastStep)
	switch verdict {
	case totp.Accepted:
		u.TOTP.LastStep = step
		if !t.S.Ring.Current(u.TOTP.Sealed) { // the record is written anyway, so the secret moves on to the newest key
			return true, SealSecret(t, u, key)
		}
		return true, nil
	case totp.Replayed:
		return false, replayedError{wrongCode()}
	}
	return false, nil
}

func totpOwner(u *account.User, f *account.TOTP) string { return "user/" + u.ID + "/totp/" + f.ID }

// VerifyPassword judges a password against its own budget, which no second-factor guess can move. The code says what a wrong one is
// called: who is known to be asking need not be told that the account might be unknown.
func VerifyPassword(t *tx.Tx, u *account.User, device account.Device, given secret.Value, memo *PasswordMemo, wrong apierr.Code) error {
	if err := checkFirstLimits(t, u, device); err != nil {
		return err
	}
	right, err := memo.verify(t, u.Password, given)
	if err != nil {
		return err
	}
	if right {
		return nil
	}
	u.FirstFailures.Fail(t.Now, t.Policy(), device)
	audit.Record(t, u, account.EventPasswordWrong, account.Subject{Method: account.Password})
	return t.Refuse(apierr.New(wrong).Param("password"))
}

// PasswordMemo keeps the slow comparison from being repeated when a commit has to be.
type PasswordMemo struct {
	digest string
	right  bool
	done   bool
	of     string // the identifier that is guessed at, if there is one
}

func (m *PasswordMemo) verify(t *tx.Tx, digest string, given secret.Value) (bool, error) {
	if m.done && subtle.ConstantTimeCompare([]byte(m.digest), []byte(digest)) == 1 {
		return m.right, nil
	}
	right, err := t.Compare("password/"+cmp.Or(m.of, digest), digest, given)
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	m.digest, m.right, m.done = digest, right, true
	return right, nil
}

// checkFirstFactorPhone refuses a code whose number is no first factor any more: it was removed, lost its
// SecondFactorAttempt or became a second factor since the code was sent, or the settings exclude it now.
func checkFirstFactorPhone(t *tx.Tx, u *account.User, ch sms.Challenge) error {
	if !t.State.Settings.FirstFactorPhoneCode || !t.State.Settings.SMSCode {
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	if *ch.Code == nil {
		return apierr.New(apierr.VerificationMissing)
	}
	if p := u.Phone((*ch.Code).Phone); p == nil || !p.IsFirstFactor() {
		return apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	}
	return nil
}

// verifyFirstFactorCode judges a first-factor code against the first factor's budget.
func verifyFirstFactorCode(t *tx.Tx, u *account.User, device account.Device, g Proof, ch sms.Challenge) error {
	if err := g.wellFormed(); err != nil {
		return err
	}
	if err := checkFirstLimits(t, u, device); err != nil {
		return err
	}
	if err := checkFirstFactorPhone(t, u, ch); err != nil {
		return err
	}
	what := subjectOf(u, account.PhoneCode, ch)
	right, err := sms.Consume(t, u, ch, g.Code.Reveal())
	if err != nil {
		return err
	}
	if !right {
		u.FirstFailures.Fail(t.Now, t.Policy(), device)
		audit.Record(t, u, account.EventCodeWrong, what)
		return t.Refuse(wrongCode())
	}
	return nil
}
