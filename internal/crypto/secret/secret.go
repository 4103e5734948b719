// Package secret holds text that must not be shown by accident: codes, keys, passwords, tokens.
//
// A [Value] always prints as "[secret]". Only [Value.Reveal] returns the text, so a search for that
// name finds every place where a secret is used.
package secret

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[secret]"

// Value is a text that cannot be printed by accident. The zero Value is the empty text.
//
// A Value prints as "[secret]" under every verb of [fmt], in [log/slog] and in JSON. Nothing
// decodes into a Value: read a secret into a string and wrap that with [New].
//
// Values do not compare with ==, which would stop at the first byte that differs: use
// [Value.Equal].
type Value struct {
	_ [0]func()
	// text is behind a pointer because fmt prints a Value in an unexported field, or under a verb that
	// it refuses, by its fields. It calls no method then, and prints an address.
	text *string
}

// New wraps text.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{text: &text}
}

// Reveal returns the text itself.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether the text is empty.
func (v Value) IsZero() bool { return v.text == nil }

// Equal reports whether both texts are the same. Its time depends on the lengths, but not on the
// content or on whether the lengths differ: it compares digests.
func (v Value) Equal(other Value) bool {
	a, b := sha256.Sum256([]byte(v.Reveal())), sha256.Sum256([]byte(other.Reveal()))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String implements [fmt.Stringer] and returns "[secret]".
func (v Value) String() string { return redacted }

// Format implements [fmt.Formatter]: every verb, flag and width prints "[secret]".
func (v Value) Format(state fmt.State, _ rune) {
	// A fmt.State takes no error; the caller of fmt sees its writer fail.
	_, _ = io.WriteString(state, redacted)
}

// LogValue implements [slog.LogValuer] and returns "[secret]".
func (v Value) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler], and through it JSON: it returns "[secret]" and
// never an error.
func (v Value) MarshalText() ([]byte, error) { return []byte(redacted), nil }
