package identifier

import (
	"strings"
	"unicode"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
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

// Seen returns a text without invisible characters.
func Seen(text string) string {
	return strings.Map(func(r rune) rune {
		if typed.Invisible(r) {
			return -1
		}
		return r
	}, text)
}

// Misleads reports whether a text makes a page or a log show something else: it has a control
// character, a line or paragraph separator, or an invisible character. The two joiners of Persian
// and Indic names are allowed after a visible character.
func Misleads(text string) bool {
	const nonJoiner, joiner = 0x200C, 0x200D
	visible := false // the character before
	for _, r := range text {
		switch {
		case (r == nonJoiner || r == joiner) && visible:
			visible = false
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || typed.Invisible(r):
			return true
		default:
			visible = !unicode.IsSpace(r)
		}
	}
	return false
}
