package guide_test

import (
	"errors"
	"io/fs"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign"
	"github.com/countersign-mfa/countersign/internal/local/guide"
)

var server = guide.Server{URL: "http://localhost:9999", PublishableKey: "pk_test_mine", SecretKey: "sk_test_mine"}

var (
	target = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	id     = regexp.MustCompile(`\bid="([^"]*)"`)
)

// documents returns every document as the server shows it, by its address.
func documents(t *testing.T) map[string]guide.Page {
	t.Helper()
	out := map[string]guide.Page{}
	err := fs.WalkDir(countersign.Docs, ".", func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(file) != ".md" {
			return err
		}
		out[guide.Address(file)], err = guide.Show(file, server)
		return err
	})
	if err != nil || len(out) < 20 {
		t.Fatalf("%d documents, %v", len(out), err)
	}
	return out
}

// TestEveryLinkOfADocumentLeadsOn: each link leads to another site, or to something that the server
// shows, with the heading that it names.
func TestEveryLinkOfADocumentLeadsOn(t *testing.T) {
	all, followed := documents(t), 0
	for at, page := range all {
		for _, m := range target.FindAllStringSubmatch(string(page.Body), -1) {
			to, fragment, _ := strings.Cut(m[1], "#")
			switch {
			case m[1] == "":
				t.Errorf("%s has a link without a target", at)
				continue
			case strings.HasPrefix(to, "https://") || strings.HasPrefix(to, "http://") || to == "/openapi.yaml":
				continue
			case path.Ext(to) == ".png":
				if _, err := guide.Picture(strings.TrimPrefix(to, guide.Root+"/")); err != nil || path.Dir(to) != guide.Root+"/docs/use/pages" {
					t.Errorf("%s shows %s: %v", at, to, err)
				}
				continue
			case to == "":
				to = at
			}
			linked, ok := all[to]
			if !ok {
				t.Errorf("%s links to %q", at, m[1])
				continue
			}
			followed++
			if fragment != "" && !has(linked, fragment) {
				t.Errorf("%s links to %q, where no heading has that id", at, m[1])
			}
		}
	}
	if followed < 100 {
		t.Errorf("%d links: the pattern finds too few", followed)
	}
}

func has(p guide.Page, fragment string) bool {
	for _, m := range id.FindAllStringSubmatch(string(p.Body), -1) {
		if m[1] == fragment {
			return true
		}
	}
	return false
}

// TestDocumentsNameTheServer: the commands and files of a document work as they stand on the server
// that shows it.
func TestDocumentsNameTheServer(t *testing.T) {
	all := documents(t)
	for at, page := range all {
		for _, other := range []string{"http://localhost:8080", "sk_test_local", "pk_test_Y291"} {
			if strings.Contains(string(page.Body), other) {
				t.Errorf("%s has %s", at, other)
			}
		}
	}
	if body := string(all[guide.Address("docs/start/own-login.md")].Body); !strings.Contains(body, "CLERK_API_URL="+server.URL) {
		t.Error("the guide does not name the server")
	}
	hidden, err := guide.Show("docs/start/own-login.md", guide.Server{URL: server.URL, PublishableKey: server.PublishableKey})
	if err != nil || !strings.Contains(string(hidden.Body), "CLERK_SECRET_KEY=sk_test_local") {
		t.Errorf("a server that does not show its key: %v", err)
	}
}

// TestDocumentsAreFromTheRepositoryAlone: no path leads to another file.
func TestDocumentsAreFromTheRepositoryAlone(t *testing.T) {
	for _, file := range []string{"", ".", "go.mod", "../README.md", "/README.md", "docs", "docs/nothing.md", "docs/../README.md", "docs/openapi.yaml", "internal/local/guide/guide.go"} {
		if _, err := guide.Show(file, server); !errors.Is(err, guide.ErrNoDocument) {
			t.Errorf("%q: %v", file, err)
		}
		if _, err := guide.Picture(file); !errors.Is(err, guide.ErrNoDocument) {
			t.Errorf("picture %q: %v", file, err)
		}
	}
}

// TestLinesOfTheGuides: each kind of application gets lines that stand in its guide, with the URL
// and keys of the server in place of those of `make run`.
func TestLinesOfTheGuides(t *testing.T) {
	apps, err := guide.Apps(server)
	if err != nil {
		t.Fatal(err)
	}
	var secret, publishable int
	for _, app := range apps {
		file := strings.TrimPrefix(app.Guide, guide.Root+"/")
		text, err := countersign.Docs.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		// A guide's defaults of the shell are values on the page. Its public address is this server's.
		known := regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`).ReplaceAllString(strings.ReplaceAll(string(text), "https://auth.example.com", "http://localhost:8080"), "$1")
		back := strings.NewReplacer(server.URL, "http://localhost:8080", server.SecretKey, "sk_test_local", server.PublishableKey, "pk_test_Y291bnRlcnNpZ24tbG9jYWwtMS5jbGVyay5hY2NvdW50cy5kZXYk")
		var all string
		for _, block := range app.Blocks {
			all += block.Text + "\n"
			for line := range strings.Lines(block.Text) {
				if line = back.Replace(strings.TrimSpace(line)); !strings.Contains(known, line) {
					t.Errorf("%s shows %q, which its guide has not", app.Name, line)
				}
			}
		}
		for _, foreign := range []string{"localhost:8080", "sk_test_local", "pk_test_Y29", "auth.example.com", "${"} {
			if strings.Contains(all, foreign) {
				t.Errorf("%s shows %s of another server", app.Name, foreign)
			}
		}
		if !strings.Contains(all, server.URL) {
			t.Errorf("%s does not name the server:\n%s", app.Name, all)
		}
		secret += min(1, strings.Count(all, server.SecretKey))
		publishable += min(1, strings.Count(all, server.PublishableKey))
	}
	// An app on a phone has no secret key, and a server needs no publishable key.
	if len(apps) != 6 || secret != 5 || publishable != 3 {
		t.Errorf("%d kinds, %d with the secret key, %d with the publishable key", len(apps), secret, publishable)
	}
}
