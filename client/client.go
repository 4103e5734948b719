// Package client calls the Backend API of a Countersign server. Requests and answers are any types
// that encoding/json takes; docs/openapi.yaml describes them. Clerk's Go SDK works as well. Unlike
// the SDK, this package also calls the operations that Clerk does not have.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Client calls one server.
type Client struct {
	URL  string // without a slash at its end
	HTTP *http.Client

	key secret.Value
}

// requestLimit is how long a request may take.
const requestLimit = 30 * time.Second

// New returns a client that keeps one connection open for each concurrent request.
func New(url, key string, atOnce int) *Client {
	return &Client{URL: url, key: secret.New(key), HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}, Timeout: requestLimit}}
}

// Error is an answer other than 200 and 204.
type Error struct {
	Method, Path string
	Status       int
	Errors       []struct {
		Code    string `json:"code"`
		Message string `json:"long_message"`
	} `json:"errors"`
}

func (e *Error) Error() string {
	text := fmt.Sprintf("%s %s answers %d", e.Method, e.Path, e.Status)
	for _, one := range e.Errors {
		text += fmt.Sprintf(" %s (%s)", one.Code, strings.TrimSuffix(one.Message, "."))
	}
	return text
}

// Call sends a request with body as JSON and decodes the answer into out. body and out may be nil.
// An answer other than 200 and 204 is an [*Error]; 204 leaves out as it is.
func (c *Client) Call(ctx context.Context, method, path string, body, out any) error {
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode: %w", err)
		}
		content = bytes.NewReader(data)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, content)
	if err != nil {
		return fmt.Errorf("request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key.Reveal())
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := c.HTTP.Do(req)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer func() { _ = res.Body.Close() }()
	const most = 16 << 20
	answer, err := io.ReadAll(io.LimitReader(res.Body, most))
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusNoContent {
		failed := &Error{Method: method, Path: path, Status: res.StatusCode}
		_ = json.Unmarshal(answer, failed) // a proxy's answer is not JSON
		return failed
	}
	if out == nil || res.StatusCode == http.StatusNoContent {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of the right form", method, path)
	}
	return nil
}
