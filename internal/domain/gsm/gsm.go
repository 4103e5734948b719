// Package gsm measures and writes texts for SMS. A message in the alphabet GSM 03.38 (now 3GPP TS
// 23.038 section 6.2.1) carries 160 characters, any other one, in UCS-2, 70.
package gsm

import (
	"strings"
	"unicode"
	"unicode/utf16"

	"golang.org/x/text/unicode/norm"
)

const (
	// basic are the characters of the default alphabet. Each takes one place.
	basic = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?" +
		"¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
	// extended are the characters of the extension table. Each takes two places.
	extended = "\f^{}\\[~]|€"
)

// spellings have, after their first field, characters that the alphabet writes as that field. They
// are characters without a decomposition in Unicode (UAX 15). Greek is written in capitals, and a
// capital that looks like a Latin letter shares its place in the alphabet.
var spellings = parse(`
	' ’‘‚‛′` + "`" + `´ʻʼʽˈ‹›
	" “”„‟″«»〝〞
	- ‐‑‒–—―−⁃
	. ·•‧・
	/ ⁄∕
	| ¦
	x ×
	b ɓ
	B ƁΒβ
	d đðɗ
	D ĐÐƊ
	e əɛ
	E ƏƐΕε
	h ħ
	H ĦΗη
	i ı
	I Ιι
	k ĸƙ
	K ƘΚκ
	l ł
	L Ł
	n ŋ
	N ŊΝν
	o ɔ
	O ƆΟο
	t ŧ
	T ŦΤτ
	u µ
	y ƴ
	Y ƳΥυ
	oe œ
	OE Œ
	th þ
	Th Þ
	SS ẞ
	A Αα
	M Μμ
	P Ρρ
	X Χχ
	Z Ζζ
	Γ γ
	Δ δ
	Θ θ
	Λ λ
	Ξ ξ
	Π π
	Σ σς
	Φ φ
	Ψ ψ
	Ω ω
`)

func parse(lines string) map[rune]string {
	table := map[rune]string{}
	for line := range strings.Lines(lines) {
		if spelling, written, ok := strings.Cut(strings.TrimSpace(line), " "); ok {
			for _, r := range written {
				table[r] = spelling
			}
		}
	}
	return table
}

// Places returns how many places of a message the text takes. It reports false if a character is
// outside of the alphabet.
func Places(text string) (int, bool) {
	n := 0
	for _, r := range text {
		switch {
		case strings.ContainsRune(basic, r):
			n++
		case strings.ContainsRune(extended, r):
			n += 2
		default:
			return 0, false
		}
	}
	return n, true
}

// Fold writes a name in the alphabet: "Müller’s Łódź" becomes "Müller's Lodz". Signs without a
// spelling, such as emoji, are left out. It reports false if a letter or digit has no spelling, as
// in "東京".
func Fold(name string) (string, bool) {
	var out strings.Builder
	for _, r := range norm.NFC.String(name) {
		if !fold(&out, r) {
			return "", false
		}
	}
	return strings.Join(strings.Fields(out.String()), " "), true
}

// fold writes one character. It reports false if it is a letter or digit without a spelling.
func fold(out *strings.Builder, r rune) bool {
	if spell(out, r) {
		return true
	}
	known := true
	for _, part := range norm.NFKD.String(string(r)) {
		known = known && (spell(out, part) || !unicode.In(part, unicode.L, unicode.N))
	}
	return known
}

// spell writes a character of the alphabet, or one that has a spelling.
func spell(out *strings.Builder, r rune) bool {
	if _, ok := Places(string(r)); ok {
		out.WriteRune(r)
		return true
	}
	spelling, ok := spellings[r]
	out.WriteString(spelling)
	return ok
}

// Units returns the length in UCS-2. Most emoji have two units.
func Units(text string) int { return len(utf16.Encode([]rune(text))) }

// Composed returns a text whose letters and accents are one character where Unicode has one (NFC).
func Composed(text string) string { return norm.NFC.String(text) }

// Cut returns as much of a name as has the length at most: whole words, if the first one fits. It
// never parts a letter from its accents.
func Cut(name string, most int, length func(string) int) string {
	switch {
	case most <= 0:
		return ""
	case length(name) <= most:
		return name
	}
	end := 0
	for end < len(name) {
		next := end + norm.NFC.NextBoundaryInString(name[end:], true)
		if length(name[:next]) > most {
			break
		}
		end = next
	}
	if space := strings.LastIndexByte(name[:min(end+1, len(name))], ' '); space > 0 {
		end = space
	}
	return strings.TrimRight(name[:end], " \u200d")
}
