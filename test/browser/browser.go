// Package browser sends requests to an [http.Handler] of this process, as a browser with one cookie
// or as an application's server. Packages bruteforce and takeover attack the API with it.
package browser

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// origin is the URL of the handlers. Handlers in this process ignore it.
const origin = "http://localhost"

// clientCookie carries the client token.
const clientCookie = "__client"

// Browser keeps the client token as a browser does. The zero value is a new browser.
type Browser struct{ Cookie string }

// Call sends a form, as Clerk's SDK does, and keeps the cookie of the answer.
func (b *Browser) Call(ctx context.Context, h http.Handler, method, path string, form url.Values) (Answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		return Answer{}, fmt.Errorf("browser: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if b.Cookie != "" {
		r.AddCookie(&http.Cookie{Name: clientCookie, Value: b.Cookie})
	}
	a := Serve(h, r)
	for _, c := range (&http.Response{Header: a.Header}).Cookies() {
		if c.Name == clientCookie {
			b.Cookie = c.Value
		}
	}
	return a, nil
}

// Server sends JSON with a Backend API key. A nil body sends none.
func Server(ctx context.Context, h http.Handler, key, method, path string, body map[string]any) (Answer, error) {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return Answer{}, fmt.Errorf("browser: %w", err)
		}
	}
	r, err := http.NewRequestWithContext(ctx, method, origin+path, bytes.NewReader(text))
	if err != nil {
		return Answer{}, fmt.Errorf("browser: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+key)
	r.Header.Set("Content-Type", "application/json")
	return Serve(h, r), nil
}

// Answer is a response with its body read.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// OK says whether the request was granted.
func (a Answer) OK() bool { return a.Status/100 == 2 }

// Text returns the string at a path such as "response.id", or "".
func (a Answer) Text(path string) string {
	var v any
	if json.Unmarshal(a.Body, &v) != nil {
		return ""
	}
	for _, name := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	s, _ := v.(string)
	return s
}

// Code returns the code of the first error, or "".
func (a Answer) Code() apierr.Code {
	var body struct{ Errors []struct{ Code apierr.Code } }
	if json.Unmarshal(a.Body, &body) != nil || len(body.Errors) == 0 {
		return ""
	}
	return body.Errors[0].Code
}

// Is says whether the first error has one of the codes.
func (a Answer) Is(codes ...apierr.Code) bool { return slices.Contains(codes, a.Code()) }

// Retry returns how long to wait before another request, or 0.
func (a Answer) Retry() time.Duration {
	seconds, _ := strconv.Atoi(a.Header.Get("Retry-After"))
	return time.Duration(seconds) * time.Second
}

// recorder records an answer. net/http/httptest has a recorder too, but links its flags into every
// program.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(text []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(text)
}

// Serve returns a handler's answer to a request.
func Serve(h http.Handler, r *http.Request) Answer {
	rec := &recorder{header: http.Header{}}
	h.ServeHTTP(rec, r)
	return Answer{Status: rec.status, Header: rec.header, Body: rec.body.Bytes()}
}
