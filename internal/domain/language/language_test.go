package language_test

import (
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/language"
)

func TestPreferred(t *testing.T) {
	for name, c := range map[string]struct {
		header string
		want   language.Tag
	}{
		"nothing":              {"", language.English},
		"one":                  {"de", language.German},
		"a region":             {"es-MX", language.Spanish},
		"a region of French":   {"fr-CA", language.French},
		"Brazil":               {"pt-BR, pt;q=0.9, en;q=0.8", language.Portuguese},
		"the best of several":  {"nl, ja;q=0.5, de;q=0.9", language.German},
		"the first of equals":  {"ja,de", language.Japanese},
		"refused":              {"de;q=0", language.English},
		"broken quality":       {"de;q=much, es;q=0.1", language.Spanish},
		"a quality over one":   {"de;q=2", language.English},
		"capital letters":      {"DE-at", language.German},
		"far too long":         {strings.Repeat("x,", 10_000) + "de", language.English},
		"none that is spoken":  {"nl, it;q=0.8", language.English},
		"spaces around it all": {" ja ; q=0.3 , es ; q=0.8", language.Spanish},
	} {
		if got := language.Preferred(c.header); got != c.want {
			t.Errorf("%s: %q is %s, want %s", name, c.header, got, c.want)
		}
	}
}
