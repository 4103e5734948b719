package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed assets
var assetFiles embed.FS

// assets are the files that pages load. Their path changes with their content, so browsers may
// cache them without end.
type assets struct {
	base    string // "/assets/<digest>/"
	files   map[string][]byte
	imports map[string][]string // from a module in js/ to its imports, also indirect ones
	gzipped map[string]func() []byte
}

func newAssets() (*assets, error) {
	a := &assets{files: map[string][]byte{}, imports: map[string][]string{}, gzipped: map[string]func() []byte{}}
	sum := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := assetFiles.ReadFile(name)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		short := strings.TrimPrefix(name, "assets/")
		_, _ = fmt.Fprintf(sum, "%s %d ", short, len(content)) // a hash never fails
		sum.Write(content)
		a.files[short] = content
		a.gzipped[short] = sync.OnceValue(func() []byte { return compress(content) })
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("web: assets: %w", err)
	}
	a.base = "/assets/" + hex.EncodeToString(sum.Sum(nil)[:8]) + "/"
	direct := map[string][]string{}
	for name, content := range a.files {
		if module, ok := strings.CutPrefix(name, "js/"); ok {
			direct[module] = importsOf(content)
		}
	}
	for module := range direct {
		var all []string
		follow(direct, module, &all)
		a.imports[module] = all
	}
	return a, nil
}

// importsOf returns the modules of js/ that a module names in its import and export lines. It reads
// line by line: a regular expression over all modules took half of a server's start.
func importsOf(module []byte) []string {
	var names []string
	for line := range strings.Lines(string(module)) {
		if !strings.HasPrefix(line, "import ") && !strings.HasPrefix(line, "export ") {
			continue
		}
		if _, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " from './"); ok && strings.HasSuffix(name, ".js';") {
			names = append(names, strings.TrimSuffix(name, "';"))
		}
	}
	return names
}

// follow collects the imports of a module, also indirect ones.
func follow(direct map[string][]string, module string, found *[]string) {
	for _, name := range direct[module] {
		if !slices.Contains(*found, name) {
			*found = append(*found, name)
			follow(direct, name, found)
		}
	}
}

// modules returns the imports of a page's script. The page preloads them, so that they load
// together and not one after another.
func (a *assets) modules(script string) []string { return a.imports[script] }

func compress(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(content) // a bytes.Buffer never fails
	_ = w.Close()
	return b.Bytes()
}

func (p *pages) serveAsset(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, p.assets.base)
	content, known := p.assets.files[name]
	if !ok || !known {
		// A page of an older version asks for files that are gone. The 404 makes it reload.
		http.Error(w, "Not found", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	h.Set("Vary", "Accept-Encoding")
	if AcceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		content = p.assets.gzipped[name]()
	}
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content)
}

// AcceptsGzip reports whether the caller reads answers that gzip compressed.
func AcceptsGzip(r *http.Request) bool {
	for _, item := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(item), ";")
		if name == "gzip" && strings.TrimSpace(parameters) != "q=0" {
			return true
		}
	}
	return false
}

func writeCompressed(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	h := w.Header()
	h.Add("Vary", "Accept-Encoding")
	if AcceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = compress(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
