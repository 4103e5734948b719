// Package reference serves the OpenAPI document, and the reference page made from the same table.
package reference

import (
	"fmt"
	"net/http"

	"github.com/countersign-mfa/countersign/docs"
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/openapi"
)

// Paths are the paths that [New] serves with GET.
var Paths = []string{"/openapi.yaml", "/reference"}

// policy is the Content-Security-Policy of the page: its own style and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New returns the handler of [Paths].
func New() (http.Handler, error) {
	page, err := openapi.Page(api.Operations())
	if err != nil {
		return nil, fmt.Errorf("reference page: %w", err)
	}
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
	return mux, nil
}
