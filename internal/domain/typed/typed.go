// Package typed reads codes and numbers as people type and paste them.
//
// Keyboards, messages and password managers add white space, hyphens and invisible characters, and
// write digits in the script of the user. RFC 4226 section 5.3 defines a code as a number, not as a
// spelling, so all these spellings are one code.
package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"
)

// prolonged is the key beside 0 on Japanese keyboards, U+30FC, which people type as a hyphen.
const prolonged = 'ー'

// Compact returns a text without white space, dashes and invisible characters. It writes the
// decimal digits of every script as ASCII digits (general category Nd of UAX 44), and characters in
// full width in their usual width (UAX 11). A compact text is its own compact form.
func Compact(text string) string {
	if !strings.ContainsFunc(text, special) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if isSpace(r) || unicode.Is(unicode.Dash, r) || r == prolonged {
			return -1
		}
		return digit(r)
	}, Plain(text))
}

// Plain returns a text without invisible characters and without white space around it. It writes
// characters in full width in their usual width, and keeps everything else.
func Plain(text string) string {
	if !strings.ContainsFunc(text, special) {
		return text
	}
	return strings.TrimFunc(Visible(width.Fold.String(text)), isSpace)
}

// special reports whether [Compact] may change or drop a character.
func special(r rune) bool { return r >= utf8.RuneSelf || r == '-' || isSpace(r) }

func isSpace(r rune) bool { return unicode.Is(unicode.White_Space, r) }

// digit returns the ASCII digit of a decimal digit, and other characters unchanged. The digits of a
// script stand in a row of ten that begins with 0: Unicode Standard, section 4.6.
func digit(r rune) rune {
	if r < utf8.RuneSelf || !unicode.Is(unicode.Nd, r) {
		return r
	}
	for _, row := range unicode.Nd.R16 {
		if lo, hi := rune(row.Lo), rune(row.Hi); lo <= r && r <= hi {
			return '0' + (r-lo)%10
		}
	}
	for _, row := range unicode.Nd.R32 {
		if lo, hi := rune(row.Lo), rune(row.Hi); lo <= r && r <= hi {
			return '0' + (r-lo)%10
		}
	}
	return r
}
