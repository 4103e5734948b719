package cli

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/countersign-mfa/countersign/client"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Environment variable and default of [Server], as in its tags.
const (
	urlEnv     = "COUNTERSIGN_URL"
	defaultURL = "http://localhost:8080"
)

// Server is the server that a command talks to.
type Server struct {
	URL string `name:"url" env:"COUNTERSIGN_URL" default:"http://localhost:8080" placeholder:"URL" help:"Where clients reach the API."`
	Key `embed:""`
}

// Target is a [Server] that may also be an argument.
type Target struct {
	Server  `embed:""`
	Address string `arg:"" optional:"" name:"address" placeholder:"URL" help:"Address of the server; short for --url."`
}

// Resolve returns the server's URL without a slash at its end, and the Backend API key.
func (t *Target) Resolve() (string, secret.Value, error) {
	if t.Address != "" {
		if t.URL != defaultURL && t.URL != os.Getenv(urlEnv) {
			return "", secret.Value{}, Usagef("the address stands twice, as an argument and in --url: leave one out")
		}
		t.URL = t.Address
	}
	return t.Server.Resolve()
}

// Resolve returns the server's URL without a slash at its end, and the Backend API key.
func (s *Server) Resolve() (string, secret.Value, error) {
	u, err := url.Parse(s.URL)
	if err == nil && u.User != nil {
		return "", secret.Value{}, Usagef("the address of the server holds a user name or password: leave it out")
	}
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return "", secret.Value{}, Usagef("%q is no address of a server: write one such as http://localhost:8080", s.URL)
	}
	s.URL = strings.TrimRight(s.URL, "/")
	if short, found := strings.CutSuffix(s.URL, "/v1"); found {
		return "", secret.Value{}, Usagef("leave out /v1 at the end of the address: %s", short)
	}
	key, err := s.OrPublished()
	return s.URL, key, err
}

// Explain turns a failed connection into a sentence, and says where a refused key comes from. It
// returns other errors unchanged.
func (s *Server) Explain(err error) error {
	if failed := (*client.Error)(nil); errors.As(err, &failed) && failed.Status == http.StatusUnauthorized {
		return fmt.Errorf("%w: set %s or --secret-key-file", err, KeyEnv)
	}
	if errors.Is(err, http.ErrSchemeMismatch) {
		return fmt.Errorf("%s answers without TLS: write http://", s.URL)
	}
	if op := (*net.OpError)(nil); errors.As(err, &op) && op.Op == "dial" {
		return fmt.Errorf("no answer from %s (%w): is it running? --url or %s names another server", s.URL, root(op), urlEnv)
	}
	return err
}

// root returns the innermost error of a chain.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
