package api

import (
	"crypto/sha1" //nolint:gosec // the suffix of Clerk's cookie names is defined with it; nothing secret depends on it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

func getJWKS(a *API, c *call, _ empty) (document, error) {
	doc, err := a.Service.Tokens.JWKS(c)
	if err != nil {
		return nil, err
	}
	c.answer.Header().Set("Cache-Control", "public, max-age=300")
	return doc, nil
}

// OpenIDConfiguration is the part of OpenID Connect Discovery that verifying a session token needs.
type OpenIDConfiguration struct {
	Issuer     string   `json:"issuer"`
	JWKSURI    string   `json:"jwks_uri"`
	Algorithms []string `json:"id_token_signing_alg_values_supported"`
	Subjects   []string `json:"subject_types_supported"`
	Claims     []string `json:"claims_supported"`
}

func getOpenIDConfiguration(a *API, _ *call, _ empty) (OpenIDConfiguration, error) {
	return OpenIDConfiguration{
		Issuer: a.Service.Engine.Issuer(), JWKSURI: a.PublicURL + "/.well-known/jwks.json", Algorithms: []string{"RS256"}, Subjects: []string{"public"},
		Claims: []string{"iss", "sub", "sid", "iat", "nbf", "exp", "azp", "fva", "sts", "v", "jti"},
	}, nil
}

// Health says that the process answers and reaches its store.
type Health struct {
	Status string `json:"status"`
}

func getHealth(a *API, c *call, _ empty) (Health, error) {
	return Health{Status: "ok"}, a.Service.Tokens.Ping(c)
}

type handshakeInput struct {
	RedirectURL string `query:"redirect_url"`
	Format      string `query:"format" doc:"nonce or token"`
	Suffixed    bool   `query:"suffixed_cookies"`
	DevBrowser  string `query:"__clerk_db_jwt"`
}

// redirect is an answer that sends the browser elsewhere.
type redirect struct{ to string }

// handshake tells an application's server what its cookies should be: a server cannot see the API's cookies, so the
// browser is sent here and back with them. The answer travels as a nonce, or as a signed token.
func handshake(a *API, c *call, in handshakeInput) (redirect, error) {
	to, err := url.Parse(in.RedirectURL)
	if err != nil || (to.Scheme != "https" && to.Scheme != "http") || to.Host == "" {
		return redirect{}, apierr.New(apierr.FormParamFormatInvalid).Param("redirect_url")
	}
	if !a.originAllowed(to.Scheme+"://"+to.Host, c.settings.AllowedOrigins) {
		return redirect{}, apierr.New(apierr.OriginInvalid)
	}
	c.from.Origin = to.Scheme + "://" + to.Host
	lines, session, err := a.directives(c, in, to)
	if err != nil {
		return redirect{}, err
	}
	query := to.Query()
	query.Del("__clerk_handshake")
	query.Del("__clerk_handshake_nonce")
	if in.Format == "nonce" {
		payload, err := json.Marshal(lines)
		if err != nil {
			return redirect{}, fmt.Errorf("encode handshake: %w", err)
		}
		from := c.from
		if session != "" {
			from = tx.Caller{} // somebody is signed in
		}
		nonce, err := a.Service.Tokens.KeepAnonymousHandshake(c, from, secret.New(string(payload)))
		if err != nil {
			return redirect{}, err
		}
		query.Set("__clerk_handshake_nonce", nonce.Reveal())
	} else {
		token, err := a.Service.Tokens.SignClaims(c, map[string]any{"handshake": lines})
		if err != nil {
			return redirect{}, err
		}
		query.Set("__clerk_handshake", token.Reveal())
	}
	to.RawQuery = query.Encode()
	return redirect{to.String()}, nil
}

// browserForm is that of a development browser's id.
var browserForm = regexp.MustCompile(`^dvb_[a-z2-7]{26,128}$`)

// directives are the Set-Cookie lines for the application's host, each under its plain and its suffixed name: with only the plain
// names clerkMiddleware loops. token is that of the session in them, "" when nobody is signed in.
func (a *API) directives(c *call, in handshakeInput, to *url.URL) (lines []string, token string, err error) {
	browser := in.DevBrowser
	if !browserForm.MatchString(browser) {
		browser = "" // it becomes part of a Set-Cookie line
	}
	s, err := a.Service.Sessions.Client(c, c.from)
	if err != nil && apierr.From(err).Code() != apierr.DevBrowserUnauthenticated {
		return nil, "", err
	}
	if !a.production() && (err != nil || browser == "") {
		made, err := a.Service.Sessions.NewDevBrowser(c, c.from)
		if err != nil {
			return nil, "", err
		}
		browser = made.Reveal()
	}
	uat := "0"
	if s != nil && s.Client != nil {
		uat = signedInSince(s)
		if active := activeSession(s); active != nil {
			token = s.Tokens[active.ID].Reveal()
		}
	}
	attributes := "; Path=/; SameSite=Lax"
	if to.Scheme == "https" {
		attributes += "; Secure"
	}
	year := "; Max-Age=31536000"
	if token == "" {
		year = "; Max-Age=0"
	}
	for _, suffix := range []string{"", "_" + cookieSuffix(a.PublishableKey)} {
		if browser != "" {
			lines = append(lines, "__clerk_db_jwt"+suffix+"="+browser+attributes+"; Max-Age=31536000")
		}
		lines = append(lines,
			"__session"+suffix+"="+token+attributes+year,
			"__client_uat"+suffix+"="+uat+attributes+"; Max-Age=31536000",
		)
	}
	return lines, token, nil
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

// cookieSuffix is Clerk's: the first 8 characters of base64url(SHA-1(publishable key)).
func cookieSuffix(publishableKey string) string {
	sum := sha1.Sum([]byte(publishableKey)) //nolint:gosec // see the import
	return strings.ReplaceAll(base64.RawURLEncoding.EncodeToString(sum[:])[:8], "=", "")
}

// HandshakePayload is what a handshake nonce stands for.
type HandshakePayload struct {
	Directives []string `json:"directives"`
}

type handshakePayloadInput struct {
	Nonce secret.Value `query:"nonce"`
}

func getHandshakePayload(a *API, c *call, in handshakePayloadInput) (HandshakePayload, error) {
	payload, err := a.Service.Tokens.TakeHandshake(c, in.Nonce)
	if err != nil {
		return HandshakePayload{}, err
	}
	var out HandshakePayload
	if err := json.Unmarshal([]byte(payload.Reveal()), &out.Directives); err != nil {
		return HandshakePayload{}, fmt.Errorf("decode handshake: %w", err)
	}
	return out, nil
}

func (r redirect) write(x *exchange) {
	x.Header().Set("Location", r.to)
	x.WriteHeader(http.StatusTemporaryRedirect)
}
