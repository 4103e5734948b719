package local

import (
	"errors"
	"html/template"
	"net/http"

	"github.com/countersign-mfa/countersign/internal/local/guide"
	"github.com/countersign-mfa/countersign/internal/web"
)

var guideTemplate = template.Must(template.New("guide").Parse(`<div id="page"><article class="card prose">{{.}}</article>
<p><a href="/">First page</a> · <a href="` + guide.Root + `">README</a> · <a href="` + guide.Root + `/docs/README.md">Documents</a></p></div>
`))

// readme shows a document of the repository.
func (a *App) readme(r *http.Request) (web.Document, error) {
	file := r.PathValue("file")
	if file == "" {
		file = "README.md"
	}
	page, err := guide.Show(file, a.guided())
	if errors.Is(err, guide.ErrNoDocument) {
		return web.Document{}, web.ErrNoDocument
	}
	return a.document(page.Title, guideTemplate, template.HTML(page.Body), err) //nolint:gosec // the repository's own documents
}

// picture shows a picture of the documents.
func (a *App) picture(w http.ResponseWriter, r *http.Request) {
	data, err := guide.Picture("docs/use/pages/" + r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(data)
}
