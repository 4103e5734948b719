package account

import (
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// IDLen is the length of the text of 128 random bits in base 32 without padding.
const IDLen = 26

// IDEncoding is base 32 in lower case.
var IDEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// The prefixes of the ids that clients see.
const (
	PrefixUser    = "user_"
	prefixClient  = "client_"
	prefixSession = "sess_"
	PrefixID      = "idn_"
	PrefixSignIn  = "sia_"
	PrefixTOTP    = "totp_"
	PrefixBackup  = "bkc_"
	PrefixPasskey = "passkey_"
	PrefixTicket  = "sit_"
	PrefixBrowser = "dvb_"
	prefixSMS     = "sms_"
	prefixEvent   = "evt_"
	PrefixHook    = "ep_"
	prefixCode    = "ver_"
	prefixDevice  = "rdev_"
)

// RandomText returns random bytes as text.
func RandomText(r io.Reader, bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return IDEncoding.EncodeToString(b), nil
}

// IsID reports whether s has the form of 128 bits as text. It keeps foreign text out of keys.
func IsID(s string) bool {
	if len(s) != IDLen {
		return false
	}
	_, err := IDEncoding.DecodeString(s)
	return err == nil
}

// BareID returns an id without its prefix, or "" if the id is malformed.
func BareID(prefix, id string) string {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok || !IsID(rest) {
		return ""
	}
	return rest
}

// SessionName is a session id taken apart. The id names its client and its user, so that a request
// reads both in one round trip and no index is needed. It is a name, never a credential.
type SessionName struct{ Client, User, Nonce string }

// String returns the session id.
func (n SessionName) String() string { return prefixSession + n.Client + n.User + n.Nonce }

// ParseSession takes a session id apart and reports whether it is well-formed.
func ParseSession(id string) (SessionName, bool) {
	rest, ok := strings.CutPrefix(id, prefixSession)
	if !ok || len(rest) != 3*IDLen {
		return SessionName{}, false
	}
	n := SessionName{rest[:IDLen], rest[IDLen : 2*IDLen], rest[2*IDLen:]}
	return n, IsID(n.Client) && IsID(n.User) && IsID(n.Nonce)
}

// SignInUser returns the user that a sign-in id names, or "". Only a sign-in that began with a
// proven first factor names its user: otherwise an id would tell whether an account exists.
func SignInUser(id string) string {
	rest, ok := strings.CutPrefix(id, PrefixSignIn)
	if !ok || len(rest) != 2*IDLen || !IsID(rest[IDLen:]) {
		return ""
	}
	return rest[IDLen:]
}
