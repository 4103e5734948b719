package repository_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/countersign-mfa/countersign/"

// leaves are the packages under internal/domain and internal/crypto that import nothing of ours but
// values ([values]), and the one library that each may use.
var leaves = map[string]string{
	"internal/domain/phone": "", "internal/domain/smsprice": "", "internal/domain/language": "", "internal/domain/apierr": "", "internal/domain/eventtype": "",
	"internal/domain/identifier": "golang.org/x", "internal/domain/typed": "golang.org/x", "internal/domain/gsm": "golang.org/x", "internal/domain/ratelimit": "", "internal/domain/deliverylog": "", "internal/domain/authority": "", "internal/domain/claims": "", "internal/domain/mergepatch": "", "internal/domain/numberplan": "github.com/nyaruka/phonenumbers",
	"internal/crypto/secret": "", "internal/crypto/backupcode": "", "internal/crypto/seal": "", "internal/crypto/totp": "github.com/pquerna/otp", "internal/crypto/passkey": "",
	"internal/crypto/password": "golang.org/x", "internal/crypto/sessiontoken": "github.com/go-jose/go-jose/v4",
	"internal/web/appearance": "",
}

// values are the leaves that every package may import.
var values = []string{"internal/crypto/secret", "internal/domain/phone", "internal/domain/typed"}

// only says which folders may import a family of packages, and why.
var only = map[string]struct {
	dirs   []string
	reason string
}{
	"github.com/aws/aws-sdk-go-v2":      {[]string{"internal/store/dynamo", "internal/aws", "test/lambdalocal"}, "the server on a laptop links no AWS"},
	"github.com/aws/aws-lambda-go":      {[]string{"functions", "internal/aws/lambdahost", "test/lambdalocal"}, "only functions run in Lambda"},
	"github.com/aws/aws-cdk-go":         {[]string{"infra"}, "the infrastructure alone knows the CDK"},
	"github.com/aws/jsii-runtime-go":    {[]string{"infra"}, "the infrastructure alone knows the CDK"},
	"github.com/aws/constructs-go":      {[]string{"infra"}, "the infrastructure alone knows the CDK"},
	"go.etcd.io/bbolt":                  {[]string{"internal/store/boltstore"}, "a store hides its file format"},
	"github.com/alecthomas/kong":        {[]string{"cmd", "test/clitest"}, "commands alone read arguments"},
	"filippo.io/age":                    {[]string{"cmd", "internal/ops/migrate"}, "exports alone are encrypted to a recipient"},
	"github.com/clerk/clerk-sdk-go":     {nil, "tests alone are a client of Clerk's SDK"},
	"github.com/anishathalye/porcupine": {[]string{"test/lincheck"}, "tests alone search for linear orders"},
	"html/template":                     {[]string{"internal/local", "internal/ops/attack", "internal/api/openapi"}, "its reflection keeps every exported method in the binary of a function"},
	"text/template":                     {nil, "its reflection keeps every exported method in the binary of a function"},
	module + "internal/api/openapi":     {nil, "the description of the API is a file that tests write"},
	module + "test":                     {[]string{"test", "cmd/lambda", "internal/ops/bruteforce", "internal/ops/attack"}, "no program that ships links a stand-in, except a tool whose attacker has a device"},
	module + "internal/store/boltstore": {[]string{"internal/local"}, "the local server alone keeps a file"},
	module + "internal/local":           {[]string{"cmd"}, "commands alone run the local server"},
	module + "internal/ops":             {[]string{"cmd", "test"}, "no function and no server links an operator's tool"},
	module + "internal/aws/operator":    {[]string{"cmd/countersign-tools"}, "no function links what reads an operator's shell"},
	module + "internal/aws/preflight":   {[]string{"cmd/countersign-tools"}, "no function links an operator's tool"},
	module + "internal/aws/restore":     {[]string{"cmd/countersign-tools", "internal/aws/preflight"}, "no function links an operator's tool"},
	module + "functions":                {nil, "functions are programs"},
	module + "cmd":                      {nil, "commands are programs"},
	module + "infra":                    {[]string{"cmd/lambda", "test/lambdalocal"}, "a deployment is described once, and nothing that runs depends on it"},
}

// source is one Go file.
type source struct {
	dir, name string
	file      *ast.File
	set       *token.FileSet
	lines     int
}

// sources returns the Go files that are no tests.
func sources(t *testing.T) []source {
	return goFiles(t, func(name string) bool { return !strings.HasSuffix(name, "_test.go") })
}

// testSources returns the files of tests.
func testSources(t *testing.T) []source {
	return goFiles(t, func(name string) bool { return strings.HasSuffix(name, "_test.go") })
}

// goFiles returns the Go files whose names are wanted.
func goFiles(t *testing.T, wanted func(name string) bool) []source {
	t.Helper()
	var found []source
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata" || d.Name() == "cdk.out") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || !wanted(name) {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution|parser.ParseComments)
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
			for family, rule := range only {
				if under(p, family) && !slices.ContainsFunc(rule.dirs, func(d string) bool { return under(s.dir, d) }) && !under(module+s.dir, family) {
					t.Errorf("%s imports %s: %s", s.name, p, rule.reason)
				}
			}
			if !allowed(s.dir, p) {
				t.Errorf("%s imports %s, which is above it", s.name, p)
			}
		}
	}
}

// TestTheServerIsSmall: the server's program links nothing that only operators or AWS need, so that
// the first build takes about a minute.
func TestTheServerIsSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./cmd/countersign").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	if !slices.Contains(linked, module+"internal/local") {
		t.Fatal("the server itself is not among its packages")
	}
	for _, p := range linked {
		for _, family := range []string{
			"github.com/aws", module + "internal/aws", module + "internal/store/dynamo", module + "test", module + "internal/ops/attack",
			module + "internal/ops/bruteforce", module + "internal/ops/guessbound", module + "internal/ops/load", module + "internal/ops/smoke",
		} {
			if under(p, family) {
				t.Errorf("the server links %s, which belongs into countersign-tools", p)
			}
		}
	}
}

// transports are the packages of the standard library that the domain does not import: the API
// answers over HTTP, a store does the I/O, and the program reads its environment.
var transports = []string{"net", "net/http", "os", "database/sql", "log"}

// TestTheDomainLinksNoTransport: no library of the domain links HTTP, AWS or a database, so
// functions and tests of the domain build without them.
func TestTheDomainLinksNoTransport(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", "./internal/domain/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := strings.Fields(string(out))
	if !slices.Contains(linked, module+"internal/domain") {
		t.Fatal("the domain itself is not among its packages")
	}
	for _, p := range linked {
		for _, family := range []string{"net/http", "database/sql", "os/exec", "github.com/aws", "go.etcd.io/bbolt", module + "internal/aws", module + "internal/api"} {
			if under(p, family) {
				t.Errorf("the domain links %s", p)
			}
		}
	}
}

// allowed is the rule from leaves over the domain to the API.
func allowed(dir, p string) bool {
	library, leaf := leaves[dir]
	own := strings.TrimPrefix(p, module)
	_, ofLeaf := leaves[own]
	switch {
	case leaf:
		return standard(p) && !(under(dir, "internal/domain") && slices.Contains(transports, p)) || slices.Contains(values, own) || library != "" && under(p, library)
	case own == "internal/domain/numberplan" && (under(dir, "internal/domain") || under(dir, "internal/api")):
		return false // every function would link the plans
	case under(dir, "internal/crypto"):
		return !under(own, "internal/domain") // the domain uses the primitives
	case under(dir, "internal/domain"):
		return p == "golang.org/x/sync/errgroup" || ofLeaf || own == "internal/store" || below(dir, own) || standard(p) && p != "log/slog" && !slices.Contains(transports, p)
	case dir == "internal/store":
		return standard(p)
	case slices.Contains(apiFloors, dir):
		return standard(p) || ofLeaf || under(own, "internal/domain") || own == "internal/store" || belowInAPI(dir, own)
	}
	return true
}

// apiFloors are the packages of the API, from the lowest up. The wire types know no operation. The
// machinery of operations knows no subject, so a new operation touches only the file of its subject
// and the table. The two APIs do not import each other, so that one changes without the other. Only
// the table knows all packages.
var apiFloors = []string{"internal/api/wire", "internal/api/operation", "internal/api/frontend", "internal/api/backend", "internal/api"}

// belowInAPI reports whether a package of the API may import another one.
func belowInAPI(dir, own string) bool {
	from, to := slices.Index(apiFloors, dir), slices.Index(apiFloors, own)
	return to >= 0 && to < from && !(dir == "internal/api/backend" && own == "internal/api/frontend")
}

// floors are the packages of the domain that hold the state, from the lowest up. A package imports
// those below it only, so the guess of a code and the sending of an SMS walk down and never come
// back up.
var floors = []string{"account", "statistics", "factors", "listing", "tx", "directory", "audit", "settings", "sms", "webhook", "tokens", "recovery", "sessions", "passkeys", "mfa", "admin", "profile", "migration", ""}

// below reports whether a package of the domain may import another one.
func below(dir, own string) bool {
	from, to := slices.Index(floors, strings.TrimPrefix(strings.TrimPrefix(dir, "internal/domain"), "/")), slices.Index(floors, strings.TrimPrefix(own, "internal/domain/"))
	return from >= 0 && to >= 0 && to < from
}

// TestEveryPackageOfTheDomainHasAFloor: a new package of the domain is a leaf or stands on one of
// the floors.
func TestEveryPackageOfTheDomainHasAFloor(t *testing.T) {
	for _, s := range sources(t) {
		name, ours := strings.CutPrefix(s.dir, "internal/domain/")
		if _, leaf := leaves[s.dir]; ours && !leaf && !slices.Contains(floors, name) {
			t.Errorf("%s is neither a leaf nor on a floor", s.dir)
		}
	}
}

// TestPackagesAreSmall: a package of at most 3,000 lines can be read in an afternoon.
func TestPackagesAreSmall(t *testing.T) {
	lines := map[string]int{}
	for _, s := range sources(t) {
		lines[s.dir] += s.lines
	}
	for dir, n := range lines {
		if n > 3000 && !slices.Contains(whole, dir) {
			t.Errorf("%s has %d lines", dir, n)
		}
	}
}

// whole are packages that are one harness with one list, and stay together: the attacks on a server
// from outside.
var whole = []string{"internal/ops/attack"}

// TestTheDomainHasNoClock: time, environment and chance come from outside.
func TestTheDomainHasNoClock(t *testing.T) {
	forbidden := []string{"time.Now", "time.Sleep", "time.After", "time.Since", "time.NewTimer", "os.Getenv", "rand.Reader", "rand.Read", "rand.Int", "rand.N"}
	for _, s := range sources(t) {
		if _, leaf := leaves[s.dir]; !leaf && !under(s.dir, "internal/domain") {
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

// TestTheLayoutIsWhole: docs/develop/layout.md names each package under internal and test in a
// table row, and none that is not there.
func TestTheLayoutIsWhole(t *testing.T) {
	text, err := os.ReadFile("docs/develop/layout.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("`((?:internal|test)/[a-z/]+)`").FindAllStringSubmatch(string(text), -1) {
		named[m[1]] = true
	}
	found := map[string]bool{}
	for _, s := range sources(t) {
		if (under(s.dir, "internal") || under(s.dir, "test")) && !found[s.dir] {
			found[s.dir] = true
			if !named[s.dir] && !named[path.Dir(s.dir)] {
				t.Errorf("docs/develop/layout.md does not name %s", s.dir)
			}
		}
	}
	for name := range named {
		if !found[name] {
			t.Errorf("docs/develop/layout.md names %s, which is not there", name)
		}
	}
}

// proofs are the fields that store what a session proved, and the errors of a decision about it.
var proofs = []string{
	"FirstAt", "SecondAt", "FirstBy", "SecondBy", "AloneAt", "Enrolled", "FirstSince", "SecondSince", "SessionReverificationRequired", "AuthorizationInvalid",
}

// TestOnlyAuthorityDecides keeps every decision about proofs in one place.
// internal/domain/authority has the rules. Only the files authority.go of account, tx and sessions
// call it, or read and write what a session proved.
func TestOnlyAuthorityDecides(t *testing.T) {
	only := []string{"internal/domain/account/authority.go", "internal/domain/tx/authority.go", "internal/domain/sessions/authority.go"}
	found := 0
	for _, s := range sources(t) {
		if !under(s.dir, "internal/domain") || s.dir == "internal/domain/authority" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			switch {
			case !ok:
			case slices.Contains(proofs, sel.Sel.Name):
				found++
				if !slices.Contains(only, s.name) {
					t.Errorf("%s uses %s; only %s may", s.set.Position(n.Pos()), sel.Sel.Name, only)
				}
			case fmt.Sprint(sel.X) == "authority" && slices.Contains([]string{"Case", "Session", "Account", "Future"}, sel.Sel.Name) && !slices.Contains(only, s.name):
				t.Errorf("%s decides with authority.%s; only %s may", s.set.Position(n.Pos()), sel.Sel.Name, only)
			}
			return true
		})
	}
	if found < len(proofs) {
		t.Errorf("only %d uses were found: the names of the fields changed", found)
	}
}

// TestEveryActionIsAsked: each action of the rules stands in the domain, so the table of
// docs/security/authority.md describes operations that exist.
func TestEveryActionIsAsked(t *testing.T) {
	asked := map[string]bool{}
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok && under(s.dir, "internal/domain") && fmt.Sprint(sel.X) == "authority" {
				asked[sel.Sel.Name] = true
			}
			return true
		})
	}
	for _, s := range sources(t) {
		if s.name != "internal/domain/authority/rules.go" {
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
