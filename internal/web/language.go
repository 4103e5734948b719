package web

import (
	"maps"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// languages are the languages of the catalogue with their own names. The first is the default.
var languages = named(map[language.Tag]string{language.English: "English", language.German: "Deutsch", language.Spanish: "Español", language.French: "Français", language.Portuguese: "Português", language.Japanese: "日本語"})

type languageName struct{ code, name string }

func named(names map[language.Tag]string) []languageName {
	var list []languageName
	for _, t := range language.All {
		list = append(list, languageName{string(t), names[t]})
	}
	return list
}

// catalogue holds every text by language and key.
type catalogue map[string]map[string]string

// newCatalogue returns the built-in texts with some replaced. The caller has checked the
// replacements.
func newCatalogue(changed map[string]map[string]string) catalogue {
	c := catalogue{}
	for _, l := range languages {
		c[l.code] = maps.Clone(appearance.Texts()[l.code])
		maps.Copy(c[l.code], changed[l.code])
	}
	return c
}

// forKind returns the texts that a kind of pages uses. Fewer texts make smaller pages.
func (c catalogue) forKind(lang string, k kind) map[string]string {
	out := map[string]string{}
	for key, text := range c[lang] {
		family, _, _ := strings.Cut(key, ".")
		switch {
		case family == "dash" && k != kindDashboard, family == "dev" && k != kindDevelopment:
		case k != kindDashboard && k != kindDevelopment, frameFamilies[family]:
			out[key] = text
		case family == "dash" || family == "dev":
			out[key] = text
		}
	}
	return out
}

// frameFamilies are the families of texts that the dashboard and the development pages share with
// the other pages. A family is the first part of a text's key.
var frameFamilies = map[string]bool{"frame": true, "error": true, "button": true, "confirm": true, "password": true, "event": true, "device": true, "factor": true}
