package mfa

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Law: a ticket that parses consists of its parts, and a key is never made of anything but ids.
func FuzzParseTicket(f *testing.F) {
	id := strings.Repeat("b", idLen)
	f.Add(id + id + "secret")
	f.Fuzz(func(t *testing.T, text string) {
		ticket, user, random, ok := parseTicket(secret.New(text))
		if ok && (ticket+user+random != strings.TrimSpace(text) || !isID(ticket) || !isID(user) || random == "") {
			t.Errorf("%q parsed as %q %q %q", text, ticket, user, random)
		}
	})
}
