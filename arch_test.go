package countersign_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/countersign-mfa/countersign/"

// leaves and the one library that each may use.
var leaves = map[string]string{
	"secret": "", "phone": "", "smsprice": "", "language": "", "brand": "", "apierr": "", "backupcode": "", "ratelimit": "", "authority": "", "seal": "",
	"totp": "github.com/pquerna/otp", "numberplan": "github.com/nyaruka/phonenumbers", "password": "golang.org/x/crypto", "session": "github.com/go-jose/go-jose/v4",
}

// only says which folders may import a family of packages.
var only = map[string][]string{
	"github.com/aws/aws-sdk-go-v2":      {"internal/dynamo", "internal/sns", "internal/kms", "internal/eventbridge", "internal/lambdahost", "internal/lambdalocal"},
	"github.com/aws/aws-lambda-go":      {"functions", "internal/lambdahost", "internal/lambdalocal"},
	"github.com/aws/aws-cdk-go":         {"infra"},
	"github.com/aws/jsii-runtime-go":    {"infra"},
	"github.com/aws/constructs-go":      {"infra"},
	"go.etcd.io/bbolt":                  {"internal/boltstore"},
	"github.com/alecthomas/kong":        {"cmd"},
	"filippo.io/age":                    {"cmd", "internal/transfer"},
	"github.com/anishathalye/porcupine": {"internal/history"},
	module + "internal/history":         {}, // tests only
	module + "internal/thief":           {}, // tests only
	module + "internal/boltstore":       {"internal/local"},
	module + "internal/local":           {"cmd"},
	module + "internal/outbox":          {"internal/local"},
	module + "functions":                {},
	module + "cmd":                      {},
	module + "infra":                    {},
	module + "e2e":                      {},
}

// source is one Go file that is no test.
type source struct {
	dir, name string
	file      *ast.File
	set       *token.FileSet
	lines     int
}

func sources(t *testing.T) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "cdk.out") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		found = append(found, source{filepath.ToSlash(filepath.Dir(name)), name, file, set, bytes.Count(text, []byte("\n"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 50 {
		t.Fatalf("only %d files were found", len(found))
	}
	return found
}

func imports(s source) []string {
	var out []string
	for _, i := range s.file.Imports {
		out = append(out, strings.Trim(i.Path.Value, `"`))
	}
	return out
}

func under(p, root string) bool { return p == root || strings.HasPrefix(p, root+"/") }

func standard(p string) bool { return !strings.Contains(strings.Split(p, "/")[0], ".") }

func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, p := range imports(s) {
			for family, dirs := range only {
				if under(p, family) && !slices.ContainsFunc(dirs, func(d string) bool { return under(s.dir, d) }) && !under(module+s.dir, family) {
					t.Errorf("%s imports %s", s.name, p)
				}
			}
			if !allowed(s.dir, p) {
				t.Errorf("%s imports %s", s.name, p)
			}
		}
	}
}

// allowed is the rule from leaves to domain to API.
func allowed(dir, p string) bool {
	name := path.Base(dir)
	library, leaf := leaves[name]
	_, ofLeaf := leaves[strings.TrimPrefix(p, module+"internal/")]
	switch {
	case leaf && dir == "internal/"+name:
		value := p == module+"internal/secret" || p == module+"internal/phone"
		return standard(p) || value || library != "" && under(p, library)
	case p == module+"internal/numberplan" && (dir == "internal/mfa" || dir == "internal/api"):
		return false // every function would link the plans
	case dir == "internal/mfa":
		unfit := []string{"net", "net/http", "os", "database/sql", "log", "log/slog"}
		return ofLeaf || standard(p) && !slices.Contains(unfit, p)
	case dir == "internal/api":
		return standard(p) || ofLeaf || p == module+"internal/mfa"
	}
	return true
}

// TestTheDomainHasNoClock: time, environment and chance come from outside.
func TestTheDomainHasNoClock(t *testing.T) {
	forbidden := []string{"time.Now", "time.Sleep", "time.After", "time.Since", "time.NewTimer", "os.Getenv", "rand.Reader", "rand.Read", "rand.Int", "rand.N"}
	for _, s := range sources(t) {
		if _, leaf := leaves[path.Base(s.dir)]; !leaf && s.dir != "internal/mfa" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && slices.Contains(forbidden, x.Name+"."+sel.Sel.Name) {
					t.Errorf("%s uses %s.%s", s.set.Position(n.Pos()), x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestFilesAndFunctionsAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.lines > 400 {
			t.Errorf("%s has %d lines", s.name, s.lines)
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := s.set.Position(f.End()).Line - s.set.Position(f.Pos()).Line + 1; n > 60 {
				t.Errorf("%s: %s has %d lines", s.name, f.Name.Name, n)
			}
		}
	}
}

func TestPackagesAreNouns(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains([]string{"util", "utils", "common", "helper", "helpers", "misc", "base", "lib"}, s.file.Name.Name) {
			t.Errorf("%s: package %s says nothing", s.name, s.file.Name.Name)
		}
	}
}

// TestTheLayoutIsWhole: docs/develop/layout.md names each folder of internal in a table row, and no folder that is not there.
func TestTheLayoutIsWhole(t *testing.T) {
	text, err := os.ReadFile("docs/develop/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	_, inner, _ := strings.Cut(string(text), "| `internal/` |")
	named := map[string]bool{}
	for line := range strings.Lines(inner) {
		first, _, _ := strings.Cut(strings.TrimPrefix(line, "|"), "|")
		for i, name := range strings.Split(first, "`") {
			if i%2 == 1 && name != "internal/" {
				named[name] = true
			}
		}
	}
	dirs, err := os.ReadDir("internal")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range dirs {
		if !named[d.Name()] {
			t.Errorf("docs/develop/layout.md does not name internal/%s", d.Name())
		}
		delete(named, d.Name())
	}
	for name := range named {
		t.Errorf("docs/develop/layout.md names internal/%s, which is not there", name)
	}
}

// proofs are the fields and errors that decide, or are, what a session proved.
var proofs = []string{
	"FirstAt", "SecondAt", "FirstBy", "SecondBy", "AloneAt", "Enrolled", "FirstSince", "SecondSince", "SessionReverificationRequired", "AuthorizationInvalid",
}

// TestOnlyAuthorityDecides keeps every decision about proofs in one place: internal/authority has the
// rules, and internal/mfa/authority.go alone asks them and touches what sessions proved.
func TestOnlyAuthorityDecides(t *testing.T) {
	const only = "internal/mfa/authority.go"
	found := 0
	for _, s := range sources(t) {
		if s.dir != "internal/mfa" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			switch {
			case !ok:
			case slices.Contains(proofs, sel.Sel.Name):
				found++
				if s.name != only {
					t.Errorf("%s uses %s; only %s may", s.set.Position(n.Pos()), sel.Sel.Name, only)
				}
			case fmt.Sprint(sel.X) == "authority" && slices.Contains([]string{"Case", "Session", "Account", "Future"}, sel.Sel.Name) && s.name != only:
				t.Errorf("%s decides with authority.%s; only %s may", s.set.Position(n.Pos()), sel.Sel.Name, only)
			}
			return true
		})
	}
	if found < len(proofs) {
		t.Errorf("only %d uses were found: the names of the fields changed", found)
	}
}

// TestEveryActionIsAsked: each action of the rules stands in the domain, so the table of docs/security/authority.md
// describes operations that exist.
func TestEveryActionIsAsked(t *testing.T) {
	asked := map[string]bool{}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && s.dir == "internal/mfa" && fmt.Sprint(sel.X) == "authority" {
				asked[sel.Sel.Name] = true
			}
			return true
		})
	}
	for _, s := range sources(t) {
		if s.name != "internal/authority/rules.go" {
			continue
		}
		for _, d := range s.file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.CONST {
				continue
			}
			for _, spec := range gen.Specs {
				v := spec.(*ast.ValueSpec)
				if fmt.Sprint(v.Type) == "Action" && !asked[v.Names[0].Name] {
					t.Errorf("no operation asks for %s", v.Names[0].Name)
				}
			}
		}
	}
}
