package lambdalocal

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// Limits of an HTTP API
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html) and of an
// invocation (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
const (
	mostHeader  = 10_240           // bytes of the request line and the header values together
	mostBody    = 10 << 20         // bytes of a request's body
	mostWait    = 30 * time.Second // for an integration
	mostPayload = 6 << 20          // bytes of an event, and of a function's answer
)

// Invoke passes an event to a function.
type Invoke func(r *http.Request, function string, event []byte) ([]byte, error)

// GatewayConfig describes an HTTP API.
type GatewayConfig struct {
	Routes []operation.Route
	Slash  Slash
	Invoke Invoke
	// CORS is the gateway's own CORS configuration; nil is none.
	CORS *CORS
	// Wait is how long the gateway waits for a function; 0 is the longest.
	Wait time.Duration
	// Admit reports whether a route's request limit lets a request pass; nil lets all pass.
	Admit func(operation.Route) bool
}

// Gateway answers as an HTTP API does: it finds the route, passes an event of payload format 2.0 to
// the function, and converts the answer. Where AWS documents no behaviour it takes the stricter
// one.
type Gateway struct{ GatewayConfig }

// NewGateway returns a gateway with these routes. It refuses routes and limits that an HTTP API
// refuses.
func NewGateway(c GatewayConfig) (*Gateway, error) {
	if err := checkRoutes(c.Routes); err != nil {
		return nil, err
	}
	if c.Wait > mostWait || c.Wait < 0 {
		return nil, errors.New("a gateway waits at most 30 seconds")
	}
	if c.Wait == 0 {
		c.Wait = mostWait
	}
	return &Gateway{c}, nil
}

// ServeHTTP implements [http.Handler].
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if headerSize(r) > mostHeader {
		fail(w, http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
		return
	}
	if g.CORS != nil {
		w = g.CORS.filter(w, r)
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			g.CORS.preflight(w)
			return
		}
	}
	path, parts := g.path(r.URL)
	m, ok := find(g.Routes, r.Method, parts, g.Slash)
	switch {
	case !ok:
		fail(w, http.StatusNotFound, "Not Found")
	case g.Admit != nil && !g.Admit(m.route):
		// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
		fail(w, http.StatusTooManyRequests, "Too Many Requests")
	default:
		g.serve(w, r, m, path)
	}
}

// path returns the path of the event and its parts for the routes. The gateway decodes a path once:
// see [Event].
func (g *Gateway) path(u *url.URL) (path string, parts []string) {
	path = u.Path
	routed := path
	if short := strings.TrimSuffix(path, "/"); short != "" {
		switch g.Slash {
		case Strips:
			path, routed = short, short
		case Tolerates:
			routed = short
		}
	}
	return path, strings.Split(strings.TrimPrefix(routed, "/"), "/")
}

// headerSize returns the bytes of the request line and of the header's lines.
func headerSize(r *http.Request) int {
	n := len(r.Method) + len(r.URL.RequestURI()) + len(r.Proto) + len("  \r\n") + len("Host: \r\n") + len(r.Host)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + len(": \r\n")
		}
	}
	return n
}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

// serve passes a request to its function. The gateway's own answers are {"message": …} with 413 for
// a long body, 503 after the longest wait, and 500 for a failed function or an answer of another
// form (pages http-api-quotas.html and http-api-troubleshooting-lambda.html of the guide of API
// Gateway).
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, m match, path string) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	event, err := json.Marshal(Event(r, m.route, path, m.values, body))
	if err != nil {
		fail(w, http.StatusInternalServerError, "Internal Server Error")
		return
	}
	if len(event) > mostPayload {
		fail(w, http.StatusRequestEntityTooLarge, "Request Too Long")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), g.Wait)
	defer cancel()
	answered, err := g.Invoke(r.WithContext(ctx), m.route.Group, event)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		fail(w, http.StatusServiceUnavailable, "Service Unavailable")
		return
	case err == nil && len(answered) > mostPayload:
		err = errors.New("the function's answer is over 6 MB")
	case err == nil:
		err = write(w, answered)
	}
	if err != nil {
		fail(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// CORS is the CORS configuration of an HTTP API.
type CORS struct {
	Origins, Methods, Headers []string
}

// filter returns a writer without the function's CORS headers: "If you configure CORS for an API,
// API Gateway ignores CORS headers returned from your backend integration"
// (https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html).
func (c *CORS) filter(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	origin := r.Header.Get("Origin")
	if !slices.Contains(c.Origins, origin) {
		origin = ""
	}
	return &corsWriter{ResponseWriter: w, origin: origin}
}

// preflight answers a preflight: "API Gateway automatically sends a response to preflight OPTIONS
// requests, even if there isn't an OPTIONS route configured for your API" (the same page).
func (c *CORS) preflight(w http.ResponseWriter) {
	if cw, ok := w.(*corsWriter); ok && cw.origin != "" {
		cw.more = map[string]string{"Access-Control-Allow-Methods": strings.Join(c.Methods, ","), "Access-Control-Allow-Headers": strings.Join(c.Headers, ",")}
	}
	w.WriteHeader(http.StatusNoContent)
}

type corsWriter struct {
	http.ResponseWriter
	origin string
	more   map[string]string
}

// WriteHeader replaces the CORS headers.
func (w *corsWriter) WriteHeader(status int) {
	h := w.Header()
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	if w.origin != "" {
		h.Set("Access-Control-Allow-Origin", w.origin)
		for name, value := range w.more {
			h.Set(name, value)
		}
	}
	w.ResponseWriter.WriteHeader(status)
}
