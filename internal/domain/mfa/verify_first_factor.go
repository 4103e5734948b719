package mfa

import (
	"cmp"
	"crypto/subtle"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// verifySignInPassword verifies a password for an account that may not exist. With enumeration
// protection an unknown account costs as much time and as many commits as a known one.
func verifySignInPassword(t *tx.Tx, u *account.User, device account.Device, claim store.Key, given secret.Value, memo *PasswordMemo) error {
	memo.of = claim.ID
	switch hidden := t.State.Settings.EnumerationProtection; {
	case hidden && u == nil:
		return rejectUnknownIdentifier(t, claim, given, memo)
	case hidden:
		return VerifyPassword(t, u, device, given, memo, apierr.FormPasswordOrIdentifierIncorrect)
	case u != nil && u.Password != "":
		return VerifyPassword(t, u, device, given, memo, apierr.FormPasswordIncorrect)
	}
	if _, err := memo.verify(t, "", given); err != nil {
		return err
	}
	return t.Refuse(apierr.New(apierr.StrategyForUserInvalid).Param("strategy"))
}

// rejectUnknownIdentifier rejects a password for an identifier that no user has. It waits, hashes
// and commits like [VerifyPassword].
func rejectUnknownIdentifier(t *tx.Tx, claim store.Key, given secret.Value, memo *PasswordMemo) error {
	if err := t.Read(claim); err != nil {
		return err
	}
	c := t.Seen[claim].(*account.Claim)
	if err := c.Failures.Check(t.Now); err != nil {
		return err
	}
	if _, err := memo.verify(t, "", given); err != nil {
		return err
	}
	if c.User == "" { // else a user took the identifier since the sign-in began
		c.Failures.Fail(t.Now, t.Policy())
		c.Expires = t.Now.Add(account.UnclaimedKept)
		t.Put(c)
	}
	return t.Refuse(apierr.New(apierr.FormPasswordOrIdentifierIncorrect).Param("password"))
}

// VerifyPassword verifies a user's password and counts a wrong one on the user's first factors.
// wrong is the error code for an incorrect password.
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
	recordFirstFailure(t, u, device, account.EventPasswordWrong, account.Subject{Method: account.Password})
	return t.Refuse(apierr.New(wrong).Param("password"))
}

// PasswordMemo keeps the result of a slow comparison for when the commit is tried again.
type PasswordMemo struct {
	digest string
	right  bool
	done   bool
	of     string // the claim of the identifier, if the caller gave one
}

// verify reports whether the password has a digest. The empty digest costs as much time and is
// never right.
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

// verifyFirstFactorCode verifies an SMS code as first factor and counts a wrong one on the user's
// first factors.
func verifyFirstFactorCode(t *tx.Tx, u *account.User, device account.Device, proof Proof, ch sms.Challenge) error {
	if err := proof.wellFormed(); err != nil {
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
		recordFirstFailure(t, u, device, account.EventCodeWrong, what)
		return t.Refuse(wrongCode())
	}
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
