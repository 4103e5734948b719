package identifier_test

import (
	"errors"
	"testing"
	"unicode"

	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// ignorable are the ranges of Default_Ignorable_Code_Point in DerivedCoreProperties.txt of Unicode
// 15.0.
var ignorable = [][2]rune{
	{0xAD, 0xAD}, {0x34F, 0x34F}, {0x61C, 0x61C}, {0x115F, 0x1160}, {0x17B4, 0x17B5}, {0x180B, 0x180F}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x206F},
	{0x3164, 0x3164}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFF8}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
}

// TestInvisibleIsTheUnicodeProperty: for each code point. No address and no name has one, but for
// joiners and variation selectors in names.
func TestInvisibleIsTheUnicodeProperty(t *testing.T) {
	is := map[rune]bool{}
	for _, r := range ignorable {
		for c := r[0]; c <= r[1]; c++ {
			is[c] = true
		}
	}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if typed.Invisible(r) != is[r] {
			t.Errorf("U+%04X: invisible %v, want %v", r, !is[r], is[r])
		}
	}
	for r := range is {
		if _, err := identifier.ParseEmail("a" + string(r) + "b@example.com"); !errors.Is(err, identifier.ErrEmail) {
			t.Errorf("an address may have U+%04X", r)
		}
		name := "a" + string(r) + "b"
		if joins := r == 0x200C || r == 0x200D; typed.Misleads(name) == joins {
			t.Errorf("a name with U+%04X misleads: %v", r, !joins)
		}
		if typed.PlainName(name) != "ab" == unicode.Is(unicode.Variation_Selector, r) {
			t.Errorf("a plain name with U+%04X is %q", r, typed.PlainName(name))
		}
	}
}

// TestMisleadingTexts: joiners alone are as invisible as the rest.
func TestMisleadingTexts(t *testing.T) {
	for text, want := range map[string]bool{
		"": false, "Zoë O’Brien": false, "می\u200cنا": false, "क्\u200dष": false, "👩\u200d💻": false,
		"\u200d": true, "a \u200c": true, "a\u200d\u200db": true, "a\u0007": true, "a\u2028b": true, "\ufe0f": true, "a\u3164": true,
	} {
		if typed.Misleads(text) != want {
			t.Errorf("%+q misleads: %v, want %v", text, !want, want)
		}
	}
}
