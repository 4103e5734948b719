// Package api serves the table of operations over HTTP: routing, checks of callers, and the mapping
// of errors.
package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Config is what the API needs. Nothing in it comes from a request.
type Config struct {
	operation.Instance
	// Accepts reports whether a bearer is a key of the Backend API, in constant time. An error means
	// that the key cannot be checked: the request is refused with it.
	Accepts func(ctx context.Context, bearer secret.Value) (bool, error)
	// Address returns the caller's network address.
	Address func(*http.Request) netip.Addr
	Log     *slog.Logger
	// Observe is called for every answered operation. It returns what the request's log line says on
	// top; nil adds nothing.
	Observe func(Outcome) []slog.Attr
}

// Outcome is the answer of an operation: its status, and its code if it is an error.
type Outcome struct {
	Operation *operation.Operation
	Status    int
	Code      apierr.Code // empty for a right answer
}

// OneKey returns a [Config.Accepts] that always accepts one key: for tests and trials.
func OneKey(key secret.Value) func(context.Context, secret.Value) (bool, error) {
	return func(_ context.Context, bearer secret.Value) (bool, error) { return key.Equal(bearer), nil }
}

// API is the HTTP handler of operations.
type API struct {
	Config
	mux *http.ServeMux
	// paths knows each path without its method, and rows the operations of the path's pattern. A path
	// such as /v1/users/count belongs to its own pattern alone, also for methods that only
	// /v1/users/{user_id} has.
	paths *http.ServeMux
	rows  map[string][]operation.Operation
	// areas are the first segments of the paths of operations.
	areas map[string]bool
}

// New returns the handler of the given operations: [Operations], or those of one function.
func New(c Config, operations ...operation.Operation) (*API, error) {
	if c.Service == nil || c.Log == nil || c.Address == nil || c.Accepts == nil {
		return nil, errors.New("api: Service, Log, Address and Accepts are needed")
	}
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || strings.HasSuffix(c.PublicURL, "/") {
		return nil, fmt.Errorf("api: public URL %q is not an absolute URL without a slash at the end", c.PublicURL)
	}
	a := &API{Config: c, mux: http.NewServeMux(), paths: http.NewServeMux(), rows: map[string][]operation.Operation{}, areas: map[string]bool{}}
	for _, op := range operations {
		a.areas[area(op.Path)] = true
		for _, spelling := range operation.Spellings(op.Path) {
			if a.rows[spelling] == nil {
				a.paths.HandleFunc(spelling, http.NotFound)
			}
			a.rows[spelling] = append(a.rows[spelling], op)
			a.mux.HandleFunc(op.Method+" "+spelling, func(_ http.ResponseWriter, r *http.Request) { a.serve(r, &op) })
		}
	}
	return a, nil
}

// ServeHTTP answers one request and logs one line about it.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	x := &exchange{ResponseWriter: w, traceID: traceID(), operation: "none"}
	r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
	defer func() {
		if p := recover(); p != nil {
			a.Log.Error("panic", "trace", x.traceID, "operation", x.operation, "type", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			if x.status == 0 {
				a.fail(x, r, errors.New("panic"))
			}
		}
		about := []slog.Attr{slog.String("operation", x.operation), slog.String("method", r.Method), slog.Int("status", x.status)}
		if x.code != "" {
			about = append(about, slog.String("code", string(x.code)))
		}
		about = append(about, slog.String("trace", x.traceID), slog.Int64("us", time.Since(start).Microseconds()))
		a.Log.LogAttrs(r.Context(), slog.LevelInfo, "request", append(about, x.noted...)...)
	}()
	x.Header().Set("X-Clerk-Trace-Id", x.traceID)
	x.Header().Set("Cache-Control", "no-store")
	x.Header().Set("X-Content-Type-Options", "nosniff")
	x.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'") // no page
	if a.Secure() {
		x.Header().Set("Strict-Transport-Security", "max-age=31536000")
	}
	joinRepeated(r)
	if err := override(x, r); err != nil {
		a.failReadably(x, r, err)
		return
	}
	if !clean(r.URL.Path) {
		a.failReadably(x, r, apierr.New(apierr.ResourceNotFound))
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	if allowed, _ := a.methods(r); !slices.Contains(allowed, method) {
		a.unrouted(x, r)
		return
	}
	a.mux.ServeHTTP(x, r)
}

// Owns reports whether a path is in the API's part of a server: its first segment is that of an
// operation. The API answers unknown paths there with errors in JSON.
func (a *API) Owns(path string) bool { return a.areas[area(path)] }

func area(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}

func (a *API) call(x *exchange, r *http.Request) *operation.Call {
	return &operation.Call{Context: r.Context(), Instance: &a.Instance, Request: r, Answer: x}
}

// serve checks who is calling and runs the operation.
func (a *API) serve(r *http.Request, op *operation.Operation) {
	x := r.Context().Value(exchangeKey{}).(*exchange)
	c := a.call(x, r)
	if x.overridden && op.Surface != operation.Frontend {
		a.fail(x, r, apierr.New(apierr.MethodNotAllowed))
		return
	}
	if !op.Served() {
		a.elsewhere(x, r)
		return
	}
	x.operation = op.Name
	if a.Observe != nil {
		defer func() { x.noted = a.Observe(Outcome{op, x.status, x.code}) }()
	}
	if err := a.admit(c, op.Surface); err != nil {
		a.fail(x, r, err)
		return
	}
	if err := op.Serve(c); err != nil {
		a.fail(x, r, err)
	}
}

// clean reports whether the mux would serve a path without a redirect: SDKs do not follow redirects
// across origins.
func clean(p string) bool {
	return strings.HasPrefix(p, "/") && strings.TrimSuffix(p, "/") == strings.TrimSuffix(path.Clean(p), "/") && !strings.HasSuffix(p, "//")
}

type exchangeKey struct{}

// exchange is the answer to one request while it is made, with what the log says about it.
type exchange struct {
	http.ResponseWriter
	traceID   string
	operation string
	// overridden reports that the method came from the query, which the Frontend API alone allows.
	overridden bool
	status     int
	code       apierr.Code
	noted      []slog.Attr
}

// WriteHeader remembers the status for the log.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 {
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

func traceID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// override turns a POST with _method in the query into a request with that method, because clerk-js
// sends nothing but GET and POST.
func override(x *exchange, r *http.Request) error {
	given := r.URL.Query()["_method"]
	if r.Method != http.MethodPost || len(given) == 0 || len(given) == 1 && given[0] == "" {
		return nil
	}
	switch method := given[0]; method { // methods are case-sensitive (RFC 9110 section 9.1)
	case http.MethodPatch, http.MethodPut, http.MethodDelete:
		if len(given) == 1 { // of two, one reader takes the first and another the last
			r.Method, x.overridden = method, true
			return nil
		}
	}
	return apierr.New(apierr.MethodNotAllowed)
}

// methods returns the methods that a path has operations for, and whether one of them is of the
// Backend API.
func (a *API) methods(r *http.Request) (allowed []string, backend bool) {
	probe := &http.Request{Method: http.MethodGet, URL: r.URL, Host: r.Host}
	_, pattern := a.paths.Handler(probe)
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, op := range a.rows[pattern] {
			if op.Method == method {
				allowed = append(allowed, method)
				backend = backend || op.Surface == operation.Backend
			}
		}
	}
	return allowed, backend
}

// unrouted answers a request without a row: 404 for an unknown path, 405 for an unknown method, and
// the preflight of browsers.
func (a *API) unrouted(x *exchange, r *http.Request) {
	allowed, backend := a.methods(r)
	switch {
	case len(allowed) == 0:
		a.failReadably(x, r, apierr.New(apierr.ResourceNotFound))
	case r.Method == http.MethodOptions && !backend:
		a.preflight(x, r, allowed)
	default:
		x.Header().Set("Allow", strings.Join(allowed, ", "))
		a.failReadably(x, r, apierr.New(apierr.MethodNotAllowed))
	}
}

// fail answers with the error of the catalogue that err wraps. Any other error is logged and
// answered as internal: its text is not shown.
func (a *API) fail(x *exchange, r *http.Request, err error) {
	e := apierr.From(err)
	if errors.Is(err, store.ErrUnavailable) {
		e = apierr.New(apierr.ServiceUnavailable).Retry(time.Second)
	}
	if wire.Status(e.Code()) >= http.StatusInternalServerError {
		a.Log.Error("request failed", "operation", x.operation, "trace", x.traceID, "error", err.Error())
	}
	x.code = e.Code()
	operation.WriteError(x, r, e, x.traceID)
}
