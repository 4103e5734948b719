package api

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tokens"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// The names that carry a client token.
const (
	clientCookie    = "__client"
	browserParam    = "__clerk_db_jwt"
	oldBrowserParam = "__dev_session" // the name in Clerk's published description
)

// ExposedHeaders are the response headers that scripts may read.
const ExposedHeaders = "Clerk-Db-Jwt, Authorization, X-Country, Retry-After, X-Clerk-Trace-Id"

// AllowedHeaders are the request headers that scripts of other origins may send.
const AllowedHeaders = "Authorization, Content-Type"

// admit checks who is calling, as far as the surface asks.
func (a *API) admit(c *call, surface Surface) error {
	settings, err := a.Service.Engine.Settings(c)
	if err != nil {
		if surface != Backend {
			a.allowOrigin(c)
		}
		return err
	}
	c.settings = settings
	switch surface {
	case Backend:
		return a.admitBackend(c)
	case Frontend:
		return a.admitFrontend(c)
	case Public:
		a.allowOrigin(c)
	}
	return nil
}

func (a *API) admitBackend(c *call) error {
	r := c.request
	if a.Development && !a.backendMayBeAsked(c) {
		return apierr.New(apierr.OriginInvalid)
	}
	key := secret.New(bearer(r))
	if key.IsZero() {
		return apierr.New(apierr.ClerkKeyInvalid)
	}
	from := netip.Addr{}
	if c.settings.IPLimits {
		from = a.Address(r)
	}
	if err := a.Service.Admin.CheckAddressBlocked(from); err != nil {
		return err
	}
	ok, err := a.Accepts(c, key)
	if err != nil || ok {
		return err
	}
	if err := a.Service.Admin.CountWrongKey(c, from); err != nil {
		return err
	}
	return apierr.New(apierr.ClerkKeyInvalid)
}

// backendMayBeAsked keeps pages of other sites away from the Backend API of a development server, whose key is published. Servers send no
// Origin. In production the key is a secret, and a page that has it is no page.
func (a *API) backendMayBeAsked(c *call) bool {
	origins := c.request.Header.Values("Origin")
	if len(origins) == 0 {
		return !foreignSite(c.request)
	}
	return len(origins) == 1 && a.originAllowed(origins[0], c.settings.AllowedOrigins)
}

// bearer returns a token sent with or without the word Bearer: Clerk's SDKs do both. Two headers are none, because who stands in between may
// believe the other one.
func bearer(r *http.Request) string {
	headers := r.Header.Values("Authorization")
	if len(headers) != 1 {
		return ""
	}
	header := strings.TrimSpace(headers[0])
	word, rest, _ := strings.Cut(header, " ")
	if strings.EqualFold(word, "Bearer") {
		return strings.TrimSpace(rest)
	}
	return header
}

func (a *API) admitFrontend(c *call) error {
	r := c.request
	origin := r.Header.Get("Origin")
	if origin != "" && !a.allowOrigin(c) {
		return apierr.New(apierr.OriginInvalid)
	}
	if origin == "" && foreignSite(r) {
		return apierr.New(apierr.OriginInvalid)
	}
	query := r.URL.Query()
	for _, name := range []string{browserParam, "_clerk_session_id", "_is_native"} {
		if len(query[name]) > 1 {
			return apierr.New(apierr.FormParamDuplicate).Param(name)
		}
	}
	if a.production() && (query.Has(browserParam) || query.Has(oldBrowserParam)) {
		return apierr.New(apierr.DevBrowserUnauthenticated)
	}
	native, _ := strconv.ParseBool(query.Get("_is_native"))
	if native && origin != "" && bearer(r) != "" {
		return apierr.New(apierr.OriginAuthorizationHeadersConflict)
	}
	given := browserCredentials(r, query)
	if native {
		given = []tx.Credential{{Transport: tx.Native, Token: secret.New(bearer(r))}}
	}
	c.from = tx.Caller{
		Credentials: given,
		Session:     query.Get("_clerk_session_id"),
		Address:     a.Address(r),
		Agent:       r.UserAgent(),
		Language:    language.Preferred(r.Header.Get("Accept-Language")),
		Origin:      origin,
	}
	if origin == "" && !native {
		c.from.Origin = a.refererOrigin(c)
	}
	return nil
}

// foreignSite says whether a browser tells that a change comes from a page of another site. Browsers send Origin with every change, so a
// change without one that says this is a page that got rid of it. Reading is allowed: a handshake is a navigation from another site.
func foreignSite(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// refererOrigin stands in for the Origin that browsers leave out of a GET to their own origin, as through a relative proxy: without
// it the token of a page load would name no party, and a server that checks the party would turn the person away.
func (a *API) refererOrigin(c *call) string {
	u, err := url.Parse(c.request.Header.Get("Referer"))
	if err != nil || u.Host == "" {
		return ""
	}
	if origin := u.Scheme + "://" + u.Host; a.originAllowed(origin, c.settings.AllowedOrigins) {
		return origin
	}
	return ""
}

// browserCredentials lists a browser's client tokens in order of precedence: the development
// browser's parameter before the cookies.
func browserCredentials(r *http.Request, query url.Values) []tx.Credential {
	var found []tx.Credential
	for _, name := range []string{browserParam, oldBrowserParam} {
		if id := query.Get(name); id != "" {
			found = append(found, tx.Credential{Transport: tx.DevBrowser, Token: secret.New(id)})
			break
		}
	}
	return append(found, cookies(r)...)
}

// maxClients is how many clients the cookies of one request may name: one is ours, others may be left from a service that had this name
// before, or were planted by a sibling domain. All are one read; more would be a read that a stranger can make large.
const maxClients = 24

// cookies are the client cookies that can be texts, each once. What cannot be one takes no place: it would keep the real one from being seen.
func cookies(r *http.Request) []tx.Credential {
	var found []tx.Credential
	texts, clients := map[string]bool{}, map[string]bool{}
	for _, cookie := range r.CookiesNamed(clientCookie) {
		client := tokens.ClientID(cookie.Value)
		if client == "" || texts[cookie.Value] || len(clients) == maxClients && !clients[client] {
			continue
		}
		texts[cookie.Value], clients[client] = true, true
		found = append(found, tx.Credential{Transport: tx.Cookie, Token: secret.New(cookie.Value)})
	}
	return found
}

// allowOrigin sets the headers of cross-origin requests for an origin that is allowed, and says whether it is.
func (a *API) allowOrigin(c *call) bool {
	origin := c.request.Header.Get("Origin")
	h := c.answer.Header()
	h.Add("Vary", "Origin")
	if origin == "" || !a.originAllowed(origin, c.settings.AllowedOrigins) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", ExposedHeaders)
	return true
}

func (a *API) originAllowed(origin string, allowed []string) bool {
	if origin == a.PublicURL || slices.Contains(allowed, origin) || slices.Contains(a.Origins, origin) {
		return true
	}
	if !a.Development {
		return false
	}
	u, err := url.Parse(origin)
	return err == nil && (u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1")
}

// failReadably fails a request that reached no operation so that a script may read why. clerk-js takes an answer that it may not read for a
// lost connection, and Clerk's components then go on as if the call had worked. The Backend API is for no script.
func (a *API) failReadably(x *exchange, r *http.Request, err error) {
	if _, backend := a.methods(r); backend {
		a.fail(x, r, err)
		return
	}
	c := &call{Context: r.Context(), request: r, answer: x}
	if settings, err := a.Service.Engine.Settings(c); err == nil {
		c.settings = settings
	}
	a.allowOrigin(c)
	a.fail(x, r, err)
}

func (a *API) preflight(x *exchange, r *http.Request, allowed []string) {
	c := &call{Context: r.Context(), request: r, answer: x}
	settings, err := a.Service.Engine.Settings(c)
	if err != nil {
		a.fail(x, r, err)
		return
	}
	c.settings = settings
	if !a.allowOrigin(c) {
		a.fail(x, r, apierr.New(apierr.OriginInvalid))
		return
	}
	x.Header().Set("Access-Control-Allow-Methods", strings.Join(allowed, ", "))
	x.Header().Set("Access-Control-Allow-Headers", AllowedHeaders)
	x.Header().Set("Access-Control-Max-Age", "600")
	x.WriteHeader(http.StatusNoContent)
}
