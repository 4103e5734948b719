// Package apierr is the one catalogue of errors that clients see: Clerk's codes, with their statuses and parameter names.
//
// An error outside the catalogue becomes a 500 without text, so nothing internal can leak through an answer.
package apierr

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"time"
)

// Code is a code of the wire protocol.
type Code string

// Error is one entry of the catalogue with what is particular to one answer. It is immutable: every method that adds
// something returns a copy.
type Error struct {
	entry *Entry
	meta  map[string]any
	retry time.Duration
}

// Entry is a row of the catalogue.
type Entry struct {
	Code   Code
	Status int
	// Message is short, LongMessage for people.
	Message, LongMessage string
	// When says, for the reference, in which case the error is answered.
	When string
}

// New returns the catalogue's error for a code. A code that is not in the catalogue gives the internal error.
func New(code Code) *Error {
	if e, ok := byCode[code]; ok {
		return &Error{entry: e}
	}
	return &Error{entry: byCode[InternalClerkError]}
}

// From returns the catalogue error inside err, or the internal error, which says nothing about err.
func From(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return New(InternalClerkError)
}

// Param names the parameter at fault, as meta.param_name.
func (e *Error) Param(name string) *Error { return e.With("param_name", name) }

// With adds an entry to the error's meta.
func (e *Error) With(key string, value any) *Error {
	c := *e
	c.meta = maps.Clone(e.meta)
	if c.meta == nil {
		c.meta = map[string]any{}
	}
	c.meta[key] = value
	return &c
}

// Retry says after how long the same request may succeed: the Retry-After header, in whole seconds, rounded up.
func (e *Error) Retry(after time.Duration) *Error {
	c := *e
	c.retry = after
	return &c
}

// Code is the error's code.
func (e *Error) Code() Code { return e.entry.Code }

// Status is the HTTP status.
func (e *Error) Status() int { return e.entry.Status }

// RetryAfter is what [Error.Retry] set, rounded up to whole seconds, or 0.
func (e *Error) RetryAfter() time.Duration {
	return (e.retry + time.Second - 1).Truncate(time.Second)
}

// Error returns code and status and nothing that a caller sent.
func (e *Error) Error() string {
	return fmt.Sprintf("%s (%d %s)", e.entry.Code, e.entry.Status, http.StatusText(e.entry.Status))
}

// Is makes errors.Is compare by code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.entry.Code == e.entry.Code
}

// Envelope is the body of an error answer.
type Envelope struct {
	Errors  []Body `json:"errors"`
	TraceID string `json:"clerk_trace_id"`
}

// Body is one error of an [Envelope].
type Body struct {
	Code        Code           `json:"code"`
	Message     string         `json:"message"`
	LongMessage string         `json:"long_message"`
	Meta        map[string]any `json:"meta"`
}

// Envelop puts an error into the body of its answer.
func (e *Error) Envelop(traceID string) Envelope {
	meta := maps.Clone(e.meta)
	if meta == nil {
		meta = map[string]any{}
	}
	return Envelope{TraceID: traceID, Errors: []Body{{e.entry.Code, e.entry.Message, e.entry.LongMessage, meta}}}
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
