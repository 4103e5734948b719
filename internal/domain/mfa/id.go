package mfa

import (
	"encoding/base32"
	"fmt"
	"io"
	"strings"
)

// idLen is the length of the text of 128 random bits in base 32 without padding.
const idLen = 26

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// The prefixes of the ids that clients see.
const (
	prefixUser    = "user_"
	prefixClient  = "client_"
	prefixSession = "sess_"
	prefixID      = "idn_"
	prefixSignIn  = "sia_"
	prefixTOTP    = "totp_"
	prefixBackup  = "bkc_"
	prefixTicket  = "sit_"
	prefixBrowser = "dvb_"
	prefixSMS     = "sms_"
	prefixEvent   = "evt_"
	prefixHook    = "ep_"
)

// randomID returns 128 random bits as text.
func (s *Service) randomID() (string, error) {
	return randomText(s.rand, 16)
}

func randomText(r io.Reader, bytes int) (string, error) {
	b := make([]byte, bytes)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", fmt.Errorf("read random bytes: %w", err)
	}
	return idEncoding.EncodeToString(b), nil
}

// isID says whether s has the form of the text of 128 bits. It keeps foreign text out of keys.
func isID(s string) bool {
	if len(s) != idLen {
		return false
	}
	_, err := idEncoding.DecodeString(s)
	return err == nil
}

// bareID strips the prefix and checks the rest; "" means that id is not one of ours.
func bareID(prefix, id string) string {
	rest, ok := strings.CutPrefix(id, prefix)
	if !ok || !isID(rest) {
		return ""
	}
	return rest
}

// A sessionName is a session id taken apart. The id names its client and its user, so that a request reads both
// caller one round trip and no index is needed. It is a name, never a credential.
type sessionName struct{ client, user, nonce string }

func (n sessionName) String() string { return prefixSession + n.client + n.user + n.nonce }

func parseSession(id string) (sessionName, bool) {
	rest, ok := strings.CutPrefix(id, prefixSession)
	if !ok || len(rest) != 3*idLen {
		return sessionName{}, false
	}
	n := sessionName{rest[:idLen], rest[idLen : 2*idLen], rest[2*idLen:]}
	return n, isID(n.client) && isID(n.user) && isID(n.nonce)
}

// signInUser is the user that a sign-in id names, or "" when the sign-in began without a proven first factor: an
// id must not tell a stranger whether an account exists.
func signInUser(id string) string {
	rest, ok := strings.CutPrefix(id, prefixSignIn)
	if !ok || len(rest) != 2*idLen || !isID(rest[idLen:]) {
		return ""
	}
	return rest[idLen:]
}

// maskNumber masks or unmasks the key in a phone id. A phone id is the user's id followed by the key of the number's sending record, masked with a keyed hash of the user.
// The service finds both records in one round trip; nobody else can tell that two accounts hold one number.
func (s *Service) maskNumber(user, key string) string {
	k, _ := idEncoding.DecodeString(key)
	m, _ := idEncoding.DecodeString(s.digest("phone-id", user))
	for i := range k {
		k[i] ^= m[i]
	}
	return idEncoding.EncodeToString(k)
}

// numberKey is the sending record of a number. The id of a phone leads to it before the user is read, unless the phone came with its user from another
// instance, whose keyed hashes are others: then it is one round trip more.
func (s *Service) numberKey(e164 string) Key { return Key{KindNumber, s.digest("number", e164)} }

// parsePhoneID returns the user and the number key inside a phone id.
func (s *Service) parsePhoneID(id string) (user, numberKey string, ok bool) {
	rest, found := strings.CutPrefix(id, prefixID)
	if !found || len(rest) != 2*idLen || !isID(rest[:idLen]) || !isID(rest[idLen:]) {
		return "", "", false
	}
	return rest[:idLen], s.maskNumber(rest[:idLen], rest[idLen:]), true
}

// digest is a lookup key: stable, keyed, 128 bits.
func (s *Service) digest(parts ...string) string {
	sum := s.ring.Digest(parts...)
	if isID(sum) {
		return sum
	}
	panic("mfa: seal.Ring.Digest must return 26 base-32 characters")
}
