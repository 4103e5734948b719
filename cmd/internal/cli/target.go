package cli

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Target is the server that a command talks to.
type Target struct {
	URL     string `name:"url" env:"COUNTERSIGN_URL" default:"http://localhost:8080" placeholder:"URL" help:"Where clients reach the API."`
	Address string `arg:"" optional:"" name:"address" placeholder:"URL" help:"The same, in place of --url."`
	Key     `embed:""`
}

// Resolve returns the server's URL without a slash at its end, and the Backend API's key.
func (t *Target) Resolve() (string, secret.Value, error) {
	if t.Address != "" {
		t.URL = t.Address
	}
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", secret.Value{}, Usagef("%q is no address of a server: write one such as http://localhost:8080", t.URL)
	}
	t.URL = strings.TrimRight(t.URL, "/")
	key, err := t.OrPublished()
	return t.URL, key, err
}

// Explain makes a failed connection a sentence. Other errors stay as they are.
func (t *Target) Explain(err error) error {
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("no answer from %s (%w): is it running?", t.URL, root(op))
	}
	return err
}

// root is the innermost error of a chain.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
