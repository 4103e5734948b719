package account

import (
	"strings"
	"testing"
)

// FuzzParseSession: a session id that parses is written back unchanged, and its parts are ids.
func FuzzParseSession(f *testing.F) {
	id := strings.Repeat("a", IDLen)
	f.Add("sess_" + id + id + id)
	f.Add("sess_")
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := ParseSession(text)
		if ok && (n.String() != text || !IsID(n.Client) || !IsID(n.User) || !IsID(n.Nonce)) {
			t.Errorf("%q parsed as %+v", text, n)
		}
	})
}
