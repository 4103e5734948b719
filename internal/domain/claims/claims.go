// Package claims makes the claims that a team adds to session tokens from a template: a JSON object
// whose texts may hold Clerk's shortcodes, as in {"role": "{{user.public_metadata.role}}"}.
package claims

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxBytes limits a template, and the claims that it makes. Clerk allows 1.2 KB: with more, a
// session cookie may pass the 4 KB that browsers keep (RFC 6265 section 6.1).
const MaxBytes = 1200

// reserved are the claims that a template may not have: those of session tokens, those that Clerk's
// SDKs read for organizations, plans and impersonation, and that of a handshake.
var reserved = []string{
	"iss", "sub", "sid", "iat", "nbf", "exp", "azp", "fva", "sts", "v", "jti", "aud", "act", "o", "pla", "fea",
	"org_id", "org_role", "org_slug", "org_permissions", "handshake", "nonce",
}

// Reserved reports whether a template may not have a claim. Case does not matter, because some
// readers of JSON ignore it (encoding/json of Go).
func Reserved(name string) bool {
	return slices.ContainsFunc(reserved, func(own string) bool { return strings.EqualFold(own, name) })
}

// ErrTooLarge is the error for claims of more than [MaxBytes].
var ErrTooLarge = errors.New("claims: more than 1200 bytes")

// Error says what is wrong with a template, in a sentence for its author.
type Error struct{ Sentence string }

// Error returns the sentence.
func (e *Error) Error() string { return e.Sentence }

func wrong(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// Template is a parsed template. It is immutable.
type Template struct{ fields map[string]any }

// Parse reads a template. The error is an [Error].
func Parse(text []byte) (*Template, error) {
	if len(text) > MaxBytes {
		return nil, wrong("A template has at most %d bytes.", MaxBytes)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // numbers keep their digits
	var fields map[string]any
	if err := d.Decode(&fields); err != nil || fields == nil {
		return nil, wrong("A template is a JSON object.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, wrong("A template is one JSON object.")
	}
	for name := range fields {
		if Reserved(name) {
			return nil, wrong("These claims have a meaning of their own in session tokens: %s.", strings.Join(reserved, ", "))
		}
	}
	parsed, err := parseValue(fields)
	if err != nil {
		return nil, err
	}
	return &Template{parsed.(map[string]any)}, nil
}

// parseValue replaces each text of a JSON value that has shortcodes by its parts.
func parseValue(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return parseText(v)
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			parsed, err := parseValue(item)
			if err != nil {
				return nil, err
			}
			out[i] = parsed
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			parsed, err := parseValue(item)
			if err != nil {
				return nil, err
			}
			out[name] = parsed
		}
		return out, nil
	}
	return v, nil
}

// Claims returns the claims of a user as a JSON object, or [ErrTooLarge].
func (t *Template) Claims(of User) (json.RawMessage, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // the limit is in bytes
	if err := e.Encode(fill(t.fields, of)); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	claims := bytes.TrimSpace(out.Bytes())
	if len(claims) > MaxBytes {
		return nil, ErrTooLarge
	}
	return claims, nil
}

// fill replaces the shortcodes of a parsed value by values of a user.
func fill(v any, of User) any {
	switch v := v.(type) {
	case shortcode:
		return v.value(of)
	case mixed:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(textOf(fill(part, of)))
		}
		return b.String()
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = fill(item, of)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, item := range v {
			out[name] = fill(item, of)
		}
		return out
	}
	return v
}

// textOf returns a value inside a longer text: null is empty, an object is JSON.
func textOf(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case json.RawMessage:
		return string(v)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(data)
}
