package typed

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

// Visible returns a text without invisible characters.
func Visible(text string) string {
	return strings.Map(func(r rune) rune {
		if Invisible(r) {
			return -1
		}
		return r
	}, text)
}

// IsJoiner reports whether a character is one of the two invisible ones that Persian and Indic
// names need: ZERO WIDTH NON-JOINER and ZERO WIDTH JOINER. Emoji use the second one, too.
func IsJoiner(r rune) bool { return r == '\u200c' || r == '\u200d' }
