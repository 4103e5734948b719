package attack_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/ops/attack"
)

// root is the tree's, from here.
const root = "../../.."

// rows are the attacks that the table must speak of, whatever else it speaks of.
var rows = map[string][]int{
	"A": {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 15}, "B": {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 15, 17, 18, 20, 21},
	"C": {1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 20}, "D": {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15}, "E": {1, 2, 3, 4, 5, 9, 10, 11, 13, 14, 16},
	"F": {1, 3, 4, 6, 7, 8, 11, 13, 14, 15, 16, 17, 18}, "G": {1, 2, 4, 7, 8, 15, 16, 17, 19, 20, 21, 22}, "H": {1, 2, 3, 4, 6, 7, 8}, "I": {1, 2, 3, 6, 7, 8, 9, 11},
	"J": {1, 2, 5, 6}, "K": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "L": {2, 3, 5, 6},
}

// weaknesses is how many of other products the second table has.
const weaknesses = 50

var (
	tableLine = regexp.MustCompile(`(?m)^\| ([A-L]\d\d|\d+) \|.*\| ([^|]+) \|$`)
	quoted    = regexp.MustCompile("`([^`]+)`")
	aTest     = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

// tests are all of the tree, as package.Name; those at the root are of "tree".
func tests(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && (d.Name() == "node_modules" || d.Name() == "cdk.out" || strings.HasPrefix(d.Name(), ".") && name != root) {
				return filepath.SkipDir
			}
			return err
		}
		if !strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		pkg := path.Base(filepath.ToSlash(filepath.Dir(name)))
		if filepath.Dir(name) == root {
			pkg = "tree"
		}
		for _, m := range aTest.FindAllSubmatch(text, -1) {
			found[pkg+"."+string(m[1])] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestEveryAttackIsTried: each line of docs/security/attacks.md names probes and tests that exist or says why there are none, each attack has a line, and
// each probe is in one.
func TestEveryAttackIsTried(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/security/attacks.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := tests(t)
	probes, mentioned := map[string]bool{}, map[string]bool{}
	for _, p := range attack.Probes() {
		probes[p.Name] = true
	}
	lines := map[string]bool{}
	for _, m := range tableLine.FindAllStringSubmatch(string(page), -1) {
		if lines[m[1]] {
			t.Errorf("%s has two lines", m[1])
		}
		lines[m[1]] = true
		all := quoted.FindAllStringSubmatch(m[2], -1)
		if len(all) == 0 && !strings.HasPrefix(m[2], "not here: ") {
			t.Errorf("%s: nothing shows it, and nothing says why", m[1])
		}
		for _, one := range all {
			_, err := os.Stat(filepath.Join(root, one[1]))
			file := strings.Contains(one[1], "/") && err == nil
			if !probes[one[1]] && !exists[one[1]] && !file {
				t.Errorf("%s: there is no probe, test or file %s", m[1], one[1])
			}
			mentioned[one[1]] = true
		}
	}
	for name := range probes {
		if !mentioned[name] {
			t.Errorf("the probe %s is in no line", name)
		}
	}
	for class, numbers := range rows {
		for _, n := range numbers {
			if name := fmt.Sprintf("%s%02d", class, n); !lines[name] {
				t.Errorf("the attack %s has no line", name)
			}
		}
	}
	for n := range weaknesses {
		if !lines[fmt.Sprint(n+1)] {
			t.Errorf("weakness %d has no line", n+1)
		}
	}
}

// TestTheThreatModelNamesWhatExists: what it calls a probe or a test is one.
func TestTheThreatModelNamesWhatExists(t *testing.T) {
	page, err := os.ReadFile(root + "/docs/security/threat-model.md")
	if err != nil {
		t.Fatal(err)
	}
	exists := tests(t)
	for _, p := range attack.Probes() {
		exists[p.Name] = true
	}
	name := regexp.MustCompile("`([A-L]\\d\\d[a-z]?|\\w+\\.(?:Test|Fuzz|Benchmark)\\w+)`")
	const many = 50
	found := name.FindAllSubmatch(page, -1)
	if len(found) < many {
		t.Errorf("only %d names were found", len(found))
	}
	for _, m := range found {
		if !exists[string(m[1])] {
			t.Errorf("there is no probe or test %s", m[1])
		}
	}
}
