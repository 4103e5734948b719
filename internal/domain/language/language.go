// Package language knows the languages that Countersign speaks, and which of them somebody prefers.
package language

import (
	"slices"
	"strconv"
	"strings"
)

// A Tag is a language's two letters (ISO 639-1).
type Tag string

// The languages.
const (
	English  Tag = "en"
	German   Tag = "de"
	Spanish  Tag = "es"
	Japanese Tag = "ja"
)

// All are the languages, the default one first.
var All = []Tag{English, German, Spanish, Japanese}

// maxHeader bounds the work on hostile input.
const maxHeader = 500

// Preferred chooses by an Accept-Language header (RFC 9110, section 12.5.4): the highest quality first, the first named among equals.
func Preferred(header string) Tag {
	best, quality := All[0], 0.0
	for _, item := range strings.Split(header[:min(len(header), maxHeader)], ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(item), ";")
		code, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(tag)), "-")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.ReplaceAll(parameters, " ", ""), "q="); ok {
			given, err := strconv.ParseFloat(text, 64)
			if err != nil {
				continue
			}
			q = given
		}
		if Known(code) && q > quality && q <= 1 {
			best, quality = Tag(code), q
		}
	}
	return best
}

// Known says whether Countersign speaks a language.
func Known(code string) bool {
	return slices.Contains(All, Tag(code))
}
