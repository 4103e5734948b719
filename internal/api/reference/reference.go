// Package reference serves the OpenAPI document, and the reference page made from the same table.
package reference

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"net/http"

	"github.com/countersign-mfa/countersign/internal/web"
)

// Paths are the paths that [New] serves with GET.
var Paths = []string{"/openapi.yaml", "/reference"}

// policy is the Content-Security-Policy of the page: its own style and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// The files are compressed by gzip. A test of package openapi writes them from the table. Made
// here, they would link the whole API into the function of the pages. As text they add 0.5 MB.
var (
	//go:embed openapi.yaml.gz
	document []byte
	//go:embed reference.html.gz
	page []byte
)

// New returns the handler of [Paths].
func New() http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]struct {
		kind       string
		compressed []byte
	}{
		Paths[0]: {"application/yaml; charset=utf-8", document},
		Paths[1]: {"text/html; charset=utf-8", page},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			h, text := w.Header(), file.compressed
			h.Set("Vary", "Accept-Encoding")
			if web.AcceptsGzip(r) {
				h.Set("Content-Encoding", "gzip")
			} else {
				var err error
				if text, err = Text(text); err != nil {
					http.Error(w, "The reference cannot be shown.", http.StatusInternalServerError)
					return
				}
			}
			h.Set("Content-Type", file.kind)
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(text)
		})
	}
	return mux
}

// Text returns what gzip compressed. Its error is for a file that gzip did not write.
func Text(compressed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	return text, nil
}
