package web

import (
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
)

// markup is HTML that needs no more escaping. A constant in the source is markup. [text], [link]
// and [jsonData] make markup of a string, which the compiler does not accept in its place.
//
// The pages do not use html/template. Its reflection keeps the exported methods of every type in
// the binary, so the function of the pages would have 17 MB in place of 10.
type markup string

// text escapes a value for the text of an element, or for an attribute in double quotes.
func text(s string) markup { return markup(html.EscapeString(s)) }

// link escapes the target of a link or a picture. It returns "#" for a scheme that can run a
// script: only https, http and mailto are known to be safe.
func link(target string) markup {
	u, err := url.Parse(target)
	if err != nil || !slices.Contains([]string{"", "https", "http", "mailto"}, u.Scheme) {
		return "#"
	}
	return text(target)
}

// jsonData returns a value for a script element of the type application/json. The encoder writes <,
// > and & as \u003c and so on, so the text cannot end the element.
func jsonData(v any) (markup, error) {
	encoded, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("data of a page: %w", err)
	}
	return markup(encoded), nil
}

// when returns what a condition adds, or nothing.
func when(condition bool, then ...markup) markup {
	if !condition {
		return ""
	}
	return join(then...)
}

// each returns the markup of every item.
func each[T any](items []T, of func(T) markup) markup {
	var b strings.Builder
	for _, item := range items {
		b.WriteString(string(of(item)))
	}
	return markup(b.String())
}

func join(parts ...markup) markup {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(string(part))
	}
	return markup(b.String())
}
