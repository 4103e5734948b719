package totp

import (
	"encoding/base32"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const (
	secretBytes = 20
	// Imported secrets have 80 bits or more; a key longer than HMAC-SHA-1's block of 64 bytes has no
	// use.
	minSecretBytes = 10
	maxSecretBytes = 64
	// maxSecretText bounds the work on hostile input. The longest secret has 103 characters; the rest
	// is for separators.
	maxSecretText = 256
)

// ErrSecret is the error of [ParseSecret] and [Code] for a text that is no secret. It does not hold
// the text.
var ErrSecret = errors.New("not a base 32 secret of 80 to 512 bits")

var base32NoPadding = base32.StdEncoding.WithPadding(base32.NoPadding)

// ParseSecret reads a secret from another system, as people copy it: with spaces, hyphens, lower
// case and padding at the end. It returns upper-case base 32 without padding (RFC 4648, section 6),
// which is the same for every spelling of a key. The error is [ErrSecret], also for a key outside
// 80 to 512 bits.
func ParseSecret(text string) (secret.Value, error) {
	if len(text) > maxSecretText {
		return secret.Value{}, ErrSecret
	}
	text = strings.TrimRight(strings.Map(foldSecret, text), "=")
	key, err := base32NoPadding.DecodeString(text)
	if err != nil || len(key) < minSecretBytes || len(key) > maxSecretBytes {
		return secret.Value{}, ErrSecret
	}
	canonical := base32NoPadding.EncodeToString(key)
	// The decoder skips line breaks and a last character that begins no byte. Either makes the text
	// longer than its canonical form.
	if len(canonical) != len(text) {
		return secret.Value{}, ErrSecret
	}
	return secret.New(canonical), nil
}

// Bytes returns the key of a secret in binary, five eighths of its length, for storing. The error
// is [ErrSecret].
func Bytes(s secret.Value) (secret.Value, error) {
	canonical, err := ParseSecret(s.Reveal())
	if err != nil {
		return secret.Value{}, err
	}
	key, err := base32NoPadding.DecodeString(canonical.Reveal())
	if err != nil {
		return secret.Value{}, ErrSecret
	}
	return secret.New(string(key)), nil
}

// FromBytes is the reverse of [Bytes].
func FromBytes(key secret.Value) (secret.Value, error) {
	return ParseSecret(base32NoPadding.EncodeToString([]byte(key.Reveal())))
}

// foldSecret drops separators and folds the case of ASCII letters only: some other Unicode letters
// have the upper case I or S.
func foldSecret(r rune) rune {
	switch {
	case r == ' ', r == '-':
		return -1
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	}
	return r
}

// URI returns the otpauth URI that authenticator apps read from a QR code, in the Key URI Format:
//
//	otpauth://totp/Issuer:account?secret=…&issuer=Issuer&algorithm=SHA1&digits=6&period=30
//
// Issuer and account are percent-escaped, with %20 for a space, because apps show a + as it is. The
// format allows no colon in either, so a colon becomes a space. An empty issuer appears neither
// in the label nor in the query.
func URI(issuer, account string, s secret.Value) secret.Value {
	issuer = escape(strings.ReplaceAll(issuer, ":", " "))
	label, parameter := escape(strings.ReplaceAll(account, ":", " ")), ""
	if issuer != "" {
		label = issuer + ":" + label
		parameter = "&issuer=" + issuer
	}
	return secret.New("otpauth://totp/" + label +
		"?secret=" + escape(s.Reveal()) + parameter +
		"&algorithm=SHA1" +
		"&digits=" + strconv.Itoa(Digits) +
		"&period=" + strconv.Itoa(int(Period/time.Second)))
}

// escape keeps only the unreserved characters of RFC 3986, section 2.3. QueryEscape does so except
// for spaces, and escapes a real + first.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
