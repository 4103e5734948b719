package passkey

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// RelyingParty is the service for which credentials are made: one RP id and the origins that may
// use it. The zero RelyingParty accepts nothing.
type RelyingParty struct {
	id, name string
	idHash   [sha256.Size]byte
	origins  []string
}

// The errors of [NewRelyingParty].
var (
	ErrID     = errors.New("an RP id is a domain in lower case without port, such as example.com, or localhost")
	ErrOrigin = errors.New("an origin is https://<the RP id or a subdomain>[:port], http://localhost[:port] for the RP id localhost, or android:apk-key-hash:<SHA-256 of the signing certificate, 43 characters of base64url>")
)

// NewRelyingParty returns a relying party. An iOS app has the web origin https://<RP id>, an
// Android app the origin android:apk-key-hash:<base64url>. The errors are [ErrID] and [ErrOrigin].
func NewRelyingParty(id, name string, origins ...string) (RelyingParty, error) {
	if !isDomain(id) {
		return RelyingParty{}, ErrID
	}
	if len(origins) == 0 {
		return RelyingParty{}, ErrOrigin
	}
	for _, origin := range origins {
		if !originOf(id, origin) {
			return RelyingParty{}, ErrOrigin
		}
	}
	return RelyingParty{id, name, sha256.Sum256([]byte(id)), slices.Clone(origins)}, nil
}

// ID returns the RP id.
func (rp RelyingParty) ID() string { return rp.id }

// isDomain reports whether id is localhost or a domain of at least two labels, as a URL parser
// spells it: lower case, ASCII, no final dot, no IP address (section 4, "RP ID"). A host whose last
// label is a number, decimal or hexadecimal, is an IP address to a URL parser (URL Standard, "ends
// in a number checker").
func isDomain(id string) bool {
	if id == "localhost" {
		return true
	}
	last := strings.LastIndexByte(id, '.')
	if last < 0 || len(id) > 253 || strings.Trim(id[last+1:], "0123456789") == "" {
		return false
	}
	if hex, isHex := strings.CutPrefix(id[last+1:], "0x"); isHex && strings.Trim(hex, "0123456789abcdef") == "" {
		return false
	}
	for label := range strings.SplitSeq(id, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
	}
	return true
}

// originOf reports whether a page or app of an origin may use an RP id: a browser allows it for the
// RP id and its subdomains (section 5.1.3, step 8), with https except on localhost.
func originOf(id, origin string) bool {
	if hash, ok := strings.CutPrefix(origin, "android:apk-key-hash:"); ok {
		digest, err := base64.RawURLEncoding.Strict().DecodeString(hash)
		return err == nil && len(digest) == sha256.Size && len(hash) == base64.RawURLEncoding.EncodedLen(sha256.Size)
	}
	scheme, rest, ok := strings.Cut(origin, "://")
	host, port, hasPort := strings.Cut(rest, ":")
	if !ok || scheme != "https" && (scheme != "http" || id != "localhost") || !isDomain(host) || host != id && !strings.HasSuffix(host, "."+id) {
		return false
	}
	// A browser leaves the default port out of an origin.
	return !hasPort || len(port) > 0 && len(port) <= 5 && port[0] != '0' && strings.Trim(port, "0123456789") == "" && port != map[string]string{"http": "80", "https": "443"}[scheme]
}

// Challenge is the number used once that an authenticator signs. Section 13.5.3 asks for 16 random
// bytes at least.
type Challenge [32]byte

// NewChallenge reads a challenge. The error is the reader's.
func NewChallenge(rand io.Reader) (Challenge, error) {
	var c Challenge
	if _, err := io.ReadFull(rand, c[:]); err != nil {
		return Challenge{}, fmt.Errorf("read a challenge: %w", err)
	}
	return c, nil
}

// ParseChallenge reads the text that [Challenge.String] returns.
func ParseChallenge(text string) (Challenge, bool) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != len(Challenge{}) || len(text) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return Challenge{}, false
	}
	return Challenge(b), true
}

// String returns 43 characters of base64url.
func (c Challenge) String() string { return base64.RawURLEncoding.EncodeToString(c[:]) }
