// Package appearance is what a team makes its own of the pages: a name, a logo, a colour, a support link and texts. It also holds the texts that the pages
// say as long as nobody changes them.
package appearance

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Appearance is how the pages look, whom they name and what they say. What is empty stays as it is without.
type Appearance struct {
	Name string `json:"name,omitempty"`
	// Logo is a path of the pages' origin or an https URL of a square picture. A mark of our own stands in for it.
	Logo string `json:"logo,omitempty"`
	// Accent is a colour as #rrggbb. Texts on and in it are made dark or light enough to be read.
	Accent string `json:"accent,omitempty"`
	// Support is where people who are stuck find help: an https or mailto link.
	Support string `json:"support,omitempty"`
	// Texts replace texts of the catalogue: language, key, text.
	Texts map[string]map[string]string `json:"texts,omitempty"`
}

// The most that an appearance may hold, in characters, and as JSON when it is part of the settings, which every process reads every few seconds.
const (
	maxNameLength = 40
	maxLinkLength = 500
	maxTextLength = 500
	maxJSONBytes  = 8 << 10
)

// Error says what is wrong with an appearance, and with which part.
type Error struct {
	Field  string // as in the JSON: "accent", "texts.en.signin.text"
	Reason string
}

func (e *Error) Error() string { return "appearance: " + e.Field + " " + e.Reason }

var colourForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Check says the first thing that is wrong: an [*Error], or nil. As a method, and so within reach of reflection, it would put all texts into every program
// that knows the type.
func Check(b Appearance) error {
	for _, rule := range []struct {
		field  string
		ok     bool
		reason string
	}{
		// A colon would end the name where an authenticator app reads it.
		{"name", b.Name == "" || isLine(b.Name, maxNameLength) && !strings.Contains(b.Name, ":"), "is not a line of at most 40 characters without a colon"},
		{"logo", isLogo(b.Logo), "is neither a path nor an https URL"},
		{"accent", b.Accent == "" || colourForm.MatchString(b.Accent), "is not a colour of the form #rrggbb"},
		{"support", isSupport(b.Support), "is neither an https nor a mailto link"},
	} {
		if !rule.ok {
			return &Error{rule.field, rule.reason}
		}
	}
	return checkTexts(b.Texts)
}

// Parse reads an appearance that comes with a request. Unlike a file of the operator's it is bounded as a whole.
func Parse(raw []byte) (Appearance, error) {
	var b Appearance
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&b); err != nil {
		return Appearance{}, &Error{"", "is not an object of name, logo, accent, support and texts"}
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Appearance{}, &Error{"", "is more than one object"}
	}
	if kept, err := json.Marshal(b); err != nil || len(kept) > maxJSONBytes {
		return Appearance{}, &Error{"texts", "are more than 8 KB together"}
	}
	return b, Check(b)
}

// LogoOrigin is the origin that a page must allow pictures from, or "" for its own.
func (b Appearance) LogoOrigin() string {
	u, err := url.Parse(b.Logo)
	if err != nil || u.Host == "" {
		return ""
	}
	return "https://" + u.Host
}

// Override lays b over another appearance: what b names counts.
func (b Appearance) Override(under Appearance) Appearance {
	for _, f := range []struct{ to, from *string }{{&under.Name, &b.Name}, {&under.Logo, &b.Logo}, {&under.Accent, &b.Accent}, {&under.Support, &b.Support}} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	texts := map[string]map[string]string{}
	for _, layer := range []map[string]map[string]string{under.Texts, b.Texts} {
		for lang, list := range layer {
			if texts[lang] == nil {
				texts[lang] = map[string]string{}
			}
			maps.Copy(texts[lang], list)
		}
	}
	under.Texts = texts
	return under
}

func isLine(s string, most int) bool {
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= most && strings.TrimSpace(s) != "" && !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) })
}

// hostForm keeps what a policy header gives a meaning of its own, such as spaces and semicolons, out of the logo's origin.
var hostForm = regexp.MustCompile(`^[A-Za-z0-9.-]+(:[0-9]{1,5})?$`)

func isLogo(logo string) bool {
	if logo == "" {
		return true
	}
	u, err := url.Parse(logo)
	if err != nil || !isLine(logo, maxLinkLength) || strings.ContainsAny(logo, " \\") {
		return false
	}
	ours := u.Scheme == "" && u.Host == "" && strings.HasPrefix(logo, "/") && !strings.HasPrefix(logo, "//")
	return ours || u.Scheme == "https" && u.User == nil && hostForm.MatchString(u.Host)
}

func isSupport(link string) bool {
	if link == "" {
		return true
	}
	u, err := url.Parse(link)
	if err != nil || !isLine(link, maxLinkLength) || u.User != nil {
		return false
	}
	return u.Scheme == "https" && hostForm.MatchString(u.Host) || u.Scheme == "mailto" && strings.Contains(u.Opaque, "@")
}

var placeholder = regexp.MustCompile(`\{\w+\}`)

// checkTexts says the first text that is wrong, in the order of the keys.
func checkTexts(changed map[string]map[string]string) error {
	for _, lang := range slices.Sorted(maps.Keys(changed)) {
		for _, key := range slices.Sorted(maps.Keys(changed[lang])) {
			if reason := checkText(lang, key, changed[lang][key]); reason != "" {
				return &Error{"texts." + lang + "." + key, reason}
			}
		}
	}
	return nil
}

// checkText holds a text to the catalogue's keys and to the places that it fills: a place that a page does not fill would be shown as it stands.
func checkText(lang, key, text string) string {
	original, ok := Texts()[lang][key]
	if !ok {
		return "is no text of the pages"
	}
	if !isLine(text, maxTextLength) {
		return "is not a line of at most 500 characters"
	}
	places := placeholder.FindAllString(original, -1)
	for _, place := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(places, place) {
			return "names " + place + ", which the page does not fill"
		}
	}
	return ""
}

// DropUnknownTexts leaves out texts that this version of the pages does not have. They were right when they were written, perhaps for another version.
func DropUnknownTexts(b Appearance) Appearance {
	texts := map[string]map[string]string{}
	for lang, list := range b.Texts {
		texts[lang] = maps.Clone(list)
		maps.DeleteFunc(texts[lang], func(key, text string) bool { return checkText(lang, key, text) != "" })
	}
	b.Texts = texts
	return b
}
