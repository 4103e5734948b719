package reference_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/api/openapi"
	"github.com/countersign-mfa/countersign/internal/api/reference"
)

// TestTheOpenAPIDocument: it comes compressed to callers that can read that, and as text to others.
func TestTheOpenAPIDocument(t *testing.T) {
	for _, encoding := range []string{"", "gzip", "br, gzip", "gzip;q=0"} {
		r, w := httptest.NewRequest("GET", reference.OpenAPIPath, nil), httptest.NewRecorder()
		r.Header.Set("Accept-Encoding", encoding)
		reference.OpenAPI().ServeHTTP(w, r)
		text := w.Body.Bytes()
		compressed := w.Header().Get("Content-Encoding") == "gzip"
		if compressed {
			if len(text) > 100_000 {
				t.Errorf("%d bytes compressed", len(text))
			}
			var err error
			if text, err = reference.Text(text); err != nil {
				t.Fatal(err)
			}
		}
		if w.Code != 200 || compressed != strings.HasSuffix(encoding, "gzip") || w.Header().Get("Vary") != "Accept-Encoding" || !strings.Contains(string(text), "openapi: 3.1.0") {
			t.Errorf("with %q: %d, %v", encoding, w.Code, w.Header())
		}
	}
}

// TestThePage: its commands call the server that shows it, whose address is escaped.
func TestThePage(t *testing.T) {
	for address, want := range map[string]string{"https://auth.example.com": "curl \\\n  &#39;https://auth.example.com/v1/", `https://a.example/"><script>`: "https://a.example/&#34;&gt;&lt;script&gt;/v1/"} {
		page, err := reference.Page(address)(httptest.NewRequest("GET", reference.Path, nil))
		if err != nil {
			t.Fatal(err)
		}
		if text := string(page.Body); !strings.Contains(text, want) || strings.Contains(text, openapi.PublicURL) || strings.Contains(text, "<script") {
			t.Errorf("%s: no %q", address, want)
		}
	}
}

// TestTextOfAnotherForm: a file that gzip did not write is an error.
func TestTextOfAnotherForm(t *testing.T) {
	if text, err := reference.Text([]byte("openapi: 3.1.0")); err == nil {
		t.Errorf("%q", text)
	}
}
