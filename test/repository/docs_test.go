package repository_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign"
)

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// pages are the files of docs that people read.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir("docs", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(name) == ".md" {
			found = append(found, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil || len(found) < 15 {
		t.Fatalf("%d pages in docs (error %v)", len(found), err)
	}
	return found
}

// TestTheReadmeIsShort: the README takes two minutes to read.
func TestTheReadmeIsShort(t *testing.T) {
	const most = 150 // lines
	if n := strings.Count(read(t, "README.md"), "\n"); n > most {
		t.Errorf("README.md has %d lines, at most %d: move some of it to docs", n, most)
	}
}

// generatedTable matches a table that a test writes, or whose rows a test compares with the code,
// with the marks around it. Readers look things up in it and do not read it from top to bottom.
var generatedTable = regexp.MustCompile(`(?s)<!-- (?:table|bill|generated|operations|compared)\b.*?<!-- (?:end|/operations) -->`)

// TestDocsAreShort limits the words of all pages together, without generated tables, as wc -w
// counts them. The quickstarts, which are mostly code, have a limit of their own.
func TestDocsAreShort(t *testing.T) {
	const most, mostToStart = 17_000, 5_000 // words
	n, toStart := 0, 0
	for _, name := range pages(t) {
		words := len(strings.Fields(generatedTable.ReplaceAllString(read(t, name), "")))
		if strings.HasPrefix(name, "docs/start/") {
			toStart += words
		} else {
			n += words
		}
	}
	if n > most {
		t.Errorf("the pages of docs without docs/start have %d words, at most %d", n, most)
	}
	if toStart > mostToStart {
		t.Errorf("the pages of docs/start have %d words, at most %d", toStart, mostToStart)
	}
}

// TestQuickstartsAreFollowed: each page of docs/start has a test that takes its code.
func TestQuickstartsAreFollowed(t *testing.T) {
	var tests strings.Builder
	for _, pattern := range []string{"e2e/start/*.test.mjs", "test/clerksdk/python/test_*.py", "test/repository/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%d files of %s (error %v)", len(files), pattern, err)
		}
		for _, file := range files {
			tests.WriteString(read(t, file))
		}
	}
	for _, page := range pages(t) {
		if strings.HasPrefix(page, "docs/start/") && !strings.Contains(tests.String(), page) {
			t.Errorf("no test names %s", page)
		}
	}
}

// TestEveryPageIsListed: docs/README.md has one line about the content of each page, under a
// heading that names its readers.
func TestEveryPageIsListed(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, h := range regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(index, -1) {
		if !strings.Contains(h[1], ": for ") {
			t.Errorf("docs/README.md: %q does not say for whom", h[1])
		}
	}
	listed := map[string]int{}
	for _, r := range regexp.MustCompile(`(?m)^\* \[([^\]]+)\]\(([^)]+)\): \S`).FindAllStringSubmatch(index, -1) {
		if r[1] != r[2] {
			t.Errorf("the line of %s leads to %s", r[1], r[2])
		}
		listed[r[1]]++
	}
	for _, page := range pages(t) {
		if name := strings.TrimPrefix(page, "docs/"); name != "README.md" && listed[name] != 1 {
			t.Errorf("docs/README.md has %d lines for %s", listed[name], name)
		}
	}
}

// TestTheGlossaryIsShort: the glossary has at most twenty words, in alphabetical order.
func TestTheGlossaryIsShort(t *testing.T) {
	var words []string
	for _, r := range regexp.MustCompile(`(?m)^\| \*\*(.+)\*\* \| \S.* \|$`).FindAllStringSubmatch(read(t, "docs/glossary.md"), -1) {
		words = append(words, strings.ToLower(r[1]))
	}
	if len(words) == 0 || len(words) > 20 {
		t.Errorf("the glossary has %d words, want 1 to 20", len(words))
	}
	if !slices.IsSorted(words) {
		t.Errorf("not in order: %v", words)
	}
}

// TestPagesSayForWhom: the first line under a page's title names its readers.
func TestPagesSayForWhom(t *testing.T) {
	for _, name := range pages(t) {
		if !regexp.MustCompile(`^# .+\n\nFor `).MatchString(read(t, name)) {
			t.Errorf("%s does not begin with its readers: # title, empty line, For ...", name)
		}
	}
}

// TestLinesAreNarrow limits the columns of pages that people also read in a terminal. Tables and
// code may be wider.
func TestLinesAreNarrow(t *testing.T) {
	const most = 100 // columns
	names := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "internal/ops/attack/evidence.md"}
	for _, name := range append(names, pages(t)...) {
		code := false
		for i, line := range strings.Split(read(t, name), "\n") {
			if strings.HasPrefix(line, "```") {
				code = !code
			}
			if code || strings.HasPrefix(line, "|") || strings.HasPrefix(line, "    ") {
				continue
			}
			if n := len([]rune(line)); n > most {
				t.Errorf("%s:%d has %d columns, at most %d", name, i+1, n, most)
			}
		}
	}
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)|src="([^"]+)"`)
	heading = regexp.MustCompile(`(?m)^#+ (.+)$`)
	named   = regexp.MustCompile(`<a id="([^"]+)">`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names of places in a page: those that GitHub gives to headings, and those that
// the page defines.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, a := range named.FindAllStringSubmatch(text, -1) {
		found[a[1]] = true
	}
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		found[strings.ReplaceAll(dropped.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return found
}

// TestLinksLead: each link of a page to another file, and to a heading of it, has a target.
func TestLinksLead(t *testing.T) {
	checked := 0
	for _, page := range append(pages(t), "README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md") {
		text := read(t, page)
		for _, l := range link.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
			target := l[1] + l[2]
			if strings.Contains(target, "://") {
				continue
			}
			checked++
			name, anchor, _ := strings.Cut(target, "#")
			to, file := text, page
			if name != "" {
				file = filepath.Join(filepath.Dir(page), name)
				found, err := os.ReadFile(file)
				if err != nil {
					t.Errorf("%s leads to %s, which is not there", page, target)
					continue
				}
				to = string(found)
			}
			if anchor != "" && !anchors(to)[anchor] {
				t.Errorf("%s leads to %s, and %s has no such place", page, target, file)
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d links were found", checked)
	}
}

// TestTheCostIsOneFigure: the README names the computed costs of an idle month and of a million
// checks, and no amount of money that docs/operate/cost.md does not have.
func TestTheCostIsOneFigure(t *testing.T) {
	cost := read(t, "docs/operate/cost.md")
	amounts := regexp.MustCompile(`\$\d+\.\d+`)
	readme := amounts.FindAllString(read(t, "README.md"), -1)
	_, totals, ok := strings.Cut(cost, "|**all, without X-Ray**|")
	totals, _, _ = strings.Cut(totals, "\n")
	months := amounts.FindAllString(totals, -1)
	if !ok || len(months) < 2 {
		t.Fatal("docs/operate/cost.md has no totals")
	}
	for _, want := range []string{months[0], months[len(months)-1]} {
		if !slices.Contains(readme, want) {
			t.Errorf("README.md names %v, not the %s of docs/operate/cost.md", readme, want)
		}
	}
	known := amounts.FindAllString(cost, -1)
	for _, amount := range readme {
		if !slices.Contains(known, amount) {
			t.Errorf("README.md names %s, which docs/operate/cost.md does not", amount)
		}
	}
}

// TestTheVersionIsOne: the newest release of the changelog is the version of the program, and the
// README names it.
func TestTheVersionIsOne(t *testing.T) {
	log := read(t, "CHANGELOG.md")
	release := regexp.MustCompile(`(?m)^## \[(\d+\.\d+\.\d+)\] - \d{4}-\d{2}-\d{2}$`).FindStringSubmatch(log)
	if release == nil || "v"+release[1] != countersign.Version {
		t.Errorf("the newest release of CHANGELOG.md is %v, the program is %s", release, countersign.Version)
	}
	if !strings.Contains(log, "\n## [Unreleased]\n") {
		t.Error("CHANGELOG.md has no place for what is not released")
	}
	versions := regexp.MustCompile(`\bv\d+\.\d+\.\d+\b`).FindAllString(read(t, "README.md"), -1)
	if len(versions) == 0 {
		t.Error("README.md names no version")
	}
	for _, v := range versions {
		if v != countersign.Version {
			t.Errorf("README.md names %s, the program is %s", v, countersign.Version)
		}
	}
}

// TestTheWorkflow: continuous integration runs what a developer runs, with actions of fixed
// versions and without secrets.
func TestTheWorkflow(t *testing.T) {
	text := read(t, ".github/workflows/test.yml")
	if !strings.Contains(text, "run: make test\n") {
		t.Error("it does not run make test")
	}
	if strings.Contains(text, "secrets.") || !strings.Contains(text, "permissions:\n  contents: read\n") {
		t.Error("it may do more than read the tree")
	}
	uses := regexp.MustCompile(`uses: (\S+)`).FindAllStringSubmatch(text, -1)
	for _, u := range uses {
		if !regexp.MustCompile(`@v\d+\.\d+\.\d+$`).MatchString(u[1]) {
			t.Errorf("%s has no fixed version", u[1])
		}
	}
	if len(uses) == 0 {
		t.Error("it checks nothing out")
	}
}
