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
	At       moment `placeholder:"TIME" help:"Moment of the code, as in 2026-01-02T03:04:05Z; now when left out."`
	cli.JSON `embed:""`
}

// Help implements [kong.HelpProvider].
func (codeCmd) Help() string {
	return `The secret is the one in base 32 that a person would type into an authenticator app.

  NAME code < secret.txt`
}

// moment is a time on the command line.
type moment struct{ time.Time }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (m *moment) UnmarshalText(text []byte) (err error) {
	if m.Time, err = time.Parse(time.RFC3339, string(text)); err != nil {
		err = fmt.Errorf("%q is not a time as in 2026-01-02T03:04:05Z", text)
	}
	return err
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
		c.At.Time = time.Now()
	}
	text, err := totp.Code(key, c.At.Time)
	if err != nil {
		return fmt.Errorf("compute code: %w", err)
	}
	c.Print(shownCode{text, c.At.UTC().Truncate(totp.Period).Add(totp.Period)}, "%s\n", text)
	return nil
}
