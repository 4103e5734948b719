package frontend

import (
	"crypto/sha1" //nolint:gosec // the suffix of Clerk's cookie names is defined with it; nothing secret depends on it
	"encoding/base64"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// Wrapped is the envelope of most frontend answers. clerk-js replaces its whole state with client
// unless it is null.
type Wrapped[T any] struct {
	Response T            `json:"response"`
	Client   *wire.Client `json:"client"`
}

// wrap returns the envelope of an answer, and sends a new client token along.
func wrap[T any](c *operation.Call, response T, s *sessions.Snapshot) Wrapped[T] {
	keep(c, s)
	return Wrapped[T]{Response: response, Client: wire.NewClient(s)}
}

// keep sends a new client token in the transport in which the client will return it.
func keep(c *operation.Call, s *sessions.Snapshot) {
	announce(c, s)
	if s == nil || s.Token.IsZero() {
		return
	}
	switch s.Transport {
	case tx.Native:
		c.Answer.Header().Set("Authorization", s.Token.Reveal())
	case tx.DevBrowser:
		c.Answer.Header().Set("Clerk-Db-Jwt", s.Token.Reveal())
	case tx.Cookie:
		http.SetCookie(c.Answer, &http.Cookie{
			Name: operation.ClientCookie, Value: s.Token.Reveal(), Path: "/", HttpOnly: true, Secure: c.Secure(), SameSite: http.SameSiteLaxMode,
			MaxAge: int(life(s) / time.Second),
		})
	}
}

// life is the remaining life of the client. The browser keeps its cookie as long.
func life(s *sessions.Snapshot) time.Duration {
	if s.Client == nil {
		return account.AnonymousLife
	}
	return s.Client.Expires.Sub(s.Now)
}

// uatCookie is the name of the cookie that says since when the browser is signed in: Unix seconds,
// or 0. The team's own servers read it, because they cannot see the client cookie. With a
// production key Clerk's SDKs leave it to the API to set it.
const uatCookie = "__client_uat"

// announce sets [uatCookie] under its plain and its suffixed name, if the browser has another
// value.
func announce(c *operation.Call, s *sessions.Snapshot) {
	if s == nil || !c.Production() || len(c.Caller.Credentials) > 0 && c.Caller.Credentials[0].Transport != tx.Cookie {
		return
	}
	value := signedInSince(s)
	for _, name := range []string{uatCookie, uatCookie + "_" + cookieSuffix(c.PublishableKey)} {
		if had, err := c.Request.Cookie(name); err == nil && had.Value == value {
			continue
		}
		http.SetCookie(c.Answer, &http.Cookie{
			Name: name, Value: value, Path: "/", Domain: site(c.PublicURL), Secure: c.Secure(), SameSite: http.SameSiteLaxMode, MaxAge: int(account.ClientLife / time.Second),
		})
	}
}

// signedInSince returns the value of [uatCookie].
func signedInSince(s *sessions.Snapshot) string {
	if s.Client == nil {
		return "0"
	}
	if active := activeSession(s); active != nil {
		return strconv.FormatInt(int64(active.CreatedAt)/1000, 10)
	}
	return "0"
}

func activeSession(s *sessions.Snapshot) *account.Session {
	var found *account.Session
	for i := range s.Client.Sessions {
		if session := &s.Client.Sessions[i]; found == nil || session.ID == s.Client.LastActive {
			found = session
		}
	}
	return found
}

// site returns the cookie domain that the applications beside the API share: example.com for
// clerk.example.com. It is empty for an IP address and for a host without a parent.
func site(publicURL string) string {
	u, err := url.Parse(publicURL)
	if err != nil {
		return ""
	}
	host := u.Hostname()
	_, parent, _ := strings.Cut(host, ".")
	if _, err := netip.ParseAddr(host); err == nil || !strings.Contains(parent, ".") {
		return ""
	}
	return parent
}

// cookieSuffix is Clerk's: the first 8 characters of base64url(SHA-1(publishable key)).
func cookieSuffix(publishableKey string) string {
	sum := sha1.Sum([]byte(publishableKey)) //nolint:gosec // see the import
	return strings.ReplaceAll(base64.RawURLEncoding.EncodeToString(sum[:])[:8], "=", "")
}
