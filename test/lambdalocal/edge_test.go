package lambdalocal_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/test/lambdalocal"
)

// Pages of https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/ that the rules come
// from.
const (
	pageOrigin  = "RequestAndResponseBehaviorCustomOrigin.html"
	pageCustom  = "add-origin-custom-headers.html"
	pageHeaders = "adding-cloudfront-headers.html"
	pageErrors  = "custom-error-pages-expiration.html"
	pageCache   = "cache-key-understand-cache-policy.html"
)

// distribution is a stand-in for CloudFront before an origin that records requests.
type distribution struct {
	*lambdalocal.Edge
	*testing.T
	got    []*http.Request // what the origin saw, in order
	status int
	header http.Header
	now    time.Time
}

func newDistribution(t *testing.T) *distribution {
	d := &distribution{T: t, status: http.StatusOK, header: http.Header{}, now: time.Unix(1_800_000_000, 0)}
	origin := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.got = append(d.got, r)
		for name, values := range d.header {
			w.Header()[name] = values
		}
		w.WriteHeader(d.status)
		_, _ = io.WriteString(w, r.Header.Get("Cookie"))
	}))
	t.Cleanup(origin.Close)
	var err error
	if d.Edge, err = lambdalocal.NewEdge(origin.URL, "the-secret", func() time.Time { return d.now }); err != nil {
		t.Fatal(err)
	}
	return d
}

// ask sends a viewer's request. The result is the answer's status, and what the origin saw of it,
// if it saw it.
func (d *distribution) ask(method, target, body string, headers ...string) (status int, seen *http.Request) {
	d.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "clerk.example.com", "[2001:db8::7]:4711"
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	before := len(d.got)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if len(d.got) > before {
		seen = d.got[before]
	}
	return w.Code, seen
}

// TestWhatCloudFrontSends: each rule about headers and paths, with its source.
func TestWhatCloudFrontSends(t *testing.T) {
	for what, c := range map[string]struct {
		path   string
		send   []string // headers of the viewer
		header string   // at the origin
		want   string
		source string
	}{
		"the secret":                      {"/v1/me", nil, "X-Countersign-Edge", "the-secret", pageCustom},
		"a viewer's secret is replaced":   {"/v1/me", []string{"X-Countersign-Edge", "guess"}, "X-Countersign-Edge", "the-secret", pageCustom},
		"two of them too":                 {"/v1/me", []string{"x-countersign-edge", "a", "X-COUNTERSIGN-EDGE", "b"}, "X-Countersign-Edge", "the-secret", pageCustom},
		"the viewer's address":            {"/v1/me", nil, "CloudFront-Viewer-Address", "2001:db8::7:4711", pageHeaders},
		"a viewer's word is replaced":     {"/v1/me", []string{"CloudFront-Viewer-Address", "203.0.113.9:1"}, "CloudFront-Viewer-Address", "2001:db8::7:4711", pageHeaders},
		"X-Forwarded-For is continued":    {"/v1/me", []string{"X-Forwarded-For", "203.0.113.9"}, "X-Forwarded-For", "203.0.113.9, 2001:db8::7", pageOrigin},
		"X-Edge-* is removed":             {"/v1/me", []string{"X-Edge-Location", "FRA"}, "X-Edge-Location", "", pageOrigin},
		"X-Real-IP is removed":            {"/v1/me", []string{"X-Real-Ip", "203.0.113.9"}, "X-Real-Ip", "", pageOrigin},
		"X-Forwarded-Proto is removed":    {"/v1/me", []string{"X-Forwarded-Proto", "http"}, "X-Forwarded-Proto", "", pageOrigin},
		"the key reaches the API":         {"/v1/users", []string{"Authorization", "Bearer sk"}, "Authorization", "Bearer sk", pageCustom},
		"the cookie reaches the API":      {"/v1/me", []string{"Cookie", "__client=1"}, "Cookie", "__client=1", pageOrigin},
		"no cookie reaches cached paths":  {"/assets/x.js", []string{"Cookie", "__client=1"}, "Cookie", "", pageCache},
		"no key reaches cached paths":     {"/.well-known/jwks.json", []string{"Authorization", "Bearer sk"}, "Authorization", "", pageCache},
		"an origin reaches cached paths":  {"/.well-known/jwks.json", []string{"Origin", "https://a.example"}, "Origin", "https://a.example", pageCache},
		"dots do not lead a key to one":   {"/assets/../v1/me", []string{"Authorization", "Bearer sk"}, "Authorization", "Bearer sk", pageCache},
		"the secret reaches cached paths": {"/assets/x.js", []string{"X-Countersign-Edge", "guess"}, "X-Countersign-Edge", "the-secret", pageCustom},
	} {
		d := newDistribution(t)
		if _, seen := d.ask(http.MethodGet, c.path, "", c.send...); seen == nil || strings.Join(seen.Header.Values(c.header), " and ") != c.want || seen.Host != "clerk.example.com" {
			t.Errorf("%s (%s): the origin sees %v, want %s %q", what, c.source, seen, c.header, c.want)
		}
	}
	for path, want := range map[string]string{"/v1/me/phone_numbers/": "/v1/me/phone_numbers", "/": "/", "//": "/", "/v1/me///": "/v1/me", "/a%2F/": "/a%2F"} {
		d := newDistribution(t)
		if _, seen := d.ask(http.MethodGet, "http://clerk.example.com"+path, ""); seen == nil || seen.URL.EscapedPath() != want {
			t.Errorf("%s arrives as %v, want %s (infra/edge.js)", path, seen, want)
		}
	}
}

// TestWhatCloudFrontRefuses: these requests never reach the gateway.
func TestWhatCloudFrontRefuses(t *testing.T) {
	for what, c := range map[string]struct {
		method, target, body string
		want                 int
		source               string
	}{
		"a GET with a body":         {http.MethodGet, "/v1/me", "body", 403, pageOrigin},
		"a method that HTTP lacks":  {"BREW", "/v1/me", "", 403, "DownloadDistValuesCacheBehavior.html"},
		"a POST to a cached path":   {http.MethodPost, "/assets/x.js", "body", 403, "DownloadDistValuesCacheBehavior.html"},
		"a URL of 8 KB":             {http.MethodGet, "/" + strings.Repeat("a", 8192), "", 413, pageOrigin},
		"a POST with a body passes": {http.MethodPost, "/v1/me", "body", 200, pageOrigin},
		"a DELETE passes":           {http.MethodDelete, "/v1/me", "", 200, pageOrigin},
	} {
		d := newDistribution(t)
		if got, seen := d.ask(c.method, c.target, c.body); got != c.want || (seen != nil) != (c.want == 200) {
			t.Errorf("%s (%s): %d, and the origin saw it: %v", what, c.source, got, seen != nil)
		}
	}
}

// TestWhatTheStandInKeeps: each rule about caching, with its source. Two viewers ask for the same
// path; the second must not get the first one's answer.
func TestWhatTheStandInKeeps(t *testing.T) {
	const year = "public, max-age=31536000, immutable"
	for what, c := range map[string]struct {
		path, control string
		status        int
		keepsErrors   time.Duration
		kept          bool
		source        string
	}{
		"a file of the pages":                {"/assets/x.js", year, 200, 0, true, pageCache},
		"public keys":                        {"/.well-known/jwks.json", "public, max-age=300", 200, 0, true, pageCache},
		"no-store on a cached path":          {"/assets/x.js", "no-store", 200, 0, false, pageCache},
		"no word on a cached path":           {"/assets/x.js", "", 200, 0, false, pageCache},
		"an answer of the API":               {"/v1/me", year, 200, 0, false, pageCache},
		"an error by default":                {"/v1/me", "no-store", 503, 10 * time.Second, true, pageErrors},
		"an unknown path by default":         {"/v1/me", "", 404, 10 * time.Second, true, pageErrors},
		"an unknown path that says no-store": {"/v1/me", "no-store", 404, 10 * time.Second, false, pageErrors},
		"a refusal without an age":           {"/v1/me", "no-store", 403, 10 * time.Second, false, pageErrors},
		"no session":                         {"/v1/me", "no-store", 401, 10 * time.Second, false, pageErrors},
		"an error, told to forget":           {"/v1/me", "no-store", 503, 0, false, pageErrors},
		"an unknown path, told to forget":    {"/v1/me", "", 404, 0, false, pageErrors},
	} {
		d := newDistribution(t)
		d.KeepsErrors, d.status = c.keepsErrors, c.status
		d.header.Set("Cache-Control", c.control)
		d.ask(http.MethodGet, c.path, "", "Cookie", "__client=1")
		if _, seen := d.ask(http.MethodGet, c.path, "", "Cookie", "__client=2"); (seen == nil) != c.kept {
			t.Errorf("%s (%s): kept %v, want %v", what, c.source, seen == nil, c.kept)
		}
		d.now = d.now.Add(2 * 365 * 24 * time.Hour)
		if _, seen := d.ask(http.MethodGet, c.path, ""); seen == nil {
			t.Errorf("%s (%s): kept for ever", what, c.source)
		}
	}
}
