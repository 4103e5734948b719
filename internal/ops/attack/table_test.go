package attack_test

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/ops/attack"
)

// root is the path to the module's root.
const root = "../../.."

// rows are the attacks that the table must contain, besides others.
var rows = map[string][]int{
	"A": {1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 15}, "B": {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 14, 15, 17, 18, 20, 21},
	"C": {1, 2, 3, 5, 6, 7, 8, 9, 10, 12, 14, 15, 16, 17, 18, 20}, "D": {1, 2, 3, 4, 5, 7, 8, 9, 10, 11, 12, 13, 15}, "E": {1, 2, 3, 4, 5, 9, 10, 11, 13, 14, 16},
	"F": {1, 3, 4, 6, 7, 8, 11, 13, 14, 15, 16, 17, 18}, "G": {1, 2, 4, 7, 8, 15, 16, 17, 19, 20, 21, 22}, "H": {1, 2, 3, 4, 6, 7, 8}, "I": {1, 2, 3, 6, 7, 8, 9, 11},
	"J": {1, 2, 5, 6}, "K": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, "L": {2, 3, 5, 6}, "M": {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, "N": {1, 2, 3, 4, 5, 6, 7, 8},
}

// weaknesses is how many weaknesses of other products the second table has.
const weaknesses = 50

var (
	tableLine = regexp.MustCompile(`(?m)^\| ([A-N]\d\d|\d+) \| (.*) \| ([^|]+) \|$`)
	classHead = regexp.MustCompile(`(?m)^## (([A-N])\. .+)$`)
	quoted    = regexp.MustCompile("`([^`]+)`")
	aTest     = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

// tests are all of the tree, as package.Name.
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

// evidence is the list of attacks.
const evidence = "evidence.md"

var update = flag.Bool("update", false, "write the tables")

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func probes() map[string]attack.Probe {
	found := map[string]attack.Probe{}
	for _, p := range attack.Probes() {
		found[p.Name] = p
	}
	return found
}

// TestEveryAttackIsTried: each row of the evidence names existing probes and tests, or says why
// there are none. Each attack has a row, and each probe is in one.
func TestEveryAttackIsTried(t *testing.T) {
	exists, known := tests(t), probes()
	lines, mentioned := map[string]bool{}, map[string]bool{}
	for _, m := range tableLine.FindAllStringSubmatch(page(t, evidence), -1) {
		if lines[m[1]] {
			t.Errorf("%s has two lines", m[1])
		}
		lines[m[1]] = true
		all := quoted.FindAllStringSubmatch(m[3], -1)
		if len(all) == 0 && !strings.HasPrefix(m[3], "not here: ") {
			t.Errorf("%s: nothing shows it, and nothing says why", m[1])
		}
		for _, one := range all {
			_, err := os.Stat(filepath.Join(root, one[1]))
			file := strings.Contains(one[1], "/") && err == nil
			if known[one[1]].Name == "" && !exists[one[1]] && !file {
				t.Errorf("%s: there is no probe, test or file %s", m[1], one[1])
			}
			mentioned[one[1]] = true
		}
	}
	for name := range known {
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

// TestTheEvidenceSaysWhatProbesTry: the row of a probe has the probe's own words.
func TestTheEvidenceSaysWhatProbesTry(t *testing.T) {
	old, known := page(t, evidence), probes()
	want := tableLine.ReplaceAllStringFunc(old, func(row string) string {
		m := tableLine.FindStringSubmatch(row)
		if p, ok := known[m[1]]; ok {
			return fmt.Sprintf("| %s | %s | %s |", m[1], p.Tries, m[3])
		}
		return row
	})
	golden(t, evidence, old, want)
}

// TestTheClassesAreCounted compares the table of classes in docs/security/attacks.md with the
// probes.
func TestTheClassesAreCounted(t *testing.T) {
	const file, begin, end = root + "/docs/security/attacks.md", "<!-- generated: classes -->\n", "<!-- end -->"
	old := page(t, file)
	head, rest, ok := strings.Cut(old, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for the classes", file)
	}
	attacks, tried := map[string]int{}, map[string]int{}
	for _, m := range tableLine.FindAllStringSubmatch(page(t, evidence), -1) {
		attacks[m[1][:1]]++
	}
	for name := range probes() {
		tried[name[:1]]++
	}
	titles := map[string]string{}
	var all attack.Report
	for _, p := range attack.Probes() {
		all.Results = append(all.Results, attack.Result{Probe: p})
	}
	for _, c := range all.Classes() {
		titles[c.Letter] = c.Letter + ". " + c.Title
	}
	var b strings.Builder
	b.WriteString("|class|attacks|probes|\n|---|---|---|\n")
	for _, m := range classHead.FindAllStringSubmatch(page(t, evidence), -1) {
		if titles[m[2]] != m[1] {
			t.Errorf("the evidence calls a class %q, the report %q", m[1], titles[m[2]])
		}
		fmt.Fprintf(&b, "|%s|%d|%d|\n", m[1], attacks[m[2]], tried[m[2]])
	}
	golden(t, file, old, head+begin+b.String()+end+tail)
}

func golden(t *testing.T, file, old, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(old, want); diff != "" {
		t.Errorf("%s (-file +computed), run make update:\n%s", file, diff)
	}
}

// TestThePagesNameWhatExists: every probe or test that a page of docs names exists.
func TestThePagesNameWhatExists(t *testing.T) {
	exists := tests(t)
	for name := range probes() {
		exists[name] = true
	}
	name := regexp.MustCompile("`([A-N]\\d\\d[a-z]?|\\w+\\.(?:Test|Fuzz|Benchmark)\\w+)`")
	const many = 80
	found := 0
	err := filepath.WalkDir(root+"/docs", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".md" {
			return err
		}
		for _, m := range name.FindAllStringSubmatch(page(t, file), -1) {
			if found++; !exists[m[1]] {
				t.Errorf("%s: there is no probe or test %s", file, m[1])
			}
		}
		return nil
	})
	if err != nil || found < many {
		t.Errorf("only %d names were found (error %v)", found, err)
	}
}
