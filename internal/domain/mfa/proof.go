package mfa

import (
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/passkeys"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// Proof is what a request offers to prove a factor.
type Proof struct {
	Strategy account.Strategy
	Code     secret.Value
	Password secret.Value
	Ticket   secret.Value
	// Remember asks to have the device remembered after the second factor of a sign-in.
	Remember bool
	// Credential is an authenticator's answer as JSON, for a passkey.
	Credential secret.Value
}

// answer returns the answer of a passkey, the zero Answer for other strategies.
func (proof Proof) answer() (passkeys.Answer, error) {
	if proof.Strategy != account.PasskeyProof {
		return passkeys.Answer{}, nil
	}
	return passkeys.Read(proof.Credential.Reveal())
}

func wrongCode() *apierr.Error { return apierr.New(apierr.FormCodeIncorrect).Param("code") }

// read returns the proof with its code as authenticators make it, whatever spelling was typed. It
// rejects a code that no factor could have produced. That is no guess and is not counted.
func (proof Proof) read() (Proof, error) {
	text := typed.Plain(proof.Code.Reveal())
	if text == "" {
		return proof, apierr.New(apierr.FormParamNil).Param("code")
	}
	ok := Importable(text)
	if proof.Strategy != account.BackupCode {
		text, ok = sms.ReadCode(text)
	}
	if !ok {
		return proof, wrongCode()
	}
	proof.Code = secret.New(text)
	return proof, nil
}
