package identifier

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Folded returns a text as searches compare it: in lower case and NFKC, so that letters in full
// width and ligatures are the letters that people type, and without control and format characters,
// which have no width. A folded text is its own folded form.
func Folded(text string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.Map(visible, text))))
}

// Shown returns the form of an e-mail address that people read: its domain without A-labels.
func Shown(address string) string { return unicodeForm(Email, address) }

// visible drops a character that has no width, and keeps white space.
func visible(r rune) rune {
	if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs) && !unicode.IsSpace(r) || r == utf8.RuneError {
		return -1
	}
	return r
}
