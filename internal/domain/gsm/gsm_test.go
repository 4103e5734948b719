package gsm_test

import (
	"strings"
	"testing"
	"unicode"

	"github.com/countersign-mfa/countersign/internal/domain/gsm"
)

// TestFold: a name keeps what the alphabet has, and the rest gets the spelling that people use.
func TestFold(t *testing.T) {
	for name, want := range map[string]string{
		"Müller’s Bank": "Müller's Bank", "Caja de Ahorros – Málaga": "Caja de Ahorros - Malaga", "El Niño": "El Niño", "Crédit Agricole": "Crédit Agricole",
		"ﬁnance": "finance", "Łódź": "Lodz", "Đà Nẵng": "Dà Nang", "Ω Energy": "Ω Energy", "\u2126 Energy": "Ω Energy", "Ａｃｍｅ": "Acme", "Œuvre": "OEuvre", "Straße": "Straße", "STRAẞE": "STRASSE",
		"Åland": "Åland", "A\u030aland": "Åland", "Þór": "Thor", "İşbank": "Isbank", "ığdır": "igdir", "Azərbaycan": "Azerbaycan", "Ça va": "Ça va", "façade": "facade",
		"Τράπεζα": "TPAΠEZA", "“A” … «B»": "\"A\" ... \"B\"", "Acme™": "AcmeTM", "A × B": "A x B", "Größe 🔒": "Größe", "x\u200b\u202e\u00ady": "xy", " a \u00a0\n b ": "a b", "½ €": "1/2 €", "№ 5": "No 5",
		"@#": "@#", "": "", "🔒": "",
	} {
		got, ok := gsm.Fold(name)
		if got != want || !ok {
			t.Errorf("%q is written %q (%v), want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"東京", "Банк", "بنك", "Bank 東京", "은행", "٣", "हिन्दी"} {
		if got, ok := gsm.Fold(name); ok {
			t.Errorf("%q lost letters: %q", name, got)
		}
	}
}

// TestPlaces: a character of the extension table takes two places (3GPP TS 23.038 section 6.2.1.1).
func TestPlaces(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "Müller": 6, "€": 2, "[a]": 5, "\n@x #1": 6, "¿Ñ?": 3} {
		if got, ok := gsm.Places(text); got != want || !ok {
			t.Errorf("%q takes %d places (%v), want %d", text, got, ok, want)
		}
	}
	for _, text := range []string{"`", "ç", "’", "ó", "東", "\xff", "\u00a0"} {
		if _, ok := gsm.Places(text); ok {
			t.Errorf("%q is not in the alphabet", text)
		}
	}
}

// TestCut: a cut name ends with a word, and an accent stays with its letter.
func TestCut(t *testing.T) {
	for _, tc := range []struct {
		name string
		most int
		want string
	}{
		{"one two three", 13, "one two three"}, {"one two three", 12, "one two"}, {"one two three", 7, "one two"}, {"one two three", 6, "one"}, {"onetwo", 4, "onet"},
		{"", 0, ""}, {"a", 0, ""}, {"a", -1, ""}, {"q\u0303q\u0303", 3, "q\u0303"}, {"🔒🔒", 3, "🔒"}, {"👩\u200d🔧", 4, "👩"},
	} {
		if got := gsm.Cut(tc.name, tc.most, gsm.Units); got != tc.want {
			t.Errorf("%q in %d units: %q, want %q", tc.name, tc.most, got, tc.want)
		}
	}
}

// FuzzFold: a folded name is in the alphabet, folds to itself, and a name of plain letters keeps
// each of them.
func FuzzFold(f *testing.F) {
	for _, name := range []string{"Müller’s Bank", "Łódź", "東京", "ﬁ", "\xff", "a\u0301"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got, ok := gsm.Fold(name)
		if !ok {
			return
		}
		if _, in := gsm.Places(got); !in {
			t.Errorf("%q became %q, which is outside of the alphabet", name, got)
		}
		if again, _ := gsm.Fold(got); again != got {
			t.Errorf("%q folds to %q, and that to %q", name, got, again)
		}
		letters := func(s string) int { return strings.Count(strings.Map(onlyLetters, s), "") }
		if letters(got) < letters(name) {
			t.Errorf("%q became %q, with fewer letters", name, got)
		}
	})
}

func onlyLetters(r rune) rune {
	if unicode.IsLetter(r) && !unicode.Is(unicode.Lm, r) { // a modifier letter may be an apostrophe
		return r
	}
	return -1
}
