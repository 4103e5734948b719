package mfa

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// secondFactor is a sign-in or step-up that waits for a second factor.
type secondFactor struct {
	client  *account.Client
	user    *account.User
	first   account.Strategy // which proved the first factor
	attempt SecondFactorAttempt
}

// prepare sends a code to the number with phoneID, or to the default one, or makes a challenge for
// a passkey. Other methods need no preparation.
func (f secondFactor) prepare(t *tx.Tx, by account.Strategy, phoneID string, from tx.Caller) error {
	switch by {
	case account.PhoneCode:
		return f.sendCode(t, phoneID, from)
	case account.PasskeyProof:
		return f.askPasskey(t, from)
	}
	return apierr.New(apierr.VerificationStrategyInvalid).Param("strategy")
}

func (f secondFactor) sendCode(t *tx.Tx, phoneID string, from tx.Caller) error {
	if !t.State.Settings.SMSCode {
		return apierr.New(apierr.FeatureNotEnabled).Param("strategy")
	}
	ph, err := factors.SecondPhone(f.user, &t.State.Settings, phoneID)
	if err != nil {
		return err
	}
	if f.attempt.Wrong >= t.Policy().Tries {
		return apierr.New(apierr.VerificationFailed).Param("strategy")
	}
	device := sessions.DeviceOf(t, f.client, f.user)
	if err := checkSecondLimits(t, f.user, device); err != nil {
		return err
	}
	changed, err := sms.SendCode(t, f.user, ph, f.attempt.Challenge, from, device)
	if err != nil || !changed {
		return err
	}
	f.attempt.Strategy = account.PhoneCode
	t.Put(f.client)
	return nil
}

// verify verifies a code or the answer of a passkey. The attempt is then proved, and the client a
// known device of the user.
func (f secondFactor) verify(t *tx.Tx, proof Proof, answer passkeys.Answer, from tx.Caller) error {
	t.Put(f.client)
	var err error
	if proof.Strategy == account.PasskeyProof {
		err = f.verifyPasskey(t, answer, from)
	} else {
		err = VerifySecondFactor(t, f.user, sessions.DeviceOf(t, f.client, f.user), proof, f.attempt)
	}
	if err != nil {
		return err
	}
	*f.attempt.Attempt = account.Attempt{Strategy: proof.Strategy, Proved: t.Now}
	sessions.MakeKnown(t, f.client, f.user)
	return nil
}
