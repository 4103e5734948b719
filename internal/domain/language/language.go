// Package language lists the supported languages and chooses one for an Accept-Language header.
package language

import (
	"slices"
	"strconv"
	"strings"
)

// A Tag is the two-letter code of a language (ISO 639-1).
type Tag string

// The languages.
const (
	English    Tag = "en"
	German     Tag = "de"
	Spanish    Tag = "es"
	French     Tag = "fr"
	Portuguese Tag = "pt"
	Japanese   Tag = "ja"
)

// All lists the supported languages, the default first.
var All = []Tag{English, German, Spanish, French, Portuguese, Japanese}

// maxHeader is the number of bytes of a header that are read. It bounds the work on hostile input.
const maxHeader = 500

// Preferred returns the supported language with the highest quality in an Accept-Language header
// (RFC 9110, section 12.5.4). Among equals the first one wins; without any it is the default.
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

// Known says whether a language is supported.
func Known(code string) bool {
	return slices.Contains(All, Tag(code))
}
