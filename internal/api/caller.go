package api

import (
	"cmp"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/tokens"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// admit checks the caller's credential and origin as the surface demands.
func (a *API) admit(c *operation.Call, surface operation.Surface) error {
	settings, err := a.Service.Engine.Settings(c)
	if err != nil {
		if surface != operation.Backend {
			a.allowOrigin(c)
		}
		return err
	}
	c.Settings = settings
	switch surface {
	case operation.Backend:
		return a.admitBackend(c)
	case operation.Frontend:
		return a.admitFrontend(c)
	case operation.Public:
		a.allowOrigin(c)
	}
	return nil
}

// The names that carry a client token.
const (
	browserParam    = "__clerk_db_jwt"
	oldBrowserParam = "__dev_session" // the name in Clerk's published description
)

// exposedHeaders are the response headers that scripts may read.
const exposedHeaders = "Clerk-Db-Jwt, Authorization, X-Country, Retry-After, X-Clerk-Trace-Id"

// allowedHeaders are the request headers that scripts of other origins may send. Libraries for
// tracing add the last four to every request (W3C Trace Context, W3C Baggage, Sentry); a browser
// would send none of the request without them.
const allowedHeaders = "Authorization, Content-Type, Traceparent, Tracestate, Baggage, Sentry-Trace"

func (a *API) admitBackend(c *operation.Call) error {
	r := c.Request
	if a.Development && !a.backendMayBeAsked(c) {
		return apierr.New(apierr.OriginInvalid)
	}
	key := secret.New(bearer(r))
	if key.IsZero() {
		return apierr.New(apierr.ClerkKeyInvalid)
	}
	from := netip.Addr{}
	if c.Settings.IPLimits {
		from = a.Address(r)
	}
	if err := a.Service.Admin.CheckAddressBlocked(from); err != nil {
		return err
	}
	ok, err := a.Accepts(c, key)
	if err != nil {
		return err
	}
	if ok {
		by, err := operator(r.Header)
		c.Context = tx.WithOperator(c.Context, by)
		return err
	}
	if err := a.Service.Admin.CountWrongKey(c, from); err != nil {
		return err
	}
	return apierr.New(apierr.ClerkKeyInvalid)
}

// backendMayBeAsked keeps pages of other sites away from the Backend API of a development server,
// whose key is published. Servers send no Origin. In production the key is secret, and no page has
// it.
func (a *API) backendMayBeAsked(c *operation.Call) bool {
	origins := c.Request.Header.Values("Origin")
	if len(origins) == 0 {
		return !foreignSite(c.Request)
	}
	return len(origins) == 1 && a.OriginAllowed(origins[0], c.Settings.AllowedOrigins)
}

// singleHeaders are headers that a request has at most once, and that decide whether it is admitted
// and how its body is read.
var singleHeaders = []string{"Origin", "Content-Type", "Sec-Fetch-Site"}

// joinRepeated joins the values of each repeated header of [singleHeaders] with commas. The API
// accepts no such value. Of the values themselves a proxy in front may read another one than the
// API. API Gateway joins them too: "Duplicate headers are combined with commas" (API Gateway
// Developer Guide, page http-api-develop-integrations-lambda).
func joinRepeated(r *http.Request) {
	for _, name := range singleHeaders {
		if values := r.Header.Values(name); len(values) > 1 {
			r.Header = r.Header.Clone()
			r.Header.Set(name, strings.Join(values, ", "))
		}
	}
}

// bearer returns a token sent with or without the word Bearer, because Clerk's SDKs do both. Two
// headers count as none: a proxy may believe the other one.
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

func (a *API) admitFrontend(c *operation.Call) error {
	r := c.Request
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
	if a.Production() && (query.Has(browserParam) || query.Has(oldBrowserParam)) {
		return apierr.New(apierr.DevBrowserUnauthenticated)
	}
	native, _ := strconv.ParseBool(query.Get("_is_native"))
	if native && origin != "" && bearer(r) != "" {
		return apierr.New(apierr.OriginAuthorizationHeadersConflict)
	}
	c.Caller = tx.Caller{
		Credentials: []tx.Credential{{Transport: tx.Native, Token: secret.New(bearer(r))}},
		Session:     query.Get("_clerk_session_id"),
		Address:     a.Address(r),
		Agent:       r.UserAgent(),
		Language:    language.Preferred(r.Header.Get("Accept-Language")),
		Origin:      origin,
		APIVersion:  cmp.Or(query.Get(operation.VersionParam), r.Header.Get("Clerk-Api-Version")),
	}
	if native {
		return nil
	}
	c.Caller.Credentials = browserCredentials(r, query)
	if origin == "" {
		c.Caller.Origin = a.refererOrigin(c)
	}
	return nil
}

// foreignSite reports whether the browser says that a change comes from a page of another site.
// Browsers send Origin with every change, so a page that leaves it out did so on purpose. Reading
// is allowed: a handshake is a navigation from another site.
func foreignSite(r *http.Request) bool {
	if r.Method == http.MethodGet {
		return false
	}
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

// refererOrigin returns the origin of the Referer, if it is allowed. Browsers leave Origin out of a
// GET to their own origin, as through a relative proxy. Without it, the token would have no azp
// claim, and a server that checks azp would reject it.
func (a *API) refererOrigin(c *operation.Call) string {
	u, err := url.Parse(c.Request.Header.Get("Referer"))
	if err != nil || u.Host == "" {
		return ""
	}
	if origin := u.Scheme + "://" + u.Host; a.OriginAllowed(origin, c.Settings.AllowedOrigins) {
		return origin
	}
	return ""
}

// browserCredentials lists a browser's client tokens in order of precedence: the development
// browser's before the cookies.
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

// maxClients bounds the clients that the cookies of one request name. One is ours; others may be
// left from an earlier service, or come from a sibling domain. One read fetches all of them, so
// without a bound a stranger could make it large.
const maxClients = 24

// cookies returns the client cookies that look like tokens, each once. Others are left out before
// the bound, so that they cannot push out the real one.
func cookies(r *http.Request) []tx.Credential {
	var found []tx.Credential
	texts, clients := map[string]bool{}, map[string]bool{}
	for _, cookie := range r.CookiesNamed(operation.ClientCookie) {
		client := tokens.ClientID(cookie.Value)
		if client == "" || texts[cookie.Value] || len(clients) == maxClients && !clients[client] {
			continue
		}
		texts[cookie.Value], clients[client] = true, true
		found = append(found, tx.Credential{Transport: tx.Cookie, Token: secret.New(cookie.Value)})
	}
	return found
}

// allowOrigin sets the CORS headers for an allowed origin, and reports whether it is allowed.
func (a *API) allowOrigin(c *operation.Call) bool {
	origin := c.Request.Header.Get("Origin")
	h := c.Answer.Header()
	h.Add("Vary", "Origin")
	if origin == "" || !a.OriginAllowed(origin, c.Settings.AllowedOrigins) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Allow-Credentials", "true")
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	return true
}
