package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// TestPrompt: the operator is asked on standard error. A line is a code, an empty line or the end
// of the input none, and the wait ends with the time.
func TestPrompt(t *testing.T) {
	out := &strings.Builder{}
	p := newPrompt(strings.NewReader(" 123456 \n\n"), out, "88", time.Minute)
	for _, want := range []string{"123456", "", ""} {
		if code, err := p.code(t.Context()); err != nil || code.Reveal() != want {
			t.Errorf("%q and %v, want %q", code.Reveal(), err, want)
		}
	}
	if !strings.HasPrefix(out.String(), "Type the code that arrives at the number ending in 88 (within 1m0s") || strings.Contains(out.String(), "123456") {
		t.Error(out)
	}

	silent, end := io.Pipe()
	defer func() { _ = end.Close() }()
	ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
	defer stop()
	if code, err := newPrompt(silent, io.Discard, "88", time.Minute).code(ctx); !errors.Is(err, context.DeadlineExceeded) || !code.IsZero() {
		t.Errorf("%v without a line", err)
	}
}
