package functions_test

import (
	"flag"
	"fmt"
	"go/format"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/plan"
	"github.com/countersign-mfa/countersign/internal/api"
)

var update = flag.Bool("update", false, "rewrite the folders' main.go")

// constructor is the name of the Go function that is an operation's row: found by asking each for its name.
func constructors() map[string]string {
	names := map[string]string{}
	for _, row := range api.Rows() {
		full := runtime.FuncForPC(reflect.ValueOf(row).Pointer()).Name()
		names[row().Name] = full[strings.LastIndex(full, ".")+1:]
	}
	return names
}

// source is the main.go of a function of the API.
func source(f api.Function, rows map[string]string) string {
	var b strings.Builder
	imports := []string{"internal/api", "internal/aws/lambdahost"}
	var links []string
	if f.Needs.Has(api.Texts) {
		imports = append(imports, "internal/aws/lambdahost/texts")
		links = append(links, "Sender: texts.Sender")
	}
	if f.Needs.Has(api.Numbers) {
		imports = append(imports, "internal/domain/numberplan")
		links = append(links, "Numbers: numberplan.Parse")
	}
	fmt.Fprintf(&b, "// Command %s is a Lambda function: it serves %s %s.\npackage main\n\nimport (\n", f.Name, f.Operations[0].Method, f.Operations[0].Path)
	for _, i := range imports {
		fmt.Fprintf(&b, "\t%q\n", "github.com/countersign-mfa/countersign/"+i)
	}
	args := []string{"lambdahost.Links{" + strings.Join(links, ", ") + "}"}
	for _, op := range f.Operations {
		args = append(args, "api."+rows[op.Name]+"()")
	}
	fmt.Fprintf(&b, ")\n\nfunc main() {\n\tlambdahost.Serve(%s)\n}\n", strings.Join(args, ", "))
	return b.String()
}

// TestFolders: every function of the table has its folder with its main, and there is no other folder but those of the jobs.
func TestFolders(t *testing.T) {
	rows := constructors()
	known := map[string]bool{}
	served, _ := api.Deploy(api.Operations())
	for _, f := range served {
		known[f.Name] = true
		want, err := format.Source([]byte(source(f, rows)))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(f.Name, "main.go")
		if *update {
			if err := os.MkdirAll(f.Name, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the table says (-update rewrites it): %v", path, err)
		}
	}
	for _, f := range plan.Functions() {
		if !known[f.Name] && f.Job == "" {
			t.Errorf("%s is neither an operation nor a job", f.Name)
		}
		known[f.Name] = true
		text, err := os.ReadFile(filepath.Join(f.Name, "main.go"))
		if err != nil {
			t.Error(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > 15 {
			t.Errorf("%s has a main of %d lines, want at most 15", f.Name, lines)
		}
	}
	folders, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range folders {
		if d.IsDir() && !known[d.Name()] {
			t.Errorf("folder %s belongs to no function", d.Name())
		}
	}
}
