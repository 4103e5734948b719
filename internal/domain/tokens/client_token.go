package tokens

import (
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// maxTokenLen is more than the 78 characters of a client token.
const maxTokenLen = 128

// ClientID returns the id of the client that a cookie's text names, or "" if the text is no client
// token. The text proves nothing: only the client's record says whether the token is valid.
func ClientID(text string) string {
	if len(text) > maxTokenLen {
		return ""
	}
	return tx.TokenClient(tx.Credential{Transport: tx.Cookie, Token: secret.New(text)})
}
