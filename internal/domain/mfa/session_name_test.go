package mfa

import (
	"strings"
	"testing"
)

// Law: a session id that parses is written back as it was, and its parts are ids.
func FuzzParseSession(f *testing.F) {
	id := strings.Repeat("a", idLen)
	f.Add("sess_" + id + id + id)
	f.Add("sess_")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseSession(text)
		if ok && (n.String() != text || !isID(n.client) || !isID(n.user) || !isID(n.nonce)) {
			t.Errorf("%q parsed as %+v", text, n)
		}
	})
}
