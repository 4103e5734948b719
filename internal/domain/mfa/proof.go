package mfa

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
)

// Proof is what a request offers to prove a factor.
type Proof struct {
	Strategy account.Strategy
	Code     secret.Value
	Password secret.Value
	Ticket   secret.Value
}

func wrongCode() *apierr.Error { return apierr.New(apierr.FormCodeIncorrect).Param("code") }

// wellFormed rejects a code that no factor could have produced. That is no guess and is not
// counted.
func (proof Proof) wellFormed() error {
	text := proof.Code.Reveal()
	if text == "" {
		return apierr.New(apierr.FormParamNil).Param("code")
	}
	ok := sms.IsCode(text)
	if proof.Strategy == account.BackupCode {
		_, ok = backupcode.Normalize(text)
		ok = ok || Importable(text)
	}
	if !ok {
		return wrongCode()
	}
	return nil
}

// Importable reports whether text can be a backup code of another service: 6 to 64 ASCII letters,
// digits and hyphens.
func Importable(text string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	return len(text) >= 6 && len(text) <= 64 && strings.Trim(text, allowed) == ""
}
