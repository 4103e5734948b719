package lambdahost

import (
	"net/http"
	"testing"
)

// TestPathIsKept holds that the handler sees the path of the event as it is. In the text of a URL,
// two slashes begin a host (RFC 3986, section 3.3), and /v1/client would answer //a/v1/client.
func TestPathIsKept(t *testing.T) {
	for _, path := range []string{
		"/", "//", "///", "//a/v1/client", "//a/v1/client/", "//[::1/v1/client", "//a:b/v1", "//@/", "/v1/a%25", "/v1/a%2Fb",
		"/v1/a?b", "/v1/a#b", "/v1/a\r\nb", "/v1/a\x00", "/v1/a:b", `/\a/v1`, "/../v1", "/v1/ü",
	} {
		t.Run(path, func(t *testing.T) {
			var e event
			e.RawPath, e.RawQueryString = path, "x=%2F"
			e.RequestContext.HTTP.Method = http.MethodGet
			e.RequestContext.DomainName = "api.example"
			var got *http.Request
			out, err := Handle(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r }))(t.Context(), e)
			if err != nil || got == nil {
				t.Fatalf("answer %d, error %v: the handler saw no request", out.StatusCode, err)
			}
			if got.URL.Path != path || got.URL.RawQuery != "x=%2F" || got.URL.Host != "" || got.Host != "api.example" {
				t.Errorf("got path %q, query %q, hosts %q and %q", got.URL.Path, got.URL.RawQuery, got.URL.Host, got.Host)
			}
		})
	}
}
