package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/ops/smoke"
)

type smokeCmd struct {
	cli.Target `embed:""`
	cli.JSON   `embed:""`
	SMS        string        `name:"sms" placeholder:"NUMBER" help:"Also send a real code to this number, and wait until you type it."`
	Wait       time.Duration `name:"sms-wait" default:"5m" placeholder:"TIME" help:"How long the code may take."`
}

// Help implements [kong.HelpProvider].
func (smokeCmd) Help() string {
	return `The user is deleted at the end, whatever happens.

  NAME smoke http://localhost:8080
  COUNTERSIGN_SECRET_KEY=… NAME smoke https://auth.example.com
  COUNTERSIGN_SECRET_KEY=… NAME smoke --sms +12015550123 https://auth.example.com`
}

// smokeStep is the JSON result of a step.
type smokeStep struct {
	Step  string `json:"step"`
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
}

// smokeArrival is the JSON result of a code that arrived.
type smokeArrival struct {
	Seconds float64 `json:"code_seconds"`
}

// smokeAdvice is a sentence on a code that did not arrive.
type smokeAdvice struct {
	Advice string `json:"advice"`
}

// e164 is the form of a number for --sms.
var e164 = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// Run tries a deployment with a throw-away user.
func (s *smokeCmd) Run(ctx context.Context) error {
	url, key, err := s.Resolve()
	if err != nil {
		return err
	}
	config := smoke.Config{URL: url, SecretKey: key, Now: time.Now, Done: func(step string, err error) {
		if err != nil {
			s.Print(smokeStep{Step: step, Error: s.Explain(err).Error()}, "FAILED  %s\n", step)
			return
		}
		s.Print(smokeStep{Step: step, OK: true}, "ok      %s\n", step)
	}}
	if s.SMS != "" {
		if config.SMS, err = s.text(os.Stdin, os.Stderr); err != nil {
			return err
		}
	}
	return s.Explain(smoke.Run(ctx, config))
}

// text returns the part of the run that sends a code, which the operator types into in.
func (s *smokeCmd) text(in io.Reader, prompt io.Writer) (*smoke.SMS, error) {
	if !e164.MatchString(s.SMS) {
		return nil, cli.Usagef("--sms takes a number with its country, such as +12015550123")
	}
	if s.Wait <= 0 {
		return nil, cli.Usagef("--sms-wait takes a time such as 5m")
	}
	typed := newPrompt(in, prompt, s.SMS[len(s.SMS)-2:], s.Wait)
	return &smoke.SMS{
		Number: s.SMS, Wait: s.Wait, Code: typed.code,
		Arrived: func(after time.Duration) {
			s.Print(smokeArrival{after.Seconds()}, "        the code took %.0f seconds, with typing\n", after.Seconds())
		},
		Advise: func(sentence string) { s.Print(smokeAdvice{sentence}, "        %s\n", sentence) },
	}, nil
}

// prompt asks the operator for codes.
type prompt struct {
	in     *bufio.Scanner
	out    io.Writer
	ending string // of the number
	wait   time.Duration
	again  bool
	lines  chan string
}

func newPrompt(in io.Reader, out io.Writer, ending string, wait time.Duration) *prompt {
	return &prompt{in: bufio.NewScanner(in), out: out, ending: ending, wait: wait, lines: make(chan string)}
}

// code returns the line that the operator types, or the zero value for an empty line and at the end
// of the input. A read cannot be stopped: after the end of ctx it waits until the process ends.
func (p *prompt) code(ctx context.Context) (secret.Value, error) {
	if !p.again {
		_, _ = fmt.Fprintf(p.out, "Type the code that arrives at the number ending in %s (within %v; an empty line if none does): ", p.ending, p.wait)
	} else {
		_, _ = fmt.Fprint(p.out, "That code is wrong. Type it again: ")
	}
	p.again = true
	go func() {
		line := ""
		if p.in.Scan() {
			line = strings.TrimSpace(p.in.Text())
		}
		select {
		case p.lines <- line:
		case <-ctx.Done():
		}
	}()
	select {
	case line := <-p.lines:
		return secret.New(line), nil
	case <-ctx.Done():
		_, _ = fmt.Fprintln(p.out)
		return secret.Value{}, ctx.Err()
	}
}
