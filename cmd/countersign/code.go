package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/countersign-mfa/countersign/cmd/internal/cli"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// codeCmd shows the codes of an authenticator app.
type codeCmd struct {
	At       time.Time `placeholder:"TIME" help:"Moment of the code, as in 2026-01-02T03:04:05Z; now when left out."`
	Secret   []string  `arg:"" optional:"" hidden:""`
	cli.JSON `embed:""`
}

// Help implements [kong.HelpProvider].
func (codeCmd) Help() string {
	return `The secret is the one in base 32 that a person would type into an authenticator app.

  NAME code < secret.txt`
}

// AfterApply refuses a secret that is an argument. kong calls it.
func (c *codeCmd) AfterApply() error {
	if len(c.Secret) > 0 {
		return errors.New("a secret is no argument, because every process of this machine can read arguments: give it on standard input")
	}
	return nil
}

// shownCode is the JSON result.
type shownCode struct {
	Code      string    `json:"code"`
	ExpiresAt time.Time `json:"expires_at"`
}

// Run prints the code.
func (c *codeCmd) Run() error {
	if cli.Terminal(os.Stdin) {
		fmt.Fprint(os.Stderr, "secret: ")
	}
	in := bufio.NewScanner(os.Stdin)
	if !in.Scan() {
		return errors.New("give the authenticator secret on standard input")
	}
	key, err := totp.ParseSecret(in.Text())
	if err != nil {
		return errors.New("that is not an authenticator secret in base 32")
	}
	if c.At.IsZero() {
		c.At = time.Now()
	}
	text, err := totp.Code(key, c.At)
	if err != nil {
		return fmt.Errorf("compute code: %w", err)
	}
	c.Print(shownCode{text, c.At.UTC().Truncate(totp.Period).Add(totp.Period)}, "%s\n", text)
	return nil
}
