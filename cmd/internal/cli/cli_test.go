package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/client"
)

// trial is a program whose commands end in every possible way.
type trial struct {
	Good        good        `cmd:"" help:"Succeed."`
	Bad         bad         `cmd:"" help:"Fail."`
	Misused     misused     `cmd:"" help:"Find the command line wrong."`
	Interrupted interrupted `cmd:"" help:"Get a signal."`
}

type (
	good        struct{}
	bad         struct{}
	misused     struct{}
	interrupted struct{}
)

func (good) Run() error    { return nil }
func (bad) Run() error     { return errors.New("bad") }
func (misused) Run() error { return errors.Join(errors.New("more"), Usagef("misused")) }

func (interrupted) Run(ctx context.Context) error {
	if err := syscall.Kill(syscall.Getpid(), syscall.SIGINT); err != nil {
		return err
	}
	<-ctx.Done()
	return ctx.Err()
}

func TestExitCodes(t *testing.T) {
	for args, want := range map[string]int{
		"good": 0, "bad": 1, "misused": 2, "interrupted": 130, "goo": 2, "good --no-such-flag": 2, "good --secret-key x": 2, "__complete go": 0,
	} {
		if got := (Program{Name: "trial"}).run(&trial{}, strings.Fields(args)); got != want {
			t.Errorf("%s exits with %d, want %d", args, got, want)
		}
	}
}

// TestExplain: errors of a connection say what to do.
func TestExplain(t *testing.T) {
	s := &Server{URL: "https://localhost:1"}
	for err, want := range map[error]string{
		fmt.Errorf("GET: %w", http.ErrSchemeMismatch): "https://localhost:1 answers without TLS: write http://",
		&client.Error{Status: 401}:                    ": set COUNTERSIGN_SECRET_KEY or --secret-key-file",
		&client.Error{Status: 404}:                    " answers 404",
	} {
		if got := s.Explain(err).Error(); !strings.HasSuffix(got, want) {
			t.Errorf("%q does not end with %q", got, want)
		}
	}
}

// TestProgress: a terminal shows the newest line in one place, at most five a second. A log gets a
// line every ten seconds.
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		terminal bool
		want     string
	}{
		{true, "\r\x1b[K10% of 0.0 MB\r\x1b[K90% of 0.0 MB\r\x1b[K"},
		{false, "90% of 0.0 MB\n"},
	} {
		var out bytes.Buffer
		at := time.Unix(0, 0)
		p := &Progress{out: &out, now: func() time.Time { return at }, terminal: c.terminal}
		p.wait()
		r := p.Reader(strings.NewReader("0123456789"), 10)
		for _, step := range []time.Duration{terminalPause, terminalPause - 1, 0, 0, 0, 0, 0, 0, logPause, 0} {
			at = at.Add(step)
			if _, err := io.CopyN(io.Discard, r, 1); err != nil {
				t.Fatal(err)
			}
		}
		p.End()
		if out.String() != c.want {
			t.Errorf("terminal %v: %q, want %q", c.terminal, &out, c.want)
		}
	}
}
