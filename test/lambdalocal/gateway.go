package lambdalocal

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api/operation"
)

// maxBody is the gateway's limit, 10 MB.
const maxBody = 10 << 20

// Slash says how a gateway treats a path that ends in a slash. Reports about HTTP APIs differ, so
// tests try every way.
type Slash string

// Ways to treat a slash at the end.
const (
	// Strict matches /x/ with a greedy route only.
	Strict Slash = "strict"
	// Strips matches /x/ with the route /x, and removes the slash from the event's path.
	Strips Slash = "strips"
	// Tolerates matches /x/ with the route /x, and keeps the event's path.
	Tolerates Slash = "tolerates"
)

// Invoke passes an event to a function.
type Invoke func(r *http.Request, function string, event []byte) ([]byte, error)

// Gateway answers as an HTTP API does: it finds the route, passes an event of payload format 2.0 to
// the function, and converts the answer.
type Gateway struct {
	mux    *http.ServeMux
	slash  Slash
	invoke Invoke
}

// NewGateway returns a gateway with these routes. It refuses a route key that ends in a slash, as
// HTTP APIs do: "A route path must always start with a "/" and not end with a "/"" (HttpRouteKey of
// the CDK). An import drops such a route, or fails where failOnWarnings is set.
func NewGateway(routes []operation.Route, slash Slash, invoke Invoke) (*Gateway, error) {
	g := &Gateway{http.NewServeMux(), slash, invoke}
	for _, e := range routes {
		if !strings.HasPrefix(e.Path, "/") || e.Path != "/" && strings.HasSuffix(e.Path, "/") {
			return nil, fmt.Errorf("%s: a route's path begins with a slash and does not end in one", e.Key())
		}
		pattern := strings.TrimPrefix(strings.ReplaceAll(e.Key(), "+}", "...}"), plan.Any+" ")
		if e.Path == "/" {
			pattern += "{$}"
		}
		g.mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, e) })
	}
	return g, nil
}

// ServeHTTP implements [http.Handler].
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if short := strings.TrimSuffix(r.URL.Path, "/"); g.slash != Strict && short != "" && short != r.URL.Path {
		r = r.Clone(context.WithValue(r.Context(), shortened{}, true))
		r.URL.Path, r.URL.RawPath = short, strings.TrimSuffix(r.URL.RawPath, "/")
	}
	if _, pattern := g.mux.Handler(r); pattern == "" {
		fail(w, http.StatusNotFound, "Not Found")
		return
	}
	g.mux.ServeHTTP(w, r)
}

// shortened is the context key of requests whose path ended in a slash.
type shortened struct{}

func fail(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, e operation.Route) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		fail(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
		return
	}
	made := Event(r, e, body)
	if g.slash == Tolerates && r.Context().Value(shortened{}) != nil {
		made.RawPath, made.RequestContext.HTTP.Path = made.RawPath+"/", made.RequestContext.HTTP.Path+"/"
	}
	event, err := json.Marshal(made)
	if err == nil {
		var answered []byte
		if answered, err = g.invoke(r, e.Group, event); err == nil {
			err = write(w, answered)
		}
	}
	if err != nil {
		fail(w, http.StatusInternalServerError, "Internal Server Error")
	}
}

// Event returns the event of a request: header names in lower case with their values joined by
// commas, cookies separate, a binary body in base 64.
func Event(r *http.Request, e operation.Route, body []byte) events.APIGatewayV2HTTPRequest {
	headers := map[string]string{"host": r.Host}
	for name, values := range r.Header {
		if name != "Cookie" {
			headers[strings.ToLower(name)] = strings.Join(values, ",")
		}
	}
	var cookies []string
	for _, line := range r.Header.Values("Cookie") {
		cookies = append(cookies, strings.Split(line, "; ")...)
	}
	address, _, _ := net.SplitHostPort(r.RemoteAddr)
	now := time.Now()
	event := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: e.Key(), RawPath: r.URL.EscapedPath(), RawQueryString: r.URL.RawQuery, Cookies: cookies, Headers: headers,
		QueryStringParameters: joined(r.URL.Query()),
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey: e.Key(), AccountID: "111122223333", Stage: "$default", RequestID: fmt.Sprintf("local%d=", now.UnixNano()), APIID: "local", DomainName: r.Host,
			DomainPrefix: "local", Time: now.UTC().Format("02/Jan/2006:15:04:05 -0700"), TimeEpoch: now.UnixMilli(),
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: r.Method, Path: r.URL.Path, Protocol: r.Proto, SourceIP: address, UserAgent: r.UserAgent()},
		},
	}
	for _, name := range parameters(e.Path) {
		if event.PathParameters == nil {
			event.PathParameters = map[string]string{}
		}
		event.PathParameters[name] = r.PathValue(name)
	}
	kind := r.Header.Get("Content-Type")
	if len(body) > 0 && !strings.HasPrefix(kind, "text/") && !strings.HasPrefix(kind, "application/json") {
		event.Body, event.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
	} else {
		event.Body = string(body)
	}
	return event
}

func joined(values url.Values) map[string]string {
	if len(values) == 0 {
		return nil
	}
	out := map[string]string{}
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

func parameters(path string) []string {
	var names []string
	for _, part := range strings.Split(path, "/") {
		if strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{+}"))
		}
	}
	return names
}

func write(w http.ResponseWriter, answered []byte) error {
	var a events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(answered, &a); err != nil || a.StatusCode == 0 {
		return fmt.Errorf("the function's answer has another form: %w", err)
	}
	body := []byte(a.Body)
	if a.IsBase64Encoded {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return fmt.Errorf("body of the answer: %w", err)
		}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	for _, cookie := range a.Cookies {
		w.Header().Add("Set-Cookie", cookie)
	}
	w.WriteHeader(a.StatusCode)
	_, _ = w.Write(body)
	return nil
}
