package repository_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fails are the methods of [testing.T] that fail a test; skips end it without a result.
var (
	fails = []string{"Error", "Errorf", "Fatal", "Fatalf", "Fail", "FailNow"}
	skips = []string{"Skip", "Skipf", "SkipNow"}
)

// helper is a function of a package's tests, with the names that it uses.
type helper struct {
	fails bool
	skips bool // a statement of the function itself, without a condition
	calls []string
}

// inspected reads the functions of test files, by name. Functions and methods of one name are
// combined into one.
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

// judges returns the functions that can fail a test, by themselves or through a function that they
// call.
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

// parsedTests returns the test files of a folder, and the files in the folders beside it that hold
// shared test suites.
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

// TestEmptiedTestsAreFound: a test without an assertion and a test that always skips are found.
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

// TestEveryTestCanFail: every test asserts something and does not always skip. Otherwise it proves
// nothing of what test/lincheck/evidence.md and internal/ops/attack/evidence.md name it for.
func TestEveryTestCanFail(t *testing.T) {
	checked := 0
	for _, dir := range tested(t) {
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

// tested returns the folders that have tests.
func tested(t *testing.T) []string {
	t.Helper()
	var dirs []string
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "node_modules" {
			return fs.SkipDir
		}
		if dir := filepath.Dir(name); strings.HasSuffix(name, "_test.go") && !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dirs
}

// TestNoTestIsSkippedSilently: only -short skips a test, because `go test` does not report skipped
// tests. A test that needs a tool calls test/needs, which fails without the tool.
func TestNoTestIsSkippedSilently(t *testing.T) {
	looked := 0
	for _, dir := range tested(t) {
		for name, file := range parsedTests(t, dir) {
			if filepath.Dir(name) == filepath.FromSlash("test/needs") {
				continue
			}
			looked++
			for _, call := range silent(file) {
				t.Errorf("%s has a %s that is not for -short; use test/needs", name, call)
			}
		}
	}
	if looked < 200 {
		t.Errorf("only %d files were looked at", looked)
	}
}

// silent returns the calls in a file that skip a test. Allowed are calls in the body of `if
// testing.Short()`, and Skip of a *rapid.T, which draws again.
func silent(file *ast.File) []string {
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.IfStmt:
			cond, ok := x.Cond.(*ast.CallExpr)
			return !ok || calledName(cond) != "Short"
		case *ast.FuncLit:
			return !slices.ContainsFunc(x.Type.Params.List, func(p *ast.Field) bool { return types.ExprString(p.Type) == "*rapid.T" })
		case *ast.CallExpr:
			if slices.Contains(skips, calledName(x)) {
				found = append(found, calledName(x))
			}
		}
		return true
	})
	return found
}

// TestSilentSkipsAreFound: a skip is found by any of its names and under any other condition.
func TestSilentSkipsAreFound(t *testing.T) {
	const text = `package x
func TestA(t *testing.T) { if testing.Short() { t.Skip("long") } }
func TestB(t *testing.T) { if tool == "" { t.Skip("no tool") } }
func TestC(t *testing.T) { if testing.Short() && tool == "" { t.Skipf("no %s", tool) } }
func TestD(t *testing.T) { if !testing.Short() { t.SkipNow() } }
func TestE(t *testing.T) { rapid.Check(t, func(r *rapid.T) { r.Skip("not now") }) }`
	file, err := parser.ParseFile(token.NewFileSet(), "x_test.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := silent(file), []string{"Skip", "Skipf", "SkipNow"}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
}
