// Package phone holds phone numbers in one spelling, and their masked form for display.
//
// A [Number] is in E.164 form, so two numbers are equal exactly if they are the same number. It
// prints masked; only [Number.E164] returns all digits. Package numberplan knows which numbers
// exist, with their countries and lines.
package phone

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"unique"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// ErrInvalid is the error for a text that is no number. It does not hold the text.
var ErrInvalid = errors.New("not a valid phone number in international form")

const (
	// LongestText bounds the work on hostile input, in bytes. A number has at most 16 characters, each
	// of up to 4 bytes; the rest is for separators.
	LongestText = 256

	stars = "*******"
	shown = 2
)

var (
	separators = strings.NewReplacer("(", "", ")", "", ".", "")
	// form is ITU-T E.164, section 6: at most 15 digits, and no country code begins with 0.
	form = regexp.MustCompile(`^\+[1-9][0-9]{1,14}$`)
	// fictional are the numbers that the North American numbering plan reserves for films and tests:
	// lines 0100 to 0199 of exchange 555 in every area.
	fictional = regexp.MustCompile(`^\+1[2-9][0-9]{2}55501[0-9]{2}$`)
	// shortCode matches a country code of fewer than three digits (ITU-T E.164, list of assigned
	// codes). No longer code begins with one of these.
	shortCode = regexp.MustCompile(`^\+(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58])`)
)

// Number is a phone number. Numbers compare with ==. The zero Number is no number, and its texts
// are empty.
type Number struct {
	// fmt prints unexported fields without calling methods. A handle holds a pointer to a string,
	// which fmt prints as an address under every verb. Handles of the same string are equal.
	e164            unique.Handle[string]
	masked, country string
	line            Line
}

// Compact returns a number without what people write between its digits: dots, parentheses, and
// what [typed.Compact] drops. Its digits and its plus are in ASCII. The error is [ErrInvalid] for a
// text over 256 bytes.
func Compact(s string) (string, error) {
	if len(s) > LongestText {
		return "", ErrInvalid
	}
	return separators.Replace(typed.Compact(s)), nil
}

// Normalize returns the E.164 form of a text: a +, the country code and the digits, all ASCII, of
// the form that [Compact] returns. Anything else is [ErrInvalid]. It does not check that the number
// exists.
func Normalize(s string) (string, error) {
	s, err := Compact(s)
	if err != nil || !form.MatchString(s) {
		return "", ErrInvalid
	}
	return s, nil
}

// New returns the number of an E.164 form with its country and line, or [ErrInvalid].
func New(e164, country string, line Line) (Number, error) {
	if !form.MatchString(e164) {
		return Number{}, ErrInvalid
	}
	return Number{e164: unique.Make(e164), masked: Mask(e164), country: country, line: line}, nil
}

// IsZero reports whether n is no number.
func (n Number) IsZero() bool { return n == Number{} }

// E164 returns all digits, as in "+12025550142", for storing and sending.
func (n Number) E164() string {
	if n.IsZero() {
		return ""
	}
	return n.e164.Value()
}

// Masked returns a form that may be shown before the user is authenticated: the country code,
// always seven stars, and the last two digits, as in "+1*******42".
func (n Number) Masked() string { return n.masked }

// Country returns the country's two letters in ISO 3166-1, or the letters commonly used for a few
// places that it does not list (XK for Kosovo). A fictional number in an unused area is "US". The
// country is empty for a number of no country, such as a satellite phone's.
func (n Number) Country() string { return n.country }

// Line returns the kind of line of the number.
func (n Number) Line() Line { return n.line }

// IsTest reports whether n is fictional, +1 XXX 555 0100 to 0199: a test can use it without
// reaching a person.
func (n Number) IsTest() bool { return fictional.MatchString(n.E164()) }

// TextAllowed reports whether the number's line may get an SMS: see [Line.TextAllowed]. The
// countries that an instance serves are a setting.
func (n Number) TextAllowed() bool { return n.Line().TextAllowed() }

// String implements [fmt.Stringer] and returns the masked number.
func (n Number) String() string { return n.Masked() }

// Format implements [fmt.Formatter]: every verb, flag and width prints the masked number.
func (n Number) Format(state fmt.State, _ rune) {
	// A fmt.State takes no error; the caller of fmt sees its writer fail.
	_, _ = io.WriteString(state, n.Masked())
}

// LogValue implements [slog.LogValuer] and returns the masked number.
func (n Number) LogValue() slog.Value { return slog.StringValue(n.Masked()) }

// MarshalText implements [encoding.TextMarshaler], and through it JSON: it returns the masked
// number and never an error.
func (n Number) MarshalText() ([]byte, error) { return []byte(n.Masked()), nil }

// Mask returns [Number.Masked] of a number in E.164 form, and the empty text for any other text.
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
