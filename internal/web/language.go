package web

import (
	"maps"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

// languages are those of the catalogue, the first one the default, each by its own name.
var languages = named(map[language.Tag]string{language.English: "English", language.German: "Deutsch", language.Spanish: "Español", language.Japanese: "日本語"})

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

// newCatalogue lays changed texts over the built-in ones. Whether they are known was checked where they came from.
func newCatalogue(changed map[string]map[string]string) catalogue {
	c := catalogue{}
	for _, l := range languages {
		c[l.code] = maps.Clone(appearance.Texts()[l.code])
		maps.Copy(c[l.code], changed[l.code])
	}
	return c
}

// forKind leaves out what a family of pages never says, to keep them small.
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

// frameFamilies are all that the dashboard and the development pages need besides their own.
var frameFamilies = map[string]bool{"frame": true, "error": true, "button": true, "confirm": true, "password": true, "event": true}
