package guide

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// App is a kind of application, with the lines that connect it to a server.
type App struct {
	// ID is a name for an HTML id.
	ID, Name string
	// Guide is the address of the whole guide.
	Guide  string
	Blocks []Block
}

// Block is one file's lines, or commands.
type Block struct{ Name, Text string }

// Server is what the lines say of a server. SecretKey is empty if the server does not show it.
type Server struct{ URL, PublishableKey, SecretKey string }

// apps are the kinds of applications, and the blocks of their guides in docs/start that connect an
// application. A block has the name of the file above it, or else of its heading.
var apps = []struct {
	id, name, file string
	blocks         []string
}{
	{"nextjs", "Next.js", "docs/start/nextjs.md", []string{".env.local", "proxy.js"}},
	{"react", "React + Express", "docs/start/react-express.md", []string{".env"}},
	{"expo", "Expo, mobile", "docs/start/mobile.md", []string{".env", "app/_layout.jsx"}},
	{"go", "Go", "docs/start/go.md", []string{"Run it"}},
	{"python", "Python", "docs/start/python.md", []string{"Run it"}},
	{"own-login", "Beside your own login", "docs/start/own-login.md", []string{".env"}},
}

// Values that the guides write for the server of `make run`.
const (
	guideURL            = "http://localhost:8080"
	guidePublicURL      = "https://auth.example.com"
	guidePublishableKey = "pk_test_Y291bnRlcnNpZ24tbG9jYWwtMS5jbGVyay5hY2NvdW50cy5kZXYk"
	guideSecretKey      = "sk_test_local"
)

// own replaces the address and keys of `make run` by those of this server.
func (s Server) own() *strings.Replacer {
	return strings.NewReplacer(guideURL, s.URL, guidePublishableKey, s.PublishableKey, guideSecretKey, cmp.Or(s.SecretKey, guideSecretKey))
}

// shellDefault matches a variable of the shell with a default.
var shellDefault = regexp.MustCompile(`\$\{[A-Z_]+:-([^}]*)\}`)

// Apps returns the kinds of applications with their lines for a server. The lines are those of
// docs/start, with this server's URL and keys.
func Apps(s Server) ([]App, error) {
	values := strings.NewReplacer(guideURL, s.URL, guidePublicURL, s.URL, guidePublishableKey, s.PublishableKey, guideSecretKey, s.SecretKey)
	var out []App
	for _, a := range apps {
		app := App{ID: a.id, Name: a.name, Guide: Address(a.file)}
		found, err := blocks(a.file)
		if err != nil {
			return nil, err
		}
		for _, name := range a.blocks {
			lines, ok := found[name]
			if !ok {
				return nil, fmt.Errorf("guide: %s has no block %q", a.file, name)
			}
			app.Blocks = append(app.Blocks, Block{name, values.Replace(shellDefault.ReplaceAllString(lines, "$1"))})
		}
		out = append(out, app)
	}
	return out, nil
}

// fileName matches the paragraph above a block, which names its file.
var fileName = regexp.MustCompile("^`([^`]+)`:$")

// blocks returns the first code block of each name in a guide.
func blocks(file string) (map[string]string, error) {
	source, err := read(file)
	if err != nil {
		return nil, fmt.Errorf("guide: %s: %w", file, err)
	}
	out, heading := map[string]string{}, ""
	for n := reader.Parser().Parse(text.NewReader(source)).FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			heading = plain(n, source)
		case *ast.FencedCodeBlock:
			name := heading
			if above, ok := n.PreviousSibling().(*ast.Paragraph); ok {
				if m := fileName.FindSubmatch(above.Lines().Value(source)); m != nil {
					name = string(m[1])
				}
			}
			if _, ok := out[name]; !ok {
				out[name] = strings.TrimRight(string(n.Lines().Value(source)), "\n")
			}
		}
	}
	return out, nil
}
