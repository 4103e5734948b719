package mfa

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// FuzzParseTicket: a parsed ticket consists of its parts, and only ids become keys.
func FuzzParseTicket(f *testing.F) {
	id := strings.Repeat("b", account.IDLen)
	f.Add(id + id + "secret")
	f.Fuzz(func(t *testing.T, text string) {
		ticket, user, random, ok := parseTicket(secret.New(text))
		if ok && (ticket+user+random != strings.TrimSpace(text) || !account.IsID(ticket) || !account.IsID(user) || random == "") {
			t.Errorf("%q parsed as %q %q %q", text, ticket, user, random)
		}
	})
}
