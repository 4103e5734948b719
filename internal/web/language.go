package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// languages are those of the catalogue, the first one the default, each by its own name.
var languages = []struct{ code, name string }{{"en", "English"}, {"de", "Deutsch"}, {"es", "Español"}, {"ja", "日本語"}}

//go:embed texts/*.json
var textFiles embed.FS

// catalogue holds every text by language and key.
type catalogue map[string]map[string]string

func newCatalogue(changed map[string]map[string]string) (catalogue, error) {
	c := catalogue{}
	for _, l := range languages {
		raw, err := textFiles.ReadFile("texts/" + l.code + ".json")
		if err != nil {
			return nil, fmt.Errorf("web: texts: %w", err)
		}
		texts := map[string]string{}
		if err := json.Unmarshal(raw, &texts); err != nil {
			return nil, fmt.Errorf("web: texts of %s: %w", l.code, err)
		}
		c[l.code] = texts
	}
	for lang, texts := range changed {
		known, ok := c[lang]
		if !ok {
			return nil, fmt.Errorf("web: there are no texts in %q to change", lang)
		}
		for key := range texts {
			if _, ok := known[key]; !ok {
				return nil, fmt.Errorf("web: there is no text %q", key)
			}
		}
		maps.Copy(known, texts)
	}
	return c, nil
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
var frameFamilies = map[string]bool{"frame": true, "error": true, "button": true, "confirm": true, "password": true}

// preferred chooses by an Accept-Language header: the highest quality first, the first named among equals.
func (c catalogue) preferred(header string) string {
	best, quality := languages[0].code, 0.0
	for _, item := range strings.Split(header[:min(len(header), 500)], ",") {
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
		if _, ok := c[code]; ok && q > quality && q <= 1 {
			best, quality = code, q
		}
	}
	return best
}
