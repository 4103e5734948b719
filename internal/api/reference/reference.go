// Package reference serves the OpenAPI document, and the reference page made from the same table.
package reference

import (
	"net/http"
	"sync"

	"github.com/countersign-mfa/countersign/docs"
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/api/openapi"
)

// Paths are the paths that [New] serves with GET.
var Paths = []string{"/openapi.yaml", "/reference"}

// policy is the Content-Security-Policy of the page: its own style and nothing else.
const policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// New returns the handler of [Paths]. The first request makes the reference page, because it takes
// 8 ms and few processes show it. An error of its template is a 500.
func New() http.Handler {
	mux := http.NewServeMux()
	for path, file := range map[string]struct {
		kind string
		text func() ([]byte, error)
	}{
		Paths[0]: {"application/yaml; charset=utf-8", func() ([]byte, error) { return docs.OpenAPI, nil }},
		Paths[1]: {"text/html; charset=utf-8", sync.OnceValues(func() ([]byte, error) { return openapi.Page(api.Operations()) })},
	} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			text, err := file.text()
			if err != nil {
				http.Error(w, "The reference cannot be shown.", http.StatusInternalServerError)
				return
			}
			h := w.Header()
			h.Set("Content-Type", file.kind)
			h.Set("Content-Security-Policy", policy)
			h.Set("X-Content-Type-Options", "nosniff")
			h.Set("Cache-Control", "public, max-age=300")
			_, _ = w.Write(text)
		})
	}
	return mux
}
