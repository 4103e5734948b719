package local

import (
	"fmt"
	"html"
	"net/http"
	"regexp"

	"github.com/countersign-mfa/countersign"
)

// target matches the images and links of the README, whose targets are not served.
var target = regexp.MustCompile(`<img [^>]*alt="([^"]*)">|\[([^\]]+)\]\([^)]*\)`)

// readme shows the README as text, without its images and links.
func (a *App) readme(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", pagePolicy)
	text := html.EscapeString(target.ReplaceAllString(string(countersign.Readme), "$1$2"))
	_, _ = fmt.Fprintf(w, `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>README</title><pre style="white-space:pre-wrap;overflow-wrap:anywhere">%s</pre></html>`, text)
}
