package web_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// japaneseFonts are fonts with the characters of Japanese that each platform has. Sources: Apple,
// "Fonts included with macOS"; Microsoft, "Windows 10 font list"; fonts.xml of Android, family of
// lang "ja"; package fonts-noto-cjk of Debian.
var japaneseFonts = map[string][]string{
	"macOS, iOS": {"Hiragino Sans", "Hiragino Kaku Gothic ProN"},
	"Windows":    {"Yu Gothic UI", "Yu Gothic", "Meiryo"},
	"Android":    {"Noto Sans CJK JP"},
	"Linux":      {"Noto Sans CJK JP", "Noto Sans JP"},
}

// TestJapaneseHasItsFonts: the stack of Japanese names a font of each platform before every generic
// one. A generic font comes from the language of the system: Chinese shapes, or boxes.
func TestJapaneseHasItsFonts(t *testing.T) {
	sheet, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	stack := regexp.MustCompile(`--japanese: ([^;]+);`).FindSubmatch(sheet)
	if stack == nil {
		t.Fatal("no stack for Japanese")
	}
	var named []string
	for part := range strings.SplitSeq(string(stack[1]), ",") {
		font, quoted := strings.CutPrefix(strings.TrimSpace(part), `"`)
		if !quoted && font != "Meiryo" {
			break // a generic family
		}
		named = append(named, strings.TrimSuffix(font, `"`))
	}
	for platform, fonts := range japaneseFonts {
		if !slices.ContainsFunc(fonts, func(f string) bool { return slices.Contains(named, f) }) {
			t.Errorf("%s: the stack has none of %q: %q", platform, fonts, named)
		}
	}
	for _, rule := range []string{":root:lang(ja) { --text: var(--japanese); }", "[lang=ja] { font-family: var(--japanese);"} {
		if !strings.Contains(string(sheet), rule) {
			t.Errorf("no rule %s", rule)
		}
	}
}
