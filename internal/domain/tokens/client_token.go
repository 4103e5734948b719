package tokens

import (
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// ClientID returns the id of the client that a cookie's text would be a token of, or "" when the text has not the form of a token.
// Whether it is one, a look at the client's record says.
func ClientID(text string) string {
	if len(text) > maxTokenLen {
		return ""
	}
	return tx.TokenClient(tx.Credential{Transport: tx.Cookie, Token: secret.New(text)})
}

// maxTokenLen is more than a token's 78 characters.
const maxTokenLen = 128
