// Package reference serves the OpenAPI document, and the reference page made from the same table.
package reference

import (
	_ "embed"
	"net/http"

	"github.com/countersign-mfa/countersign/docs"
)

// Paths are the paths that [New] serves with GET.
var Paths = []string{"/openapi.yaml", "/reference"}

// policy is the Content-Security-Policy of the page: its own style and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// page is the reference page: openapi.Page of the table, which a test of package openapi writes.
//
//go:embed reference.html
var page []byte

// New returns the handler of [Paths].
func New() http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]struct {
		kind string
		text []byte
	}{
		Paths[0]: {"application/yaml; charset=utf-8", docs.OpenAPI},
		Paths[1]: {"text/html; charset=utf-8", page},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			h := w.Header()
			h.Set("Content-Type", file.kind)
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(file.text)
		})
	}
	return mux
}
