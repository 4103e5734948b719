package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestARepeatedHeaderIsNotBelieved: of two origins or two media types none counts, in either order.
// A proxy in front may believe the other one.
func TestARepeatedHeaderIsNotBelieved(t *testing.T) {
	const own, evil, form, text = "http://localhost:8080", "https://evil.example", "application/x-www-form-urlencoded", "text/plain"
	for name, c := range map[string]struct {
		origins, types []string
		status         int
		code           string
	}{
		"each once":               {[]string{own}, []string{form}, 200, ""},
		"a foreign origin second": {[]string{own, evil}, []string{form}, 400, "origin_invalid"},
		"a foreign origin first":  {[]string{evil, own}, []string{form}, 400, "origin_invalid"},
		"one origin twice":        {[]string{own, own}, []string{form}, 400, "origin_invalid"},
		"an empty origin first":   {[]string{"", evil}, []string{form}, 400, "origin_invalid"},
		"another type second":     {[]string{own}, []string{form, text}, 415, "unsupported_content_type"},
		"another type first":      {[]string{own}, []string{text, form}, 415, "unsupported_content_type"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := httptest.NewRequest(http.MethodPost, "/v1/client/sign_ins", strings.NewReader("identifier=ada%40example.com"))
			r.Header["Origin"], r.Header["Content-Type"] = c.origins, c.types
			a := w.send(r)
			if c.status == 200 {
				a.ok()
				return
			}
			a.want(c.status, c.code)
			if a.Header.Get("Access-Control-Allow-Origin") == own && len(c.origins) > 1 {
				t.Error("a page may read the answer")
			}
		})
	}
}
