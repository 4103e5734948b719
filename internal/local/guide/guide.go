// Package guide shows the project's documents as pages, and takes from them the lines with which an
// application is connected. It is part of the development server alone.
package guide

import (
	"bytes"
	"errors"
	"fmt"
	"html"
	"io/fs"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	rendering "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"

	"github.com/countersign-mfa/countersign"
)

// Root is the path of the first document, README.md. The others are below it.
const Root = "/readme"

const readme = "README.md"

// Address returns the path at which a document of the repository is shown.
func Address(file string) string {
	if file == readme {
		return Root
	}
	return Root + "/" + file
}

// Page is a document as HTML.
type Page struct {
	Title string
	Body  []byte
}

// ErrNoDocument means that the repository has no such document.
var ErrNoDocument = errors.New("guide: no such document")

// reader reads Markdown as GitHub shows it. The documents are this repository's own, so their HTML
// is kept.
var reader = goldmark.New(
	goldmark.WithExtensions(extension.Table, extension.Linkify),
	goldmark.WithParserOptions(parser.WithAutoHeadingID()),
	goldmark.WithRendererOptions(rendering.WithUnsafe()),
)

// Show returns a document of the repository, such as docs/start/go.md, with the address and keys of
// a server. Its links and pictures lead to what the server shows. A link to a file that the server
// does not show is text.
func Show(file string, s Server) (Page, error) {
	source, err := read(file)
	if err != nil {
		return Page{}, err
	}
	tree := reader.Parser().Parse(text.NewReader(source), parser.WithContext(parser.NewContext(parser.WithIDs(headingIDs{}))))
	page := Page{Title: file}
	if err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering {
			retarget(file, n)
		}
		return ast.WalkContinue, nil
	}); err != nil {
		return Page{}, fmt.Errorf("guide: %s: %w", file, err)
	}
	if heading, ok := tree.FirstChild().(*ast.Heading); ok {
		page.Title = plain(heading, source)
	}
	unlink(tree)
	var b bytes.Buffer
	if err := reader.Renderer().Render(&b, source, tree); err != nil {
		return Page{}, fmt.Errorf("guide: %s: %w", file, err)
	}
	page.Body = scrollable(pictures(file, []byte(s.own().Replace(b.String()))))
	return page, nil
}

func read(file string) ([]byte, error) {
	if path.Ext(file) != ".md" || !fs.ValidPath(file) {
		return nil, ErrNoDocument
	}
	source, err := countersign.Docs.ReadFile(file)
	if err != nil {
		return nil, ErrNoDocument
	}
	return source, nil
}

// retarget makes the target of a link or picture one of the server.
func retarget(file string, n ast.Node) {
	switch n := n.(type) {
	case *ast.Link:
		n.Destination = []byte(served(file, string(n.Destination)))
	case *ast.Image:
		n.Destination = []byte(served(file, string(n.Destination)))
	}
}

// served returns the address of what a document links to, or "" if the server does not show it.
func served(file, target string) string {
	u, err := url.Parse(target)
	if err != nil || u.IsAbs() || u.Path == "" || strings.HasPrefix(u.Path, "/") {
		return target
	}
	to := path.Join(path.Dir(file), u.Path)
	if to == "docs/openapi.yaml" {
		return "/openapi.yaml"
	}
	if _, err := fs.Stat(countersign.Docs, to); err != nil || path.Ext(to) == "" {
		return ""
	}
	out := url.URL{Path: Address(to), Fragment: u.Fragment}
	return out.String()
}

// unlink replaces each link without a target by its text.
func unlink(n ast.Node) {
	for child := n.FirstChild(); child != nil; {
		next := child.NextSibling()
		unlink(child)
		if link, ok := child.(*ast.Link); ok && len(link.Destination) == 0 {
			for inner := link.FirstChild(); inner != nil; inner = link.FirstChild() {
				n.InsertBefore(n, link, inner)
			}
			n.RemoveChild(n, link)
		}
		child = next
	}
}

var imageSource = regexp.MustCompile(`(<img [^>]*src=")([^"]*)(")`)

// pictures gives pictures that a document names in HTML their address on the server. Those in
// Markdown have it already.
func pictures(file string, page []byte) []byte {
	return imageSource.ReplaceAllFunc(page, func(img []byte) []byte {
		m := imageSource.FindSubmatch(img)
		target := html.UnescapeString(string(m[2]))
		if !strings.HasPrefix(target, Root+"/") {
			target = served(file, target)
		}
		return []byte(string(m[1]) + html.EscapeString(target) + string(m[3]))
	})
}

// scrollable lets tables and code scroll, so that a narrow window does not. Each table has a name
// of its own, as a landmark needs.
func scrollable(page []byte) []byte {
	parts := strings.Split(strings.ReplaceAll(string(page), "<pre>", `<pre class="scroll" tabindex="0">`), "<table>")
	for i, part := range parts[1:] {
		parts[i+1] = fmt.Sprintf(`<div class="scroll" tabindex="0" role="region" aria-label="Table %d"><table>%s`, i+1, strings.ReplaceAll(part, "</table>", "</table></div>"))
	}
	return []byte(strings.Join(parts, ""))
}

// Picture returns a picture of the documents, in PNG.
func Picture(file string) ([]byte, error) {
	if path.Ext(file) != ".png" || !fs.ValidPath(file) {
		return nil, ErrNoDocument
	}
	data, err := countersign.Docs.ReadFile(file)
	if err != nil {
		return nil, ErrNoDocument
	}
	return data, nil
}

// plain returns the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	// The function never fails.
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if t, ok := n.(*ast.Text); ok && entering {
			b.Write(t.Segment.Value(source))
		}
		return ast.WalkContinue, nil
	})
	return b.String()
}

// headingIDs gives headings the ids that GitHub gives them, to which the documents link: lower
// case, a hyphen for each space, and no other punctuation but "-" and "_". The second of equal ones
// ends in -1. It counts the headings with each id.
type headingIDs map[string]int

var notInID = regexp.MustCompile(`[^\p{L}\p{N}_\- ]`)

// Generate implements [parser.IDs].
func (h headingIDs) Generate(value []byte, _ ast.NodeKind) []byte {
	id := strings.ReplaceAll(notInID.ReplaceAllString(strings.ToLower(strings.TrimSpace(string(value))), ""), " ", "-")
	n, again := h[id]
	h[id] = n + 1
	if again {
		id = fmt.Sprintf("%s-%d", id, n)
	}
	return []byte(id)
}

// Put implements [parser.IDs].
func (h headingIDs) Put(value []byte) { h[string(value)]++ }
