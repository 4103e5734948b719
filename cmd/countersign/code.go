package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// code plays an authenticator app. The secret comes on standard input: arguments can be read by every process of a machine.
type code struct {
	At time.Time `help:"Moment to show the code of, RFC 3339; now when left out."`
}

// Run prints the code.
func (c *code) Run() error {
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
	fmt.Println(text)
	return nil
}
