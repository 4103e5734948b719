package repository_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	proofRow  = regexp.MustCompile(`(?m)^\| ([IR]-?\d+) \| (.+) \| (.+) \|$`)
	proofPart = regexp.MustCompile("`([^`]+)`|\\b(Test\\w+)")
	testFunc  = regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
)

// TestTheProofNamesTests: test/lincheck/evidence.md has a line for each invariant and each fault,
// and every test named in a line exists in its package.
func TestTheProofNamesTests(t *testing.T) {
	text, err := os.ReadFile("test/lincheck/evidence.md")
	if err != nil {
		t.Fatal(err)
	}
	missing := map[string]bool{}
	for n := range 16 {
		missing[fmt.Sprint("I-", n+1)] = true
	}
	for n := range 40 {
		missing[fmt.Sprintf("R%02d", n+1)] = true
	}
	tests := map[string]map[string]bool{}
	for _, row := range proofRow.FindAllStringSubmatch(string(text), -1) {
		if !missing[row[1]] {
			t.Errorf("%s is there twice, or is none", row[1])
		}
		delete(missing, row[1])
		named := 0
		dir := ""
		for _, part := range proofPart.FindAllStringSubmatch(row[3], -1) {
			if part[2] == "" {
				dir = part[1]
				continue
			}
			named++
			if tests[dir] == nil {
				tests[dir] = testsIn(t, dir)
			}
			if !tests[dir][part[2]] {
				t.Errorf("%s: there is no %s in %s", row[1], part[2], dir)
			}
		}
		if reason := strings.HasPrefix(row[3], "not here: "); reason == (named > 0) {
			t.Errorf("%s names %d tests; without one it says why", row[1], named)
		}
	}
	for id := range missing {
		t.Errorf("there is no line for %s", id)
	}
}

func testsIn(t *testing.T, dir string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests in %q (error %v)", dir, err)
	}
	found := map[string]bool{}
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range testFunc.FindAllStringSubmatch(string(text), -1) {
			found[f[1]] = true
		}
	}
	return found
}
