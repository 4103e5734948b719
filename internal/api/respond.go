package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Wrapped is the envelope of most frontend answers: clerk-js replaces its whole state by client when there is one.
type Wrapped[T any] struct {
	Response T       `json:"response"`
	Client   *Client `json:"client"`
}

// jsonType has no charset: Clerk's server SDK compares the whole header, and takes anything else for text.
const jsonType = "application/json"

func (a *API) write(x *exchange, status int, body any) error {
	if raw, ok := body.(document); ok {
		return raw.write(x, status)
	}
	switch body := body.(type) {
	case noContent:
		x.WriteHeader(http.StatusNoContent)
		return nil
	case redirect:
		body.write(x)
		return nil
	}
	data, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	x.Header().Set("Content-Type", jsonType)
	x.WriteHeader(status)
	_, _ = x.Write(data)
	return nil
}

// noContent is the answer of an operation that has none.
type noContent struct{}

// document is an answer that is JSON already.
type document []byte

// MarshalJSON makes a document what it holds.
func (d document) MarshalJSON() ([]byte, error) { return d, nil }

func (d document) write(x *exchange, status int) error {
	x.Header().Set("Content-Type", jsonType)
	x.WriteHeader(status)
	_, _ = x.Write(d)
	return nil
}

// fail answers with the error of the catalogue that is inside err. What is not of the catalogue is logged and stays unsaid.
func (a *API) fail(x *exchange, r *http.Request, err error) {
	e := apierr.From(err)
	if errors.Is(err, store.ErrUnavailable) {
		e = apierr.New(apierr.ServiceUnavailable).Retry(time.Second)
	}
	if e.Status() >= http.StatusInternalServerError {
		a.Log.Error("request failed", "operation", x.operation, "trace", x.traceID, "error", err.Error())
	}
	x.code = e.Code()
	if after := e.RetryAfter(); after > 0 {
		x.Header().Set("Retry-After", strconv.Itoa(int(after/time.Second)))
	}
	data, err := json.Marshal(e.Envelop(x.traceID))
	if err != nil {
		data = []byte(`{"errors":[]}`)
	}
	x.Header().Set("Content-Type", jsonType)
	x.WriteHeader(e.Status())
	if r.Method != http.MethodHead {
		_, _ = x.Write(data)
	}
}

// keep hands a new client token to its owner, in the way in which it will come back.
func (a *API) keep(c *call, s *sessions.Snapshot) {
	a.announce(c, s)
	if s == nil || s.Token.IsZero() {
		return
	}
	switch s.Transport {
	case tx.Native:
		c.answer.Header().Set("Authorization", s.Token.Reveal())
	case tx.DevBrowser:
		c.answer.Header().Set("Clerk-Db-Jwt", s.Token.Reveal())
	case tx.Cookie:
		http.SetCookie(c.answer, &http.Cookie{
			Name: clientCookie, Value: s.Token.Reveal(), Path: "/", HttpOnly: true, Secure: a.secure, SameSite: http.SameSiteLaxMode,
			MaxAge: int(life(s) / time.Second),
		})
	}
}

// life is how long the client of an answer lives from now on: a browser keeps the cookie as long.
func life(s *sessions.Snapshot) time.Duration {
	if s.Client == nil {
		return account.AnonymousLife
	}
	return s.Client.Expires.Sub(s.Now)
}

// uatCookie tells the team's own servers, which cannot see the client cookie, since when somebody is signed in: Unix seconds, or 0. With a
// production key Clerk's SDKs leave it to the API to set it.
const uatCookie = "__client_uat"

// announce sets it, under its plain and its suffixed name, when it is not what the browser has.
func (a *API) announce(c *call, s *sessions.Snapshot) {
	if s == nil || !a.production() || len(c.from.Credentials) > 0 && c.from.Credentials[0].Transport != tx.Cookie {
		return
	}
	value := signedInSince(s)
	for _, name := range []string{uatCookie, uatCookie + "_" + cookieSuffix(a.PublishableKey)} {
		if had, err := c.request.Cookie(name); err == nil && had.Value == value {
			continue
		}
		http.SetCookie(c.answer, &http.Cookie{
			Name: name, Value: value, Path: "/", Domain: a.site, Secure: a.secure, SameSite: http.SameSiteLaxMode, MaxAge: int(account.ClientLife / time.Second),
		})
	}
}

func (a *API) production() bool { return strings.HasPrefix(a.PublishableKey, "pk_live_") }

// signedInSince is the value of the cookie.
func signedInSince(s *sessions.Snapshot) string {
	if s.Client == nil {
		return "0"
	}
	if active := activeSession(s); active != nil {
		return strconv.FormatInt(int64(active.CreatedAt)/1000, 10)
	}
	return "0"
}

// siteOf is the domain of a cookie that the applications beside the API get too: example.com for clerk.example.com. It is empty for a host
// without one.
func siteOf(host string) string {
	_, parent, _ := strings.Cut(host, ".")
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(parent, ".") {
		return ""
	}
	return parent
}

// wrap builds the envelope of an answer that carries the client.
func wrap[T any](a *API, c *call, response T, s *sessions.Snapshot) Wrapped[T] {
	a.keep(c, s)
	return Wrapped[T]{Response: response, Client: presentClient(s)}
}
