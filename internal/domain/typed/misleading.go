package typed

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// PlainName returns a name of a person without variation selectors. Keyboards add them to signs
// such as hearts, and they only choose a glyph.
func PlainName(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) {
			return -1
		}
		return r
	}, name)
}

// Misleads reports whether a text makes a page or a log show something else: it has a control
// character, a line or paragraph separator, or an invisible character. The two joiners of Persian
// and Indic names are allowed after a visible character.
func Misleads(text string) bool {
	visible := false // whether the character before is
	for _, r := range text {
		switch {
		case IsJoiner(r) && visible:
			visible = false
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || Invisible(r):
			return true
		default:
			visible = !unicode.IsSpace(r)
		}
	}
	return false
}

// Line returns a text of people without variation selectors and without white space around it, and
// whether it is one line that a log shows as it is: see [Misleads].
func Line(text string) (line string, ok bool) {
	line = strings.TrimSpace(PlainName(text))
	return line, utf8.ValidString(text) && !Misleads(line)
}
