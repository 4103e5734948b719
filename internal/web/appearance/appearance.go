// Package appearance holds what an operator can change in the pages: name, logo, colour, support
// link and texts. It also holds the catalogue of built-in texts.
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

// Appearance is the customization of the pages. An empty field keeps the default.
type Appearance struct {
	Name string `json:"name,omitempty"`
	// Logo is a path of the pages' origin or an https URL of a square picture. The default is
	// Countersign's mark.
	Logo string `json:"logo,omitempty"`
	// Accent is a colour as #rrggbb. The pages make it lighter or darker where text would be
	// unreadable.
	Accent string `json:"accent,omitempty"`
	// Support is an https or mailto link to the operator's support.
	Support string `json:"support,omitempty"`
	// Texts replace texts of the catalogue, by language and key.
	Texts map[string]map[string]string `json:"texts,omitempty"`
}

// The limits of an appearance, in characters. maxJSONBytes limits an appearance in the settings,
// which every process reads every few seconds.
const (
	maxNameLength = 40
	maxLinkLength = 500
	maxTextLength = 500
	maxJSONBytes  = 8 << 10
)

// Error is a field of an appearance that is not valid, and the reason.
type Error struct {
	Field  string // as in the JSON: "accent", "texts.en.signin.text"
	Reason string
}

func (e *Error) Error() string { return "appearance: " + e.Field + " " + e.Reason }

var colourForm = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// Check returns an [*Error] for the first field that is not valid, or nil. It is not a method,
// because reflection keeps methods in a program, and this one would bring the catalogue with it.
func Check(b Appearance) error {
	for _, rule := range []struct {
		field  string
		ok     bool
		reason string
	}{
		// In an otpauth URI a colon ends the issuer (Key URI Format).
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

// Parse reads an appearance from a request and checks it. Its size as JSON is limited, unlike that
// of an operator's file. Errors are of type [*Error].
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

// LogoOrigin returns the origin that a page must allow images from, or "" for the page's own.
func (a Appearance) LogoOrigin() string {
	u, err := url.Parse(a.Logo)
	if err != nil || u.Host == "" {
		return ""
	}
	return "https://" + u.Host
}

// Override returns an appearance with the fields of a, and those of under where a has none.
func (a Appearance) Override(under Appearance) Appearance {
	for _, f := range []struct{ to, from *string }{{&under.Name, &a.Name}, {&under.Logo, &a.Logo}, {&under.Accent, &a.Accent}, {&under.Support, &a.Support}} {
		if *f.from != "" {
			*f.to = *f.from
		}
	}
	texts := map[string]map[string]string{}
	for _, layer := range []map[string]map[string]string{under.Texts, a.Texts} {
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

// hostForm excludes characters with a meaning in a Content-Security-Policy, such as spaces and
// semicolons.
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

// checkTexts returns an [*Error] for the first text that is not valid, in the order of the keys.
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

// checkText returns what is wrong with a text, or "". Its key must be in the catalogue, and its
// placeholders in the original: the page would show any other as {name}.
func checkText(lang, key, text string) string {
	original, ok := Texts()[lang][key]
	if !ok {
		return "is no text of the pages"
	}
	if !isLine(text, maxTextLength) {
		return "is not a line of at most 500 characters"
	}
	known := placeholder.FindAllString(original, -1)
	for _, p := range placeholder.FindAllString(text, -1) {
		if !slices.Contains(known, p) {
			return "names " + p + ", which the page does not fill"
		}
	}
	return ""
}

// DropUnknownTexts removes the texts that are not valid in this version. They may be of another
// version.
func DropUnknownTexts(b Appearance) Appearance {
	texts := map[string]map[string]string{}
	for lang, list := range b.Texts {
		texts[lang] = maps.Clone(list)
		maps.DeleteFunc(texts[lang], func(key, text string) bool { return checkText(lang, key, text) != "" })
	}
	b.Texts = texts
	return b
}
