package mfa

import (
	"errors"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// SecondFactorAttempt is what waits for a second factor in a sign-in or step-up: its count of wrong
// codes, and its SMS code. Each check of the Backend API is an attempt of its own.
type SecondFactorAttempt struct {
	*account.Attempt
	sms.Challenge
}

// VerifySecondFactor verifies a second factor. A right code clears the consecutive failures. A
// wrong code is counted on the attempt, the authenticator and the user, and the refusal commits
// that. The caller stages the record that holds the attempt.
func VerifySecondFactor(t *tx.Tx, u *account.User, device account.Device, proof Proof, v SecondFactorAttempt) error {
	proof, err := proof.read()
	if err != nil {
		return err
	}
	if !t.State.Settings.Allows(proof.Strategy) {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	if v.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("code")
	}
	if err := checkSecondLimits(t, u, device); err != nil {
		return err
	}
	t.Device = device
	what := subjectOf(u, proof.Strategy, v.Challenge)
	failures, right, err := compareSecondFactor(t, u, proof, v.Challenge)
	if errors.As(err, new(replayedError)) {
		return rejectReplay(t, u, device, what)
	}
	if err != nil {
		return err
	}
	t.Put(u)
	if right {
		*failures = 0
		used(u, what, t.Now)
		secondProved(t, u)
		if proof.Strategy != account.BackupCode { // verifyBackupCode records an event of its own
			audit.Record(t, u, eventtype.FactorUsed, what)
		}
		return nil
	}
	return recordWrongCode(t, u, device, v.Attempt, failures, what)
}

// subjectOf returns the authenticator that a code is for, or the method alone when there is none.
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

// compareSecondFactor reports whether a code is right, and returns the count of failures of the
// authenticator that it is for.
func compareSecondFactor(t *tx.Tx, u *account.User, proof Proof, ch sms.Challenge) (failures *int, right bool, err error) {
	unusable := apierr.New(apierr.StrategyForUserInvalid).Param("strategy")
	switch proof.Strategy {
	case account.TOTPCode:
		if !u.TOTP.Usable() {
			return nil, false, unusable
		}
		right, err = verifyTOTP(t, u, proof.Code.Reveal())
		return &u.TOTP.Failures, right, err
	case account.BackupCode:
		if !u.Backup.Usable() || !u.TwoFactorEnabled() {
			return nil, false, unusable
		}
		if _, ours := canonical(proof.Code.Reveal()); !ours && !u.Backup.Foreign {
			return nil, false, wrongCode() // no code of the set has this form, so this is no guess
		}
		right, err = verifyBackupCode(t, u, proof.Code.Reveal())
		return &u.Backup.Failures, right, err
	case account.PhoneCode:
		return verifyPhoneCode(t, u, proof.Code.Reveal(), ch)
	}
	return nil, false, unusable
}

// verifyPhoneCode reports whether an SMS code is right, and returns the count of failures of its
// number.
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

// rejectReplay rejects a right code that was used before. It is no failure: a double click must not
// lock the user out. From an unknown device it shows that another person saw the code, so the audit
// log keeps it. The Backend API names no device and its requests are repeated, so its
// replays are not kept.
func rejectReplay(t *tx.Tx, u *account.User, device account.Device, what account.Subject) error {
	if device == account.KnownDevice || t.ByBackend {
		t.Engine.Notify(account.Event{Name: eventtype.Replay, User: u.WireID(), At: t.Now.Time()})
		return wrongCode()
	}
	audit.Record(t, u, eventtype.Replay, what)
	return t.Refuse(wrongCode())
}

// verifyTOTP accepts a code of a time step that is later than the last accepted one.
func verifyTOTP(t *tx.Tx, u *account.User, code string) (bool, error) {
	key, err := OpenSecret(t, u)
	if err != nil {
		return false, err
	}
	step, verdict := t.Policy().TOTP.Verify(key, code, t.Now.Time(), u.TOTP.LastStep)
	switch verdict {
	case totp.Accepted:
		u.TOTP.LastStep = step
		if !t.Engine.Ring.Current(u.TOTP.Sealed) { // the record is written anyway
			return true, SealSecret(t, u, key)
		}
		return true, nil
	case totp.Replayed:
		return false, replayedError{wrongCode()}
	}
	return false, nil
}
