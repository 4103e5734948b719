package mfa

import (
	"cmp"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// verifySignInPassword verifies a password for an account that may not exist. With enumeration
// protection an unknown account costs as much time and as many commits as a known one.
func verifySignInPassword(t *tx.Tx, u *account.User, device account.Device, claim store.Key, given secret.Value) error {
	switch hidden := t.State.Settings.EnumerationProtection; {
	case hidden && u == nil:
		return rejectUnknownIdentifier(t, claim, given)
	case hidden:
		return verifyPassword(t, u, device, claim.ID, given, apierr.FormPasswordOrIdentifierIncorrect)
	case u != nil && u.Password != "":
		return verifyPassword(t, u, device, claim.ID, given, apierr.FormPasswordIncorrect)
	}
	if _, err := comparePassword(t, claim.ID, "", given); err != nil {
		return err
	}
	return t.Refuse(apierr.New(apierr.StrategyForUserInvalid).Param("strategy"))
}

// rejectUnknownIdentifier rejects a password for an identifier that no user has. It waits, hashes
// and commits like [VerifyPassword].
func rejectUnknownIdentifier(t *tx.Tx, claim store.Key, given secret.Value) error {
	if err := t.Read(claim); err != nil {
		return err
	}
	c := t.Seen[claim].(*account.Claim)
	if err := c.Failures.Check(t.Now); err != nil {
		return err
	}
	if _, err := comparePassword(t, claim.ID, "", given); err != nil {
		return err
	}
	if c.User == "" { // else a user took the identifier since the sign-in began
		c.Failures.Fail(t.Now, t.Policy())
		c.Expires = t.Now.Add(account.UnclaimedKept)
		t.Put(c)
	}
	return t.Refuse(apierr.New(apierr.FormPasswordOrIdentifierIncorrect).Param("password"))
}

// VerifyPassword verifies the password of a known user, and counts a wrong one on the user's first
// factors.
func VerifyPassword(t *tx.Tx, u *account.User, device account.Device, given secret.Value) error {
	return verifyPassword(t, u, device, u.Password, given, apierr.FormPasswordIncorrect)
}

// verifyPassword verifies a user's password as [VerifyPassword] does. name is the secret that is
// guessed at, and wrong the error code for an incorrect password.
func verifyPassword(t *tx.Tx, u *account.User, device account.Device, name string, given secret.Value, wrong apierr.Code) error {
	if err := checkFirstLimits(t, u, device); err != nil {
		return err
	}
	right, err := comparePassword(t, name, u.Password, given)
	if err != nil {
		return err
	}
	if right {
		return nil
	}
	recordFirstFailure(t, u, device, eventtype.PasswordWrong, account.Subject{Method: account.Password})
	return t.Refuse(apierr.New(wrong).Param("password"))
}

// comparePassword reports whether the password has a digest. name is the secret that is guessed at,
// the digest if it is empty. The empty digest costs as much time and is never right.
func comparePassword(t *tx.Tx, name, digest string, given secret.Value) (bool, error) {
	right, err := t.Compare("password/"+cmp.Or(name, digest), digest, given)
	if err != nil {
		return false, fmt.Errorf("verify password: %w", err)
	}
	return right, nil
}

// verifyFirstFactorCode verifies an SMS code as first factor and counts a wrong one on the user's
// first factors.
func verifyFirstFactorCode(t *tx.Tx, u *account.User, device account.Device, proof Proof, ch sms.Challenge) error {
	proof, err := proof.read()
	if err != nil {
		return err
	}
	if err := checkFirstLimits(t, u, device); err != nil {
		return err
	}
	if err := checkFirstFactorPhone(t, u, ch); err != nil {
		return err
	}
	what := subjectOf(u, account.PhoneCode, ch)
	right, err := sms.Consume(t, u, ch, proof.Code.Reveal())
	if err != nil {
		return err
	}
	if !right {
		recordFirstFailure(t, u, device, eventtype.CodeWrong, what)
		return t.Refuse(wrongCode())
	}
	used(u, what, t.Now)
	return nil
}

// checkFirstFactorPhone refuses a code whose number is no first factor now: since the code was sent
// it was removed, lost its verification or became a second factor, or the settings exclude it.
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
