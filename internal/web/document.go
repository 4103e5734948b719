package web

import (
	"crypto/rand"
	"errors"
	"net/http"

	"github.com/countersign-mfa/countersign/internal/domain/language"
)

// Document is a page in English that another package writes. It gets the frame of the pages, and
// module document.js, with tabs, copy buttons and a filter.
type Document struct {
	Title string
	// Body is HTML, in which every value is escaped. Its first heading is an h1.
	Body []byte
}

// ErrNoDocument means that a request's path has no document. The answer is the page for unknown
// paths.
var ErrNoDocument = errors.New("web: no such document")

// DocumentFunc returns the document that answers a request. An error becomes status 500.
type DocumentFunc func(*http.Request) (Document, error)

// kindDocument is the kind of every [Document].
const kindDocument kind = "document"

func (p *pages) serveDocument(w http.ResponseWriter, r *http.Request, of DocumentFunc) {
	d, err := of(r)
	if errors.Is(err, ErrNoDocument) {
		p.notFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, "The page could not be made. The server's log says why.", http.StatusInternalServerError)
		return
	}
	now, lang := p.appearances.get(r.Context()), string(language.English)
	texts := now.catalogue[lang]
	view := pageData{
		Lang: lang, Title: d.Title, Name: now.Name, Logo: now.Logo, Nonce: rand.Text(), Base: p.assets.base, Kind: kindDocument,
		Style: now.style, Script: "document.js", Texts: texts, Body: markup(d.Body), Strip: p.strip(texts),
	}
	p.write(w, r, http.StatusOK, now, view)
}

// strip returns the development strip: it says that the data are for a trial and which simulated
// faults are active, and leads to text messages and the first page. It is empty in a deployment.
func (p *pages) strip(texts map[string]string) markup {
	if !p.Development {
		return ""
	}
	var active markup
	if p.Faults != nil {
		for _, fault := range p.Faults() {
			active += join(`<strong class="fault">`, text(texts["dev."+fault+".down"]), `</strong>`)
		}
	}
	return join(`<aside class="strip" aria-label="`, text(texts["dev.strip"]), `"><p>`, text(texts["dev.strip.data"]), `</p>`, active,
		`<p><a href="`, link(PhonePath), `">`, text(texts["dev.strip.phone"]), `</a> <a href="/">`, text(texts["dev.strip.home"]), `</a></p></aside>
`)
}
