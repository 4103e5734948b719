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
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// server is the Backend API.
type server struct {
	url   string
	key   secret.Value
	send  http.RoundTripper
	pause func(context.Context, time.Duration) error
	out   io.Writer
}

const (
	// requestLimit is the time that one request may take. An interrupt lets the request under way end, so that its user is noted.
	requestLimit = 20 * time.Second
	// tries of one line, while the server or the way to it fails.
	tries    = 6
	mostBody = 4 << 20
)

// reply is an answer.
type reply struct {
	status int
	body   []byte
	after  time.Duration
}

// code is the first error of an answer, with the field that it is about.
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
	text, err := io.ReadAll(io.LimitReader(res.Body, mostBody))
	if err != nil {
		return reply{}, fmt.Errorf("read answer: %w", err)
	}
	after, _ := strconv.Atoi(res.Header.Get("Retry-After"))
	return reply{res.StatusCode, text, time.Duration(after) * time.Second}, nil
}

// found is a user on the server.
type found struct {
	ID         string       `json:"id"`
	ExternalID string       `json:"external_id"`
	Username   string       `json:"username"`
	Emails     []identifier `json:"email_addresses"`
}

// create makes a user and returns its id. there is true when it was made before: by an attempt whose answer got lost, which may
// have happened when lost is true. A [refusal] is about this user, every other error about the whole import.
func (s *server) create(ctx context.Context, p *person, lost bool) (id string, there bool, err error) {
	body, err := json.Marshal(p.body)
	if err != nil {
		return "", false, refusal("it is no JSON object")
	}
	wait := time.Second
	for try := 1; ; try++ {
		res, err := s.ask(ctx, http.MethodPost, "/v1/users", body)
		code, param := res.code()
		switch {
		case err == nil && res.status == http.StatusOK:
			var u found
			if json.Unmarshal(res.body, &u) != nil || u.ID == "" {
				return "", false, errors.New("the server's answer to POST /v1/users is no user")
			}
			return u.ID, false, nil
		case err == nil && res.status != http.StatusTooManyRequests && res.status < http.StatusInternalServerError:
			if code == "form_identifier_exists" && lost {
				id, err := s.find(ctx, p)
				if id != "" || err != nil {
					return id, true, err
				}
			}
			return "", false, refused(res.status, code, param)
		case try == tries && err != nil:
			return "", false, err
		case try == tries:
			return "", false, fmt.Errorf("the server answers %d %s, again and again", res.status, code)
		}
		lost = true
		wait = max(wait, res.after)
		_, _ = fmt.Fprintf(s.out, "no good answer from the server (%s); asking again in %v\n", trouble(res, err), wait)
		if err := s.pause(ctx, wait); err != nil {
			return "", false, err
		}
		wait *= 2
	}
}

// trouble is what is wrong with an answer that may be better next time.
func trouble(res reply, err error) string {
	if err != nil {
		return err.Error()
	}
	return http.StatusText(res.status)
}

// refused says whether an answer is about the user or about the import.
func refused(status int, code, param string) error {
	switch {
	case status == http.StatusUnauthorized || code == "authorization_invalid":
		return errors.New("the server refuses the secret key")
	case code == "":
		return fmt.Errorf("the server answers %d without a reason; is that the address of the API?", status)
	case code == "form_identifier_exists":
		return refusal(param + " belongs to a user who is there already (form_identifier_exists)")
	case param != "":
		return refusal(fmt.Sprintf("the server refuses %s (%s)", param, code))
	}
	return refusal("the server refuses it (" + code + ")")
}

// find looks for the user by an identifier, which only one can have, and returns the id if it is the very user of the line.
func (s *server) find(ctx context.Context, p *person) (string, error) {
	by, value := "username", p.body.Username
	switch {
	case len(p.body.Emails) > 0:
		by, value = "email_address", p.body.Emails[0]
	case len(p.body.Phones) > 0:
		by, value = "phone_number", p.body.Phones[0]
	}
	res, err := s.ask(ctx, http.MethodGet, "/v1/users?"+url.Values{by: {value}}.Encode(), nil)
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
		wanted = append(wanted, strings.ToLower(strings.TrimSpace(e)))
	}
	return u.ExternalID == p.body.ExternalID && u.Username == p.body.Username && slices.Equal(emails, wanted)
}
