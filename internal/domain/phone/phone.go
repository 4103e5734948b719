// Package phone holds phone numbers: their one spelling, and what of them may be shown.
//
// A [Number] is in the one spelling of E.164, so that two numbers are the same number exactly if they are equal. It prints masked; only
// [Number.E164] gives all its digits. Which numbers exist, their countries and their lines is the knowledge of package numberplan.
package phone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unique"
)

// ErrInvalid is what stands for a text that is no number. It does not hold the text.
var ErrInvalid = errors.New("not a valid phone number in international form")

const (
	// maxText bounds the work on hostile input; a number has at most 16 characters, the rest is for separators.
	maxText = 64
	stars   = "*******"
	shown   = 2
)

var (
	separators = strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "")
	// form is how a number looks in ITU-T E.164, section 6: at most 15 digits, and no country code begins with 0.
	form = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	// fictional are the numbers that the North American numbering plan keeps for films and tests: line 0100 to 0199 of
	// exchange 555 in every area.
	fictional = regexp.MustCompile(`^\+1[2-9][0-9]{2}55501[0-9]{2}$`)
	// shortCode is a country code of fewer than three digits (ITU-T E.164, list of assigned codes): a code that begins so never has more.
	shortCode = regexp.MustCompile(`^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])`)
)

// Number is a phone number. Numbers compare with ==. The zero Number is none: it parses from nothing, and its
// texts are empty.
type Number struct {
	// fmt prints unexported fields without calling methods. It shows a handle to a string, which is a pointer to one, as
	// an address under every verb (a pointer to a struct it would follow), and handles of the same string are equal.
	e164            unique.Handle[string]
	masked, country string
	line            Line
}

// Normalize returns the E.164 form of a text: a +, the country code, and the digits, all ASCII. Spaces, hyphens, dots and parentheses are
// dropped; anything else is [ErrInvalid]. It does not say that there is such a number.
func Normalize(s string) (string, error) {
	if len(s) > maxText {
		return "", ErrInvalid
	}
	if s = separators.Replace(s); !form.MatchString(s) {
		return "", ErrInvalid
	}
	return s, nil
}

// New returns the number of an E.164 form, with the country and line that the numbering plan gave it, or [ErrInvalid].
func New(e164, country string, line Line) (Number, error) {
	if !form.MatchString(e164) {
		return Number{}, ErrInvalid
	}
	return Number{e164: unique.Make(e164), masked: Mask(e164), country: country, line: line}, nil
}

// IsZero reports whether n is no number.
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns all of the number, as in "+12025550142": what to store, and what to send to.
func (n Number) E164() string {
	if n.IsZero() {
		return ""
	}
	return n.e164.Value()
}

// Masked returns what may be shown to somebody who has not proved who they are: the country code, seven stars whatever
// the number's length, and the last two digits, as in "+1*******42".
func (n Number) Masked() string { return n.masked }

// Country returns the country's two letters in ISO 3166-1 or, for a few places that it does not list, the letters
// commonly used for them (XK for Kosovo). A fictional number in an area that is nobody's yet is "US". It is empty for a
// number of no country, such as a satellite phone's.
func (n Number) Country() string { return n.country }

// Line returns what kind of line the number leads to.
func (n Number) Line() Line { return n.line }

// IsTest reports whether n is fictional, +1 XXX 555 0100 to 0199, so that a test can use it without reaching anybody.
func (n Number) IsTest() bool { return fictional.MatchString(n.E164()) }

// TextAllowed reports whether a text may be sent to n, by its line: see [Line.TextAllowed]. It says nothing of the
// countries that a team serves.
func (n Number) TextAllowed() bool { return n.Line().TextAllowed() }

// String implements [fmt.Stringer] and returns the masked number.
func (n Number) String() string { return n.Masked() }

// Format implements [fmt.Formatter]: every verb, flag and width prints the masked number.
func (n Number) Format(state fmt.State, _ rune) {
	// A fmt.State has nobody to report an error to; the caller of fmt sees its writer fail.
	_, _ = io.WriteString(state, n.Masked())
}

// LogValue implements [slog.LogValuer] and returns the masked number.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// MarshalText implements [encoding.TextMarshaler], and through it JSON: it returns the masked number and never an error.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.Masked()), nil }

// Mask is [Number.Masked] of a number in E.164 form, and empty for any other text.
func Mask(e164 string) string {
	if !form.MatchString(e164) {
		return ""
	}
	code := shortCode.FindString(e164)
	if code == "" {
		code = e164[:min(len("+")+3, len(e164))]
	}
	return code + stars + e164[len(e164)-shown:]
}
