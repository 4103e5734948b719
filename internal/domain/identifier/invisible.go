package identifier

import (
	"strings"
	"unicode"
)

// notIgnorable are the format characters that UAX 44 takes out of Default_Ignorable_Code_Point: the
// interlinear annotation marks, the Egyptian format controls, and marks that have a glyph.
var notIgnorable = []*unicode.RangeTable{
	unicode.White_Space, unicode.Prepended_Concatenation_Mark,
	{R16: []unicode.Range16{{Lo: 0xFFF9, Hi: 0xFFFB, Stride: 1}}, R32: []unicode.Range32{{Lo: 0x13430, Hi: 0x1343F, Stride: 1}}},
}

// Invisible reports whether a character is drawn as nothing where a font does not support it: the
// property Default_Ignorable_Code_Point of UAX 44. Two texts that differ in such characters look
// the same.
func Invisible(r rune) bool {
	return unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Cf, unicode.Variation_Selector) && !unicode.In(r, notIgnorable...)
}

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
		if Invisible(r) {
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
		case unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) || Invisible(r):
			return true
		default:
			visible = !unicode.IsSpace(r)
		}
	}
	return false
}
