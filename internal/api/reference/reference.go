// Package reference serves the OpenAPI document, and the reference page made from the same table.
package reference

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"html"
	"io"
	"net/http"
	"sync"

	"github.com/countersign-mfa/countersign/internal/web"
)

// Path is the path of the reference page, OpenAPIPath that of the OpenAPI document.
const (
	Path        = "/reference"
	OpenAPIPath = "/openapi.yaml"
)

// Paths are both paths, for the gateway's routes.
var Paths = []string{OpenAPIPath, Path}

// placeholder stands in the page for the address of the server: openapi.PublicURL.
const placeholder = "https://countersign.invalid"

// The files are compressed by gzip. A test of package openapi writes them from the table. Made
// here, they would link the whole API into the function of the pages. As text they add 0.5 MB.
var (
	//go:embed openapi.yaml.gz
	openAPI []byte
	//go:embed reference.html.gz
	page []byte
)

// Page returns the reference page, whose commands call the server at a public URL.
func Page(publicURL string) web.DocumentFunc {
	body := sync.OnceValues(func() ([]byte, error) {
		text, err := Text(page)
		return bytes.ReplaceAll(text, []byte(placeholder), []byte(html.EscapeString(publicURL))), err
	})
	return func(*http.Request) (web.Document, error) {
		text, err := body()
		return web.Document{Title: "Reference", Body: text}, err
	}
}

// OpenAPI returns the handler of [OpenAPIPath].
func OpenAPI() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, text := w.Header(), openAPI
		h.Set("Vary", "Accept-Encoding")
		if web.AcceptsGzip(r) {
			h.Set("Content-Encoding", "gzip")
		} else {
			var err error
			if text, err = Text(text); err != nil {
				http.Error(w, "The document cannot be shown.", http.StatusInternalServerError)
				return
			}
		}
		h.Set("Content-Type", "application/yaml; charset=utf-8")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "public, max-age=300")
		_, _ = w.Write(text)
	})
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
