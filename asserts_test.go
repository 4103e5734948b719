package countersign_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fails are the calls by which a test can fail; skips are those by which it says nothing.
var (
	fails = []string{"Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"}
	skips = []string{"Skip", "Skipf", "SkipNow"}
)

// helper is a function of a package's tests, with the names that it uses.
type helper struct {
	fails bool
	skips bool // as a statement of its own, whatever is the case
	calls []string
}

// inspected reads the functions of test files, by name. Two functions or methods of one name count as one that does what either does.
func inspected(files map[string]*ast.File) map[string]*helper {
	found := map[string]*helper{}
	for _, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			h := found[f.Name.Name]
			if h == nil {
				h = &helper{}
				found[f.Name.Name] = h
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				switch x := n.(type) {
				case *ast.CallExpr:
					h.fails = h.fails || slices.Contains(fails, calledName(x))
				case *ast.Ident: // also a function that is only named, as in a table of them
					h.calls = append(h.calls, x.Name)
				}
				return true
			})
			for _, statement := range f.Body.List {
				if e, ok := statement.(*ast.ExprStmt); ok {
					if call, ok := e.X.(*ast.CallExpr); ok && slices.Contains(skips, calledName(call)) {
						h.skips = true
					}
				}
			}
		}
	}
	return found
}

func calledName(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return f.Sel.Name
	case *ast.IndexExpr: // of a function with a type parameter
		return calledName(&ast.CallExpr{Fun: f.X})
	}
	return ""
}

// judges says of each function whether it can fail, by itself or by what it calls.
func judges(all map[string]*helper) map[string]bool {
	out := map[string]bool{}
	for more := true; more; {
		more = false
		for name, h := range all {
			can := h.fails || slices.ContainsFunc(h.calls, func(c string) bool { return out[c] })
			if can && !h.skips && !out[name] {
				out[name], more = true, true
			}
		}
	}
	return out
}

// parsedTests are the test files of a folder, and those files of the folders beside it that hold the suites of more than one package.
func parsedTests(t *testing.T, dir string) map[string]*ast.File {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %q (error %v)", dir, err)
	}
	suites, err := filepath.Glob("internal/store/storetest/*.go")
	if err != nil {
		t.Fatal(err)
	}
	parsed := map[string]*ast.File{}
	for _, name := range append(files, suites...) {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		parsed[name] = file
	}
	return parsed
}

// TestEmptiedTestsAreFound: what this file is for.
func TestEmptiedTestsAreFound(t *testing.T) {
	const text = `package x
func TestEmpty(t *testing.T) {}
func TestOnlyRuns(t *testing.T) { f() }
func TestSkipped(t *testing.T) { t.Skip("later"); t.Error("x") }
func TestLoops(t *testing.T) { for range 3 { t.Logf("x") } }
func TestGood(t *testing.T) { if f() { t.Error("x") } }
func TestByHelper(t *testing.T) { check(t) }
func TestByMethod(t *testing.T) { w.must(f()) }
func TestSkippedWhereItCannotRun(t *testing.T) { if f() { t.Skip("no tool") }; check(t) }
func check(t *testing.T) { deeper(t) }
func deeper(t *testing.T) { t.Fatal("x") }
func (w w) must(error) { w.Fatalf("x") }
func f() bool { return true }`
	file, err := parser.ParseFile(token.NewFileSet(), "x_test.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	can := judges(inspected(map[string]*ast.File{"x_test.go": file}))
	for name, want := range map[string]bool{
		"TestEmpty": false, "TestOnlyRuns": false, "TestSkipped": false, "TestLoops": false,
		"TestGood": true, "TestByHelper": true, "TestByMethod": true, "TestSkippedWhereItCannotRun": true,
	} {
		if can[name] != want {
			t.Errorf("%s can fail: %v, want %v", name, can[name], want)
		}
	}
}

// TestEveryTestCanFail: a test of the tree that asserts nothing, or that is skipped whatever is the case, is no proof of anything that test/lincheck/evidence.md or
// internal/ops/attack/evidence.md names it for.
func TestEveryTestCanFail(t *testing.T) {
	dirs, err := filepath.Glob("internal/*")
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob("internal/*/*")
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, dir := range append(append(dirs, nested...), ".", "functions", "infra", "cmd/countersign", "cmd/countersign-tools", "cmd/internal/cli") {
		if tests, err := filepath.Glob(filepath.Join(dir, "*_test.go")); err != nil || len(tests) == 0 {
			continue
		}
		files := parsedTests(t, dir)
		can := judges(inspected(files))
		maps.DeleteFunc(files, func(name string, _ *ast.File) bool {
			return filepath.Dir(name) != dir || !strings.HasSuffix(name, "_test.go")
		})
		for name := range inspected(files) {
			if strings.HasPrefix(name, "Test") && name != "TestMain" || strings.HasPrefix(name, "Fuzz") {
				checked++
				if !can[name] {
					t.Errorf("%s: %s cannot fail", dir, name)
				}
			}
		}
	}
	if checked < 500 {
		t.Errorf("only %d tests were looked at", checked)
	}
}
