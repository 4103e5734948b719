package typed_test

import (
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// TestSpellingsOfACode: each text is the code 123456.
func TestSpellingsOfACode(t *testing.T) {
	for what, text := range map[string]string{
		"six digits":                          "123456",
		"two groups":                          "123 456",
		"a hyphen":                            "123-456",
		"a no-break space":                    "123\u00a0456",
		"a narrow no-break space":             "123\u202f456",
		"a thin space and a line end":         "123\u2009456\r\n",
		"an ideographic space":                "123\u3000456",
		"a tab, and a paragraph separator":    "123\t456\u2029",
		"a non-breaking hyphen":               "123\u2011456",
		"an en dash and a minus sign":         "12\u20133\u2212456",
		"a hyphen in full width":              "123－456",
		"the key beside 0 in Japan":           "123ー456",
		"the same in half width":              "123ｰ456",
		"a soft hyphen":                       "123\u00ad456",
		"a zero width space":                  "\u200b123456",
		"a word joiner, a byte order mark":    "\ufeff123\u2060456",
		"marks of the writing direction":      "\u202a123\u200e456\u202c\u2066\u2069",
		"a variation selector":                "1\ufe0f23456",
		"full width":                          "１２３４５６",
		"Arabic-Indic":                        "١٢٣٤٥٦",
		"extended Arabic-Indic":               "۱۲۳۴۵۶",
		"Devanagari":                          "१२३४५६",
		"Bengali, grouped":                    "১২৩ ৪৫৬",
		"Thai":                                "๑๒๓๔๕๖",
		"Adlam, outside of the basic plane":   "\U0001e951\U0001e952\U0001e953\U0001e954\U0001e955\U0001e956",
		"mathematical, of five rows in a row": "𝟏𝟚𝟥𝟰𝟻𝟔",
		"several scripts":                     "1２٣४๕6",
	} {
		if got := typed.Compact(text); got != "123456" {
			t.Errorf("%s: %+q becomes %+q", what, text, got)
		}
	}
}

// TestOtherCharactersStay: a text with another character is another code.
func TestOtherCharactersStay(t *testing.T) {
	for text, want := range map[string]string{
		"":             "",
		" \u200b- ":    "",
		"12a456":       "12a456",
		"123.456":      "123.456",
		"123_456":      "123_456",
		"12\x003456":   "12\x003456",
		"①２３":          "①23",
		"²3":           "²3",
		"Ⅷ":            "Ⅷ",
		"ＫＸ９２-ｍｚ":      "KX92mz",
		"12345\xff":    "12345\ufffd",
		"(１)．＋":        "(1).+",
		"k4xu 92mz":    "k4xu92mz",
		"日本 12":        "日本12",
		"\u00e9\u0301": "\u00e9\u0301",
	} {
		if got := typed.Compact(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
}

// TestEveryDecimalDigit: the value of each digit of category Nd, whose rows of ten begin with 0.
// For the digits with a compatibility mapping, NFKC says the same.
func TestEveryDecimalDigit(t *testing.T) {
	digits := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !unicode.Is(unicode.Nd, r) {
			continue
		}
		got := typed.Compact(string(r))
		if len(got) != 1 || got[0] != byte('0'+digits%10) {
			t.Errorf("U+%04X becomes %q, want %d", r, got, digits%10)
		}
		if same := norm.NFKC.String(string(r)); len(same) == 1 && same != got {
			t.Errorf("U+%04X becomes %q, NFKC makes it %q", r, got, same)
		}
		digits++
	}
	if digits < 680 || digits%10 != 0 {
		t.Errorf("%d digits", digits)
	}
}

func TestPlainKeepsWhatIsWritten(t *testing.T) {
	for text, want := range map[string]string{
		" AB-cd 12\n": "AB-cd 12", "\ufeffＡＢ－１": "AB-1", "ab": "ab", "١-": "١-", "\u2003": "",
	} {
		if got := typed.Plain(text); got != want {
			t.Errorf("%+q becomes %+q, want %+q", text, got, want)
		}
	}
}

// FuzzCompact states that a compact text is its own compact form, and that it has neither white
// space nor invisible characters nor digits of other scripts.
func FuzzCompact(f *testing.F) {
	for _, text := range []string{"123 456", "１２３-４５６", "\u202a+1 201\u202c", "ｰﾞ", "\xff", "𝟏"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := typed.Compact(text)
		if again := typed.Compact(got); again != got {
			t.Errorf("%+q becomes %+q and then %+q", text, got, again)
		}
		if strings.ContainsFunc(got, func(r rune) bool {
			return unicode.IsSpace(r) || typed.Invisible(r) || r > '9' && unicode.Is(unicode.Nd, r)
		}) {
			t.Errorf("%+q becomes %+q", text, got)
		}
	})
}

func TestLine(t *testing.T) {
	for text, want := range map[string]string{" Zoë 山田 ": "Zoë 山田", "thanks \u2764\ufe0f": "thanks \u2764", "می\u200cنا": "می\u200cنا", "\ufe0f": "", "": ""} {
		if got, ok := typed.Line(text); got != want || !ok {
			t.Errorf("%+q is the line %+q (%v), want %+q", text, got, ok, want)
		}
	}
	for _, text := range []string{"two\nlines", "two\u2028lines", "two\u2029lines", "\u202eenaJ", "\u200b", "a\u00adb", "\xff", "a\x00"} {
		if got, ok := typed.Line(text); ok {
			t.Errorf("%+q is the line %+q", text, got)
		}
	}
}
