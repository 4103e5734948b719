// Package apierr is the catalogue of errors that clients see: Clerk's codes with their messages.
//
// The API answers an error outside the catalogue as an internal error without text, so no internal
// detail can leak through an answer.
package apierr

import (
	"cmp"
	"errors"
	"maps"
	"time"
)

// Code is an error code of Clerk's wire protocol.
type Code string

// Error is an entry of the catalogue with the details of one answer. It is immutable: methods that
// add a detail return a copy.
type Error struct {
	entry *Entry
	long  string
	meta  map[string]any
	retry time.Duration
}

// Entry is a row of the catalogue.
type Entry struct {
	Code Code
	// Message is short. LongMessage is for users.
	Message, LongMessage string
	// When states the cause of the error, for docs/use/errors.md.
	When string
}

// New returns the catalogue's error for a code, or the internal error for an unknown code.
func New(code Code) *Error {
	if e, ok := byCode[code]; ok {
		return &Error{entry: e}
	}
	return &Error{entry: byCode[InternalClerkError]}
}

// From returns the catalogue's error inside err, or the internal error, which tells nothing of err.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(InternalClerkError)
}

// Param names the parameter at fault, as meta.param_name.
func (e *Error) Param(name string) *Error { return e.With("param_name", name) }

// Explain replaces the message for users by a sentence that says what is right. The sentence quotes
// no value that the caller sent.
func (e *Error) Explain(sentence string) *Error {
	c := *e
	c.long = sentence
	return &c
}

// With adds an entry to the error's meta.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.meta = e.Meta()
	c.meta[key] = value
	return &c
}

// Retry sets the time after which the same request may succeed: the header Retry-After.
func (e *Error) Retry(after time.Duration) *Error {
	c := *e
	c.retry = after
	return &c
}

// Code returns the error's code.
func (e *Error) Code() Code { return e.entry.Code }

// Message returns the short message.
func (e *Error) Message() string { return e.entry.Message }

// LongMessage returns the message for users.
func (e *Error) LongMessage() string { return cmp.Or(e.long, e.entry.LongMessage) }

// Meta returns a copy of the details that were added, never nil.
func (e *Error) Meta() map[string]any {
	if e.meta == nil {
		return map[string]any{}
	}
	return maps.Clone(e.meta)
}

// RetryAfter returns the time that [Error.Retry] set, rounded up to whole seconds, or 0.
func (e *Error) RetryAfter() time.Duration {
	return (e.retry + time.Second - 1).Truncate(time.Second)
}

// Error returns the code alone, so that a log holds nothing that a caller sent.
func (e *Error) Error() string { return string(e.entry.Code) }

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.entry.Code == e.entry.Code
}

// All returns the catalogue, in the order of the reference.
func All() []Entry { return append([]Entry(nil), catalogue...) }

var byCode = func() map[Code]*Entry {
	m := make(map[Code]*Entry, len(catalogue))
	for i := range catalogue {
		m[catalogue[i].Code] = &catalogue[i]
	}
	return m
}()
