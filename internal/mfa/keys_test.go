package mfa_test

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/session"
)

// keys are the published ones.
func (w *world) keys() []*session.Key {
	w.Helper()
	keys, err := w.PublishedKeys(w.Context())
	w.must(err)
	return keys
}

// kid is the header of a token, which holds its key's id.
func kid(token string) string { return strings.Split(token, ".")[0] }
