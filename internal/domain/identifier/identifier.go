// Package identifier brings the identifiers of users to the form in which they are compared and
// unique.
//
// Unicode writes the same text in several ways: é is one character or two, and a domain of an
// e-mail address has a form for people and one for DNS. Two such spellings are one identifier.
package identifier

import (
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// Kind says what an identifier is. Its text is part of the keyed hash of a claim, so it never
// changes.
type Kind string

// The kinds of identifiers.
const (
	Email      Kind = "email"
	Phone      Kind = "phone"
	Username   Kind = "username"
	ExternalID Kind = "external_id"
	Credential Kind = "passkey" // a credential id of WebAuthn, in base64url
)

// maxEmail is the longest address that a mail server accepts, in bytes: RFC 5321 section
// 4.5.3.1.3.
const maxEmail = 254

const (
	// maxText bounds the work on hostile input, in bytes. A character has at most four.
	maxText = 4 * maxEmail
	// invalid replaces bytes that are not UTF-8: U+FFFD.
	invalid = "\ufffd"
)

// ErrEmail is the error for a text that is no e-mail address. It does not hold the text.
var ErrEmail = errors.New("not a valid e-mail address")

// domains brings the domain of an address to A-labels: RFC 5891 section 5 with the mapping of UTS
// 46, non-transitional, as browsers do it. Browsers do not check hyphens in the middle of labels.
var domains = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.BidiRule(), idna.CheckHyphens(false), idna.StrictDomainName(true), idna.VerifyDNSLength(true))

// Normal returns the form in which an identifier is compared and unique. A normal form is its own
// normal form.
//
//   - An e-mail address is in lower case, its name in NFC (RFC 6532 section 3.1), and its domain in
//     A-labels.
//   - A username is in the form of UsernameCaseMapped, RFC 8265 section 3.3: letters in
//     full or half width are the usual ones, in lower case and NFC.
//   - Phone numbers (already in E.164) and external ids are compared byte for byte.
//
// An e-mail address that breaks these rules is in lower case and NFC. A text over 1,016 bytes is no
// identifier and stays as it is.
func Normal(kind Kind, text string) string {
	switch {
	case len(text) > maxText:
		return text
	case kind == Email:
		return normalEmail(strings.ToValidUTF8(text, invalid))
	case kind == Username:
		return normalUsername(strings.ToValidUTF8(text, invalid))
	}
	return text
}

// Former returns the other forms under which an earlier release may have claimed an identifier. It
// returns nil for the identifiers whose form has not changed, among them all in ASCII.
func Former(kind Kind, text string) []string {
	if kind != Email && kind != Username || len(text) > maxText {
		return nil
	}
	now := Normal(kind, text)
	spellings := []string{strings.ToLower(text), lower(text)}
	if shown := unicodeForm(kind, now); shown != now || !isASCII(shown) {
		spellings = append(spellings, shown, norm.NFC.String(shown), norm.NFD.String(shown))
	}
	var former []string
	for _, s := range spellings {
		if s != now && !slices.Contains(former, s) {
			former = append(former, s)
		}
	}
	return former
}

// ParseEmail returns the normal form of an e-mail address, or [ErrEmail].
func ParseEmail(text string) (string, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxText || !utf8.ValidString(text) {
		return "", ErrEmail
	}
	name, host, ok := strings.Cut(text, "@")
	if !ok || name == "" || strings.ContainsFunc(text, notInEmail) {
		return "", ErrEmail
	}
	host, err := domains.ToASCII(host)
	if err != nil || !strings.Contains(host, ".") || strings.HasSuffix(host, ".") {
		return "", ErrEmail
	}
	if address := lower(name) + "@" + host; len(address) <= maxEmail {
		return address, nil
	}
	return "", ErrEmail
}

func notInEmail(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || typed.Invisible(r) || strings.ContainsRune("<>,;", r)
}

func normalEmail(text string) string {
	if address, err := ParseEmail(text); err == nil {
		return address
	}
	return lower(text)
}

func normalUsername(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	// U+0130 becomes two characters in lower case: SpecialCasing.txt of Unicode.
	return lower(strings.ReplaceAll(width.Fold.String(text), "\u0130", "i\u0307"))
}

// unicodeForm returns the form that people write: the domain of an address without A-labels.
func unicodeForm(kind Kind, text string) string {
	name, host, ok := strings.Cut(text, "@")
	if kind != Email || !ok {
		return text
	}
	shown, err := domains.ToUnicode(host)
	if err != nil {
		return text
	}
	return name + "@" + shown
}

// lower returns a text in lower case and NFC. A character in lower case may compose with the next
// one, so NFC comes before and after.
func lower(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	return norm.NFC.String(strings.ToLower(norm.NFC.String(text)))
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}
