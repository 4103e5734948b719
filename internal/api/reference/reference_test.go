package reference_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api/reference"
)

// TestTheReference: both files come compressed to callers that can read that, and as text to
// others.
func TestTheReference(t *testing.T) {
	for path, begin := range map[string]string{"/openapi.yaml": "openapi: 3.1.0", "/reference": "<!doctype html>"} {
		for _, encoding := range []string{"", "gzip", "br, gzip", "gzip;q=0"} {
			r, w := httptest.NewRequest("GET", path, nil), httptest.NewRecorder()
			r.Header.Set("Accept-Encoding", encoding)
			reference.New().ServeHTTP(w, r)
			text := w.Body.Bytes()
			compressed := w.Header().Get("Content-Encoding") == "gzip"
			if compressed {
				if len(text) > 100_000 {
					t.Errorf("%s has %d bytes compressed", path, len(text))
				}
				var err error
				if text, err = reference.Text(text); err != nil {
					t.Fatal(err)
				}
			}
			if w.Code != 200 || compressed != strings.HasSuffix(encoding, "gzip") || w.Header().Get("Vary") != "Accept-Encoding" || !strings.Contains(string(text), begin) {
				t.Errorf("%s with %q: %d, %v", path, encoding, w.Code, w.Header())
			}
		}
	}
}

// TestTextOfAnotherForm: a file that gzip did not write is an error.
func TestTextOfAnotherForm(t *testing.T) {
	if text, err := reference.Text([]byte("openapi: 3.1.0")); err == nil {
		t.Errorf("%q", text)
	}
}
