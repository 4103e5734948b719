package web

import (
	"os"
	"regexp"
	"testing"
)

// TestChartColours: the series of a chart differ in lightness, so that print, greyscale and every
// kind of colour blindness keep them apart. Neighbours differ twice as much.
// WCAG 2.2 (1.4.11) asks for a contrast of 3 between a graphic and its ground.
// https://www.w3.org/TR/WCAG22/#non-text-contrast
func TestChartColours(t *testing.T) {
	const againstGround, step, neighbours = 3.0, 1.35, 1.9
	text, err := os.ReadFile("assets/style.css")
	if err != nil {
		t.Fatal(err)
	}
	colours := func(name string) (out []rgb) { // of the light scheme, then of the dark one
		for _, m := range regexp.MustCompile(`--`+name+`: (#[0-9a-f]{3,6});`).FindAllStringSubmatch(string(text), -1) {
			form := m[1]
			if len(form) == 4 {
				form += form[1:]
			}
			c, err := parseColour(form)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, c)
		}
		return out
	}
	ground := colours("surface")
	var series [][]rgb
	for _, name := range []string{"s1", "s2", "s3", "s4", "s5", "s6"} {
		both := colours(name)
		if len(both) != 2 {
			t.Fatalf("%s has %d colours, want one of each scheme", name, len(both))
		}
		series = append(series, both)
	}
	for scheme, name := range []string{"light", "dark"} {
		for i, a := range series {
			if got := contrast(a[scheme], ground[scheme]); got < againstGround {
				t.Errorf("%s: s%d has a contrast of %.2f to its ground", name, i+1, got)
			}
			for j := range i {
				want := step
				if i == j+1 {
					want = neighbours
				}
				if got := contrast(a[scheme], series[j][scheme]); got < want {
					t.Errorf("%s: s%d and s%d have a contrast of %.2f, want %v", name, j+1, i+1, got, want)
				}
			}
		}
	}
}
