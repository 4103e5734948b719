package lambdalocal

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/test/browser"
)

// Edge answers as a CloudFront distribution does with the settings of infra/edge.go, in front of a
// gateway. Each rule names its page of CloudFront's developer guide
// (https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/). What CloudFront may do, it
// does.
type Edge struct {
	// Secret is the value of the header that the distribution adds.
	Secret string
	// KeepsErrors is how long errors are kept. The distribution says 0; CloudFront's default is 10 s.
	KeepsErrors time.Duration

	origin http.Handler
	now    func() time.Time

	mu   sync.Mutex
	kept map[string]keptAnswer
}

type keptAnswer struct {
	browser.Answer
	until time.Time
}

// NewEdge returns a distribution in front of the gateway at a URL. Its caller's address is the one
// of the connection.
func NewEdge(gateway, secret string, now func() time.Time) (*Edge, error) {
	to, err := url.Parse(gateway)
	if err != nil {
		return nil, fmt.Errorf("gateway of the distribution: %w", err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // the Host header is forwarded
		r.Out.Header = r.In.Header.Clone()
	}}
	return &Edge{Secret: secret, origin: proxy, now: now, kept: map[string]keptAnswer{}}, nil
}

// Limits of CloudFront ("Quotas").
const (
	edgeURL     = 8192
	edgeRequest = 20_480
)

// edgeMethods are those of the default behaviour and of cached paths.
var edgeMethods = map[bool][]string{
	false: {"GET", "HEAD", "OPTIONS", "PUT", "PATCH", "POST", "DELETE"},
	true:  {"GET", "HEAD", "OPTIONS"},
}

// ServeHTTP implements [http.Handler].
func (e *Edge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	cached := isCached(r.URL.Path)
	switch size := requestSize(r); {
	case !slices.Contains(edgeMethods[cached], r.Method):
		refused(w, http.StatusForbidden) // "Allowed HTTP methods"
		return
	case r.Method == http.MethodGet && r.ContentLength != 0:
		// "If a viewer GET request includes a body, CloudFront returns an HTTP status code 403"
		// ("Request and response behavior for custom origins").
		refused(w, http.StatusForbidden)
		return
	case len(r.RequestURI) > edgeURL || size > edgeRequest:
		// "Maximum length of a request and maximum length of a URL"
		refused(w, http.StatusRequestEntityTooLarge)
		return
	}
	key := cacheKey(r, cached)
	if a, ok := e.find(key); ok {
		a.write(w)
		return
	}
	a := keptAnswer{Answer: browser.Serve(e.origin, e.toOrigin(r, cached))}
	if life := e.life(r, a, cached); life > 0 {
		a.until = e.now().Add(life)
		e.mu.Lock()
		e.kept[key] = a
		e.mu.Unlock()
	}
	a.write(w)
}

// isCached reports whether a cached behaviour takes the path. A path is made plain before ("Path
// pattern": "CloudFront normalizes URI paths consistent with RFC 3986 and then matches the path").
func isCached(given string) bool {
	plain := path.Clean(given)
	return slices.ContainsFunc(plan.CachedByEdge(), func(pattern string) bool { return strings.HasPrefix(plain, strings.TrimSuffix(pattern, "*")) })
}

// cacheKey has the host, the path, and in cached behaviours the Origin and whether gzip is
// accepted. Queries and cookies are not in it ("Understand cache policies").
func cacheKey(r *http.Request, cached bool) string {
	key := r.Host + " " + r.URL.EscapedPath()
	if cached {
		key += " " + r.Header.Get("Origin") + " " + strconv.FormatBool(strings.Contains(r.Header.Get("Accept-Encoding"), "gzip"))
	}
	return key
}

func (e *Edge) find(key string) (keptAnswer, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a, ok := e.kept[key]
	return a, ok && e.now().Before(a.until)
}

// life returns how long an answer is kept. "CloudFront always caches responses to GET and HEAD
// requests" ("How CloudFront processes HTTP 4xx and 5xx status codes from your origin").
func (e *Edge) life(r *http.Request, a keptAnswer, cached bool) time.Duration {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return 0
	}
	control := a.Header.Get("Cache-Control")
	private := strings.Contains(control, "no-store") || strings.Contains(control, "no-cache") || strings.Contains(control, "private")
	if a.Status >= http.StatusBadRequest {
		return e.lifeOfError(a.Status, private, control)
	}
	if private || !cached { // the policy CachingDisabled has a maximum of 0
		return 0
	}
	return maxAge(control)
}

// lifeOfError follows "Control how long CloudFront caches errors": of 404, 410, 414 and 501 only,
// no-store counts. The statuses 400, 403, 412 and 415 are kept with max-age only.
func (e *Edge) lifeOfError(status int, private bool, control string) time.Duration {
	always := []int{404, 405, 410, 414, 500, 501, 502, 503, 504}
	obeys := []int{404, 410, 414, 501}
	byAge := []int{400, 403, 412, 415}
	switch {
	case slices.Contains(byAge, status) && maxAge(control) > 0, slices.Contains(always, status) && (!private || !slices.Contains(obeys, status)):
		return max(e.KeepsErrors, maxAge(control))
	}
	return 0
}

func maxAge(control string) time.Duration {
	for _, part := range strings.Split(control, ",") {
		if text, ok := strings.CutPrefix(strings.TrimSpace(part), "max-age="); ok {
			seconds, _ := strconv.Atoi(text)
			return time.Duration(seconds) * time.Second
		}
	}
	return 0
}

// removed are the headers that never reach an origin ("HTTP request headers and CloudFront
// behavior").
var removed = []string{"Expect", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Upgrade", "X-Forwarded-Proto", "X-Http-Method-Override", "X-Real-Ip"}

// toOrigin returns the request as the gateway gets it.
func (e *Edge) toOrigin(r *http.Request, cached bool) *http.Request {
	out := r.Clone(r.Context())
	stripSlashes(out.URL)
	address, port, _ := net.SplitHostPort(r.RemoteAddr)
	for name := range out.Header {
		// "CloudFront removes all X-Edge-* headers".
		if slices.Contains(removed, name) || strings.HasPrefix(name, "X-Edge-") {
			out.Header.Del(name)
		}
	}
	if cached { // the origin request policy of these paths, and its cache policy
		kept := http.Header{}
		for _, name := range []string{"Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers", "X-Forwarded-For"} {
			if values := out.Header.Values(name); len(values) > 0 {
				kept[name] = values
			}
		}
		if strings.Contains(out.Header.Get("Accept-Encoding"), "gzip") {
			kept.Set("Accept-Encoding", "gzip")
		}
		out.Header, out.URL.RawQuery = kept, ""
	}
	// "gets the IP address of the viewer from the TCP connection, appends it to the end of the
	// X-Forwarded-For header" ("Client IP addresses").
	forwarded := append(out.Header.Values("X-Forwarded-For"), address)
	out.Header.Set("X-Forwarded-For", strings.Join(forwarded, ", "))
	out.Header.Set("Via", "1.1 local.cloudfront.net (CloudFront)")
	out.Header.Set("X-Amz-Cf-Id", "local")
	// "If a header is present, CloudFront overwrites the header value before forwarding the request
	// to the origin" ("Add custom headers to origin requests").
	out.Header.Set(lambdahost.EdgeHeader, e.Secret)
	// CloudFront makes this header itself, without brackets ("Add CloudFront request headers").
	out.Header.Set(lambdahost.ViewerHeader, address+":"+port)
	return out
}

// stripSlashes is the CloudFront Function infra/edge.js.
func stripSlashes(u *url.URL) {
	text := u.EscapedPath()
	for len(text) > 1 && strings.HasSuffix(text, "/") {
		text = strings.TrimSuffix(text, "/")
	}
	if decoded, err := url.PathUnescape(text); err == nil {
		u.Path, u.RawPath = decoded, text
	}
}

func requestSize(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(": \r\n") + len(v)
		}
	}
	return n
}

// refused writes CloudFront's own answer.
func refused(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "text/html")
	w.Header().Set("X-Cache", "Error from cloudfront")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "<TITLE>ERROR: The request could not be satisfied</TITLE>")
}

func (a keptAnswer) write(w http.ResponseWriter) {
	for name, values := range a.Header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}
