package local

import (
	"net/http"

	"github.com/countersign-mfa/countersign"
)

func (a *App) readme(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write(countersign.Readme)
}
