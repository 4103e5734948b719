package frontend

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// ClientHandshake is GET /v1/client/handshake.
func ClientHandshake() operation.Operation {
	op := row("client-handshake", "GET /v1/client/handshake",
		"Tell an application's server what its cookies should be", operation.Writes|operation.Limited, handshake,
		operation.InvalidParam)
	op.Status = http.StatusTemporaryRedirect
	return op
}

type handshakeInput struct {
	RedirectURL string `query:"redirect_url" rules:"required format=uri"`
	Format      string `query:"format" rules:"one=nonce|token default=token"`
	Suffixed    bool   `query:"suffixed_cookies"`
	DevBrowser  string `query:"__clerk_db_jwt"`
}

// handshake redirects the browser back to the application's server with the cookies that the server
// should set. The server cannot see the API's cookies, so it sends the browser here. The answer
// travels as a nonce, or as a signed token.
func handshake(c *operation.Call, in handshakeInput) (operation.Redirect, error) {
	to, err := url.Parse(in.RedirectURL)
	if err != nil || (to.Scheme != "https" && to.Scheme != "http") || to.Host == "" {
		return operation.Redirect{}, apierr.New(apierr.FormParamFormatInvalid).Param("redirect_url")
	}
	if !c.OriginAllowed(to.Scheme+"://"+to.Host, c.Settings.AllowedOrigins) {
		return operation.Redirect{}, apierr.New(apierr.OriginInvalid)
	}
	c.Caller.Origin = to.Scheme + "://" + to.Host
	lines, session, err := directives(c, in, to)
	if err != nil {
		return operation.Redirect{}, err
	}
	query := to.Query()
	query.Del("__clerk_handshake")
	query.Del("__clerk_handshake_nonce")
	if in.Format == "nonce" {
		payload, err := json.Marshal(lines)
		if err != nil {
			return operation.Redirect{}, fmt.Errorf("encode handshake: %w", err)
		}
		from := c.Caller
		if session != "" {
			from = tx.Caller{} // the user is signed in, so the handshake is not anonymous
		}
		nonce, err := c.Service.Tokens.KeepAnonymousHandshake(c, from, secret.New(string(payload)))
		if err != nil {
			return operation.Redirect{}, err
		}
		query.Set("__clerk_handshake_nonce", nonce.Reveal())
	} else {
		token, err := c.Service.Tokens.SignClaims(c, map[string]any{"handshake": lines})
		if err != nil {
			return operation.Redirect{}, err
		}
		query.Set("__clerk_handshake", token.Reveal())
	}
	to.RawQuery = query.Encode()
	return operation.Redirect{To: to.String()}, nil
}

// browserForm matches the id of a development browser.
var browserForm = regexp.MustCompile(`^dvb_[a-z2-7]{26,128}$`)

// directives returns the Set-Cookie lines for the application's host, each under its plain and its
// suffixed name: with the plain names alone clerkMiddleware loops. The token is that of the active
// session, or empty.
func directives(c *operation.Call, in handshakeInput, to *url.URL) (lines []string, token string, err error) {
	browser := in.DevBrowser
	if !browserForm.MatchString(browser) {
		browser = "" // it becomes part of a Set-Cookie line
	}
	s, err := c.Service.Sessions.Client(c, c.Caller)
	if err != nil && apierr.From(err).Code() != apierr.DevBrowserUnauthenticated {
		return nil, "", err
	}
	if !c.Production() && (err != nil || browser == "") {
		made, err := c.Service.Sessions.NewDevBrowser(c, c.Caller)
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
	if token == "" { // a server that sees a time of sign-in and no token sends the browser here again
		uat = "0"
	}
	attributes := "; Path=/; SameSite=Lax"
	if to.Scheme == "https" {
		attributes += "; Secure"
	}
	year := "; Max-Age=31536000"
	if token == "" {
		year = "; Max-Age=0"
	}
	for _, suffix := range []string{"", "_" + cookieSuffix(c.PublishableKey)} {
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
