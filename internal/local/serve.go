package local

import (
	"net/http"
	"strings"
)

// ServeHTTP answers pages and development endpoints, and passes the rest to the API.
func (a *App) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// The pages take the server's time from here, also after the clock was moved.
	w.Header().Set("Date", a.clock.Now().UTC().Format(http.TimeFormat))
	// A proxy may see a chunked body end elsewhere, and the rest as another request.
	if len(r.TransferEncoding) > 0 {
		w.Header().Set("Connection", "close")
	}
	if err := a.guardHost(r); err != nil {
		a.answer(w, nil, err)
		return
	}
	if _, pattern := a.mux.Handler(r); pattern != "" {
		if err := a.guard(r); err != nil {
			a.answer(w, nil, err)
			return
		}
		a.mux.ServeHTTP(w, r)
		return
	}
	if wantsPage(r) && !a.api.Owns(r.URL.Path) {
		a.pages.ServeHTTP(w, r) // the page for unknown paths
		return
	}
	a.api.ServeHTTP(w, r)
}

// wantsPage reports whether a browser asks for a page: it names text/html, which no SDK does.
func wantsPage(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.Contains(r.Header.Get("Accept"), "text/html")
}
