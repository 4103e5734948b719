package api

import (
	"net/http"
	"path"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// failReadably answers a request that reached no operation with an error that scripts can read.
// clerk-js takes an unreadable answer for a lost connection, and Clerk's components then go on as
// if the call had worked. The Backend API allows no scripts.
func (a *API) failReadably(x *exchange, r *http.Request, err error) {
	if _, backend := a.methods(r); backend {
		a.fail(x, r, err)
		return
	}
	a.readable(x, r)
	a.fail(x, r, err)
}

// readable lets scripts of an allowed origin read the answer.
func (a *API) readable(x *exchange, r *http.Request) {
	c := a.call(x, r)
	if settings, err := a.Service.Engine.Settings(c); err == nil {
		c.Settings = settings
	}
	a.allowOrigin(c)
}

// preflightAge is how long a browser may keep the answer to a preflight, in seconds: two hours, the
// most that Chromium keeps (page Access-Control-Max-Age of MDN). A removed origin gains nothing by
// that: each answer names the allowed origin again.
const preflightAge = "7200"

// preflight answers a browser that asks whether a page of another origin may send a request.
func (a *API) preflight(x *exchange, r *http.Request, allowed []string) {
	c := a.call(x, r)
	settings, err := a.Service.Engine.Settings(c)
	if err != nil {
		a.fail(x, r, err)
		return
	}
	c.Settings = settings
	if !a.allowOrigin(c) {
		a.fail(x, r, apierr.New(apierr.OriginInvalid))
		return
	}
	x.Header().Set("Access-Control-Allow-Methods", strings.Join(allowed, ", "))
	x.Header().Set("Access-Control-Allow-Headers", allowedHeaders)
	x.Header().Set("Access-Control-Max-Age", preflightAge)
	x.WriteHeader(http.StatusNoContent)
}

// elsewhere answers a request for an operation that another function serves. A gateway without a
// route for the slash at the end of a path sends such a request here. The answer has the path
// without the slash, and a browser repeats the request there (308, RFC 9110 section 15.4.9). That
// path is relative, because an application's own proxy may have a path before it. Any other request
// has no operation.
func (a *API) elsewhere(x *exchange, r *http.Request) {
	long := r.URL.EscapedPath()
	short := strings.TrimSuffix(long, "/")
	if short == long {
		a.failReadably(x, r, apierr.New(apierr.ResourceNotFound))
		return
	}
	if _, backend := a.methods(r); !backend {
		a.readable(x, r)
	}
	to := "../" + path.Base(short)
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	x.Header().Set("Location", to)
	x.WriteHeader(http.StatusPermanentRedirect)
}
