package claims

import (
	"bytes"
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// User holds what shortcodes may name of a user. Private metadata is not among it: a token can be
// read by everyone who holds it.
type User struct {
	ID, ExternalID, Username, FirstName, LastName string
	PrimaryEmail, PrimaryPhone                    string
	EmailVerified, PhoneVerified, TwoFactor       bool
	Public, Unsafe                                json.RawMessage
}

// fields are the shortcodes. The names are Clerk's.
var fields = map[string]func(User) any{
	"user.id":                    func(u User) any { return u.ID },
	"user.external_id":           func(u User) any { return orNull(u.ExternalID) },
	"user.username":              func(u User) any { return orNull(u.Username) },
	"user.first_name":            func(u User) any { return orNull(u.FirstName) },
	"user.last_name":             func(u User) any { return orNull(u.LastName) },
	"user.full_name":             func(u User) any { return orNull(strings.TrimSpace(u.FirstName + " " + u.LastName)) },
	"user.primary_email_address": func(u User) any { return orNull(u.PrimaryEmail) },
	"user.primary_phone_number":  func(u User) any { return orNull(u.PrimaryPhone) },
	"user.email_verified":        func(u User) any { return u.EmailVerified },
	"user.phone_number_verified": func(u User) any { return u.PhoneVerified },
	"user.two_factor_enabled":    func(u User) any { return u.TwoFactor },
	"user.public_metadata":       func(u User) any { return objectOf(u.Public) },
	"user.unsafe_metadata":       func(u User) any { return objectOf(u.Unsafe) },
}

func orNull(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func objectOf(metadata json.RawMessage) any {
	if len(metadata) == 0 {
		return json.RawMessage("{}")
	}
	return metadata
}

// shortcode is what stands between {{ and }}: operands with || between them. Its value is that of
// the first operand that is not null, false, 0 or empty, else that of the last one.
type shortcode []operand

// operand is a field, perhaps with a path inside metadata, or a literal.
type operand struct {
	field   func(User) any // nil: a literal
	path    []string
	literal any
}

// mixed is a text with shortcodes in it: texts and shortcodes.
type mixed []any

var (
	between = regexp.MustCompile(`(?s)\{\{(.*?)\}\}`)
	pathTo  = regexp.MustCompile(`^(user\.(?:public|unsafe)_metadata)\.([\w-]+(?:\.[\w-]+)*)$`)
	number  = regexp.MustCompile(`^-?(?:0|[1-9]\d*)(?:\.\d+)?$`)
)

// parseText returns a text without shortcodes as it is, a text that is one shortcode as that, and
// any other text as mixed.
func parseText(text string) (any, error) {
	var parts mixed
	rest := 0
	for _, at := range between.FindAllStringSubmatchIndex(text, -1) {
		code, err := parseShortcode(text[at[2]:at[3]])
		if err != nil {
			return nil, err
		}
		if at[0] == 0 && at[1] == len(text) {
			return code, nil
		}
		parts = append(parts, text[rest:at[0]], code)
		rest = at[1]
	}
	if tail := text[rest:]; strings.Contains(tail, "{{") {
		return nil, wrong("A shortcode begins with {{ and ends with }}.")
	} else if len(parts) > 0 {
		return append(parts, tail), nil
	}
	return text, nil
}

func parseShortcode(text string) (shortcode, error) {
	var code shortcode
	for _, part := range operands(text) {
		parsed, err := parseOperand(strings.TrimSpace(part))
		if err != nil {
			return nil, err
		}
		code = append(code, parsed)
	}
	return code, nil
}

// operands splits a shortcode at each || outside quotes.
func operands(text string) []string {
	var found []string
	quoted, from := false, 0
	for i := range len(text) {
		switch {
		case text[i] == '\'':
			quoted = !quoted
		case !quoted && strings.HasPrefix(text[i:], "||") && i >= from:
			found, from = append(found, text[from:i]), i+2
		}
	}
	return append(found, text[from:])
}

func parseOperand(text string) (operand, error) {
	if get := fields[text]; get != nil {
		return operand{field: get}, nil
	}
	if m := pathTo.FindStringSubmatch(text); m != nil {
		return operand{field: fields[m[1]], path: strings.Split(m[2], ".")}, nil
	}
	switch inner := strings.TrimPrefix(text, "'"); {
	case text == "true", text == "false":
		return operand{literal: text == "true"}, nil
	case number.MatchString(text):
		return operand{literal: json.Number(text)}, nil
	case len(text) >= 2 && strings.HasSuffix(inner, "'") && strings.Count(text, "'") == 2 && inner != text:
		return operand{literal: strings.TrimSuffix(inner, "'")}, nil
	}
	return operand{}, wrong("The template has an unknown shortcode. docs/use/claims.md lists those that exist.")
}

func (code shortcode) value(of User) any {
	var v any
	for _, o := range code {
		if v = o.value(of); truthy(v) {
			return v
		}
	}
	return v
}

func (o operand) value(of User) any {
	if o.field == nil {
		return o.literal
	}
	v := o.field(of)
	for _, name := range o.path {
		var object map[string]json.RawMessage
		raw, _ := v.(json.RawMessage)
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		v = plain(object[name])
	}
	return v
}

// plain returns a JSON value as a Go value; an object and a list stay as they are.
func plain(raw json.RawMessage) any {
	switch {
	case len(raw) == 0:
		return nil
	case raw[0] == '{' || raw[0] == '[':
		return raw
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil
	}
	return v
}

func truthy(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	}
	return true
}

// Shortcodes returns the names of all shortcodes, sorted.
func Shortcodes() []string { return slices.Sorted(maps.Keys(fields)) }
