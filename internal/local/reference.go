package local

import (
	"net/http"

	"github.com/countersign-mfa/countersign"
	"github.com/countersign-mfa/countersign/docs"
	"github.com/countersign-mfa/countersign/internal/api"
	"github.com/countersign-mfa/countersign/internal/openapi"
)

func (a *App) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	_, _ = w.Write(docs.OpenAPI)
}

func (a *App) readme(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(countersign.Readme)
}

func (a *App) reference(w http.ResponseWriter, _ *http.Request) {
	page, err := openapi.Page(api.Operations())
	if err != nil {
		a.Log.Error("reference page", "error", err.Error())
		http.Error(w, "The page could not be made. The server's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	_, _ = w.Write(page)
}
