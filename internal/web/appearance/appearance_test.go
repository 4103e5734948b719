package appearance_test

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/web/appearance"
)

func TestCheck(t *testing.T) {
	long := strings.Repeat("x", 501)
	for given, want := range map[string]string{ // an appearance, and the field that is wrong
		`{}`: "", `{"name":"Größe 東京","accent":"#0F766e","logo":"/logo.svg","support":"mailto:help@example.com?subject=Hi"}`: "",
		`{"logo":"https://cdn.example.com:8443/l.svg?v=1","support":"https://help.example.com/"}`: "",
		`{"texts":{"en":{"signin.text":"Hello."},"ja":{"frame.step":"{of} {at}"}}}`:               "",
		`{"name":" "}`: "name", `{"name":"a\nb"}`: "name", `{"name":"Bank: safe"}`: "name", `{"name":"` + strings.Repeat("é", 41) + `"}`: "name",
		"{\"name\":\"a\\u202eb\"}": "name",
		`{"accent":"red"}`:         "accent", `{"accent":"#fff"}`: "accent", `{"accent":"#00000g"}`: "accent", `{"accent":"#000000;}"}`: "accent",
		`{"logo":"http://example.com/l.svg"}`: "logo", `{"logo":"//evil.example/l.svg"}`: "logo", `{"logo":"data:image/png,x"}`: "logo", `{"logo":"javascript:1"}`: "logo",
		`{"logo":"https://a.example; script-src *"}`: "logo", `{"logo":"https://a.example;script-src/x"}`: "logo", `{"logo":"https://user@a.example/x"}`: "logo",
		`{"logo":"/\\evil.example"}`: "logo", `{"logo":"logo.svg"}`: "logo", `{"logo":"https://*/x"}`: "logo", `{"logo":"https:///x"}`: "logo", `{"logo":"/` + long + `"}`: "logo",
		`{"support":"javascript:alert(1)"}`: "support", `{"support":"http://example.com"}`: "support", `{"support":"mailto:nobody"}`: "support", `{"support":"/help"}`: "support",
		`{"texts":{"nl":{"signin.text":"Hoi."}}}`: "texts.nl.signin.text", `{"texts":{"en":{"signin.nothing":"x"}}}`: "texts.en.signin.nothing",
		`{"texts":{"en":{"signin.text":""}}}`: "texts.en.signin.text", `{"texts":{"en":{"signin.text":"` + long + `"}}}`: "texts.en.signin.text",
		`{"texts":{"en":{"signin.text":"Hello {who}."}}}`: "texts.en.signin.text",
		`{"font":"serif"}`: "", `{"name":1}`: "", `[]`: "", `{} {}`: "", `{"name":"A"}x`: "",
	} {
		_, err := appearance.Parse([]byte(given))
		refused := strings.Contains(given, "font") || strings.Contains(given, ":1}") || strings.HasPrefix(given, "[") || strings.HasPrefix(given, "{} ") || strings.HasSuffix(given, "x")
		e := (*appearance.Error)(nil)
		switch {
		case want == "" && !refused && err != nil:
			t.Errorf("%s: %v", given, err)
		case (want != "" || refused) && (!errors.As(err, &e) || e.Field != want):
			t.Errorf("%s: %v, want %q to be wrong", given, err, want)
		}
	}
}

// TestAnAppearanceIsBounded: the size is limited in the settings, which every process reads often.
func TestAnAppearanceIsBounded(t *testing.T) {
	list := map[string]string{}
	for key := range appearance.Texts()["en"] {
		if strings.HasPrefix(key, "error.") && !strings.Contains(appearance.Texts()["en"][key], "{") {
			list[key] = strings.Repeat("x", 400)
		}
	}
	b := appearance.Appearance{Texts: map[string]map[string]string{"en": list}}
	raw, err := json.Marshal(b)
	if err != nil || len(raw) < 9<<10 {
		t.Fatalf("%d bytes, %v", len(raw), err)
	}
	if err := appearance.Check(b); err != nil {
		t.Errorf("a file of the operator's may be long: %v", err)
	}
	if _, err := appearance.Parse(raw); err == nil {
		t.Errorf("%d bytes are taken", len(raw))
	}
}

func TestOver(t *testing.T) {
	deployed := appearance.Appearance{Name: "Deployed", Logo: "/l.svg", Accent: "#111111", Texts: map[string]map[string]string{"en": {"signin.text": "a", "signin.title": "b"}}}
	set := appearance.Appearance{Name: "Set", Texts: map[string]map[string]string{"en": {"signin.text": "c"}, "de": {"signin.text": "d"}}}
	want := appearance.Appearance{Name: "Set", Logo: "/l.svg", Accent: "#111111", Texts: map[string]map[string]string{"en": {"signin.text": "c", "signin.title": "b"}, "de": {"signin.text": "d"}}}
	if diff := cmp.Diff(want, set.Override(deployed)); diff != "" {
		t.Error(diff)
	}
	if deployed.Texts["en"]["signin.text"] != "a" || set.Texts["en"]["signin.title"] != "" {
		t.Error("one of the two was changed")
	}
}

// TestDropUnknownTexts: a text that a later version no longer has must not invalidate the
// appearance.
func TestDropUnknownTexts(t *testing.T) {
	b := appearance.Appearance{Name: "A", Texts: map[string]map[string]string{"en": {"signin.text": "Hi.", "signin.gone": "x"}, "xx": {"signin.text": "x"}}}
	known := appearance.DropUnknownTexts(b)
	if err := appearance.Check(known); err != nil || known.Name != "A" || !maps.Equal(known.Texts["en"], map[string]string{"signin.text": "Hi."}) {
		t.Errorf("%+v, %v", known, err)
	}
	if len(b.Texts["en"]) != 2 {
		t.Error("the original was changed")
	}
}

// FuzzParse: a valid value has no character with a meaning in a policy header or a style sheet.
func FuzzParse(f *testing.F) {
	f.Add(`{"logo":"https://cdn.example.com/l.svg","accent":"#0f766e"}`)
	f.Add(`{"logo":"https://a.example; script-src *"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		b, err := appearance.Parse([]byte(raw))
		if err != nil {
			return
		}
		if strings.ContainsAny(b.LogoOrigin()+b.Accent, " ;,'\"(){}\n\\*") {
			t.Errorf("%q passes with %q and %q", raw, b.LogoOrigin(), b.Accent)
		}
		if again, err := json.Marshal(b); err != nil || len(again) > 8<<10 {
			t.Errorf("%q becomes %d bytes, %v", raw, len(again), err)
		}
	})
}

// TestNoTextStandsTwice: a file has no key twice, because the second would replace the first.
func TestNoTextStandsTwice(t *testing.T) {
	for lang := range appearance.Texts() {
		raw, err := os.ReadFile("texts/" + lang + ".json")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, m := range regexp.MustCompile(`(?m)^ "([^"]+)": `).FindAllStringSubmatch(string(raw), -1) {
			if seen[m[1]] {
				t.Errorf("%s says %s twice", lang, m[1])
			}
			seen[m[1]] = true
		}
		if len(seen) != len(appearance.Texts()[lang]) {
			t.Errorf("%d lines of %s hold %d texts", len(seen), lang, len(appearance.Texts()[lang]))
		}
	}
}
