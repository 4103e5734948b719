package clerkimport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	identifiers "github.com/countersign-mfa/countersign/internal/domain/identifier"
)

// server is a client of the Backend API. Its methods may be called at once.
type server struct {
	url   string
	key   secret.Value
	send  http.RoundTripper
	pause func(context.Context, time.Duration) error

	mu      sync.Mutex
	out     io.Writer
	waiting int // requests that wait before they are sent again
}

const (
	// requestLimit is the time limit of one request. An interrupt does not cancel a request in
	// progress, so that its user is recorded.
	requestLimit = 20 * time.Second
	// tries is how often one line is sent while the server or the network fails.
	tries = 6
	// maxBody is the largest size in bytes of a request and of an answer. It is above the limit of the
	// API, which refuses the user, and below that of Lambda (6 MB, in base64), whose answers differ.
	maxBody = 4 << 20
)

// reply is the server's answer.
type reply struct {
	status int
	body   []byte
	after  time.Duration
}

// code returns the code of the first error and the parameter that it is about, or empty strings.
func (r reply) code() (code, param string) {
	var failed struct {
		Errors []struct {
			Code string `json:"code"`
			Meta struct {
				Param string `json:"param_name"`
			} `json:"meta"`
		} `json:"errors"`
	}
	if json.Unmarshal(r.body, &failed) != nil || len(failed.Errors) == 0 {
		return "", ""
	}
	return failed.Errors[0].Code, failed.Errors[0].Meta.Param
}

func (s *server) ask(ctx context.Context, method, path string, body []byte) (reply, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestLimit)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("address of the server: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key.Reveal())
	r.Header.Set("Content-Type", "application/json")
	res, err := s.send.RoundTrip(r)
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, s.url, err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxBody))
	if err != nil {
		return reply{}, fmt.Errorf("read answer: %w", err)
	}
	after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return reply{res.StatusCode, text, time.Duration(after) * time.Second}, nil
}

// found is a user as the server shows it.
type found struct {
	ID         string       `json:"id"`
	ExternalID string       `json:"external_id"`
	Username   string       `json:"username"`
	Emails     []identifier `json:"email_addresses"`
}

// earlier says whether the server created the user of a line before, in a request whose answer was
// lost.
type earlier int

const (
	createdNone earlier = iota
	mayHaveCreated
	hasCreated
)

// create creates a user and returns its id. before is what is known of earlier requests, and so is
// the second result, after this one. A [refusal] is about this user; every other error is about the
// whole import.
func (s *server) create(ctx context.Context, p *person, before earlier) (string, earlier, error) {
	body, err := json.Marshal(p.body)
	if err != nil {
		return "", before, refusal("it is not a JSON object")
	}
	if len(body) > maxBody {
		return "", before, tooLarge
	}
	res, lost, err := s.insist(ctx, http.MethodPost, "/v1/users", body)
	if lost {
		before = mayHaveCreated
	}
	if err != nil {
		return "", before, err
	}
	if res.status == http.StatusOK {
		var u found
		if json.Unmarshal(res.body, &u) != nil || u.ID == "" {
			return "", before, errors.New("the answer to POST /v1/users is not a user")
		}
		return u.ID, createdNone, nil
	}
	code, param := res.code()
	if code == "form_identifier_exists" && before == mayHaveCreated {
		if id, err := s.find(ctx, p); id != "" || err != nil {
			return id, hasCreated, err
		}
	}
	return "", before, rejection(res.status, code, param)
}

// insist sends a request, and again while the server or the network fails, at most [tries] times.
// lost says that the server may have carried out a request whose answer is unknown.
func (s *server) insist(ctx context.Context, method, path string, body []byte) (res reply, lost bool, err error) {
	wait := time.Second
	for try := 1; ; try++ {
		res, err := s.ask(ctx, method, path, body)
		busy := err == nil && res.status == http.StatusTooManyRequests
		switch {
		case err == nil && !busy && res.status < http.StatusInternalServerError:
			return res, lost, nil
		case try == tries && err != nil:
			return reply{}, true, err
		case try == tries:
			code, _ := res.code()
			return reply{}, true, fmt.Errorf("the server still answers %d %s", res.status, code)
		}
		lost = lost || !busy
		wait = max(wait, res.after)
		if err := s.again(ctx, wait, failure(res, err)); err != nil {
			return reply{}, lost, err
		}
		wait *= 2
	}
}

// again waits before a request is sent again. It says so once for all requests that wait together.
func (s *server) again(ctx context.Context, wait time.Duration, why string) error {
	s.mu.Lock()
	if s.waiting++; s.waiting == 1 {
		_, _ = fmt.Fprintf(s.out, "the server failed (%s); trying again in %v\n", why, wait)
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.waiting--
	}()
	return s.pause(ctx, wait)
}

// failure describes an answer after which the import tries again.
func failure(res reply, err error) string {
	if err != nil {
		return err.Error()
	}
	return http.StatusText(res.status)
}

// tooLarge is the refusal of a user who is larger than a request may be.
const tooLarge = refusal("it is too large for a request")

// rejection turns an error answer into a [refusal] of the user, or into an error of the import.
func rejection(status int, code, param string) error {
	switch {
	case status == http.StatusUnauthorized || code == "authorization_invalid":
		return errors.New("the server rejects the secret key")
	case status == http.StatusRequestEntityTooLarge:
		return tooLarge
	case code == "":
		return fmt.Errorf("the server answers %d without an error code; is that the URL of the API?", status)
	case code == "form_identifier_exists":
		return refusal(param + " belongs to an existing user (form_identifier_exists)")
	case param != "":
		return refusal(fmt.Sprintf("the server refuses %s (%s)", param, code))
	}
	return refusal("the server refuses it (" + code + ")")
}

// find looks a user up by an identifier, and returns the id if that is the user of the line, or "".
func (s *server) find(ctx context.Context, p *person) (string, error) {
	by, value := "username", p.body.Username
	switch {
	case len(p.body.Emails) > 0:
		by, value = "email_address", p.body.Emails[0]
	case len(p.body.Phones) > 0:
		by, value = "phone_number", p.body.Phones[0]
	}
	res, _, err := s.insist(ctx, http.MethodGet, "/v1/users?"+url.Values{by: {value}}.Encode(), nil)
	if err != nil {
		return "", err
	}
	var users []found
	if res.status != http.StatusOK || json.Unmarshal(res.body, &users) != nil {
		return "", fmt.Errorf("the server answers %d to GET /v1/users", res.status)
	}
	for _, u := range users {
		if u.is(p) {
			return u.ID, nil
		}
	}
	return "", nil
}

func (u found) is(p *person) bool {
	var emails, wanted []string
	for _, e := range u.Emails {
		emails = append(emails, e.Email)
	}
	for _, e := range p.body.Emails {
		wanted = append(wanted, identifiers.Normal(identifiers.Email, e))
	}
	return u.ExternalID == p.body.ExternalID && u.Username == p.body.Username && slices.Equal(emails, wanted)
}
