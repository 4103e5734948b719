package clerksdk_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// languages are the SDKs in the order of docs/use/clients.md. The file of results has the name in
// lower case.
var languages = []string{"Go", "JavaScript", "Python", "Java"}

var generated = regexp.MustCompile(`(?s)<!-- table: make update -->\n.*?<!-- end -->`)

// TestTheCallsAreListed compares the tables of docs/use/clients.md with the results of the SDKs.
func TestTheCallsAreListed(t *testing.T) {
	const page = "../../docs/use/clients.md"
	text := read(t, page)
	var b strings.Builder
	b.WriteString("<!-- table: make update -->\n")
	for i, language := range languages {
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(&b, "|%s|works|Clerk's error|\n|---|---|---|\n", language)
		writeTable(&b, results(t, "calls/"+strings.ToLower(language)+".txt"))
	}
	b.WriteString("<!-- end -->")
	if n := len(generated.FindAllStringIndex(text, -1)); n != 1 {
		t.Fatalf("%d places for the tables", n)
	}
	want := generated.ReplaceAllLiteralString(text, b.String())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("%s (-results +page), run make update:\n%s", page, diff)
	}
}

// result is what a call of an SDK led to: [works], Clerk's error, or "no request".
type result struct{ resource, call, outcome string }

// results reads a file of results.
func results(t *testing.T, name string) []result {
	t.Helper()
	var out []result
	for line := range strings.Lines(read(t, name)) {
		call, outcome, ok := strings.Cut(strings.TrimSpace(line), "\t")
		dot := strings.LastIndex(call, ".")
		if !ok || outcome == "" || dot < 0 {
			t.Fatalf("%s: %q", name, line)
		}
		out = append(out, result{call[:dot], call[dot+1:], outcome})
	}
	if len(out) < 50 {
		t.Fatalf("%s has only %d calls", name, len(out))
	}
	return out
}

// writeTable writes a row for each resource with a call that works, and one row for all others.
func writeTable(b *strings.Builder, all []result) {
	var resources, others []string
	calls := map[string]map[bool][]string{}
	for _, r := range all {
		if calls[r.resource] == nil {
			calls[r.resource] = map[bool][]string{}
			resources = append(resources, r.resource)
		}
		name := "`" + r.call + "`"
		if r.outcome == "no request" {
			name += " (sends nothing)"
		}
		calls[r.resource][r.outcome == works] = append(calls[r.resource][r.outcome == works], name)
	}
	slices.Sort(resources)
	for _, resource := range resources {
		if len(calls[resource][true]) == 0 {
			others = append(others, "`"+resource+"`")
			continue
		}
		fmt.Fprintf(b, "|`%s`|%s|%s|\n", resource, strings.Join(calls[resource][true], ", "), strings.Join(calls[resource][false], ", "))
	}
	fmt.Fprintf(b, "|all others||every call of %s|\n", strings.Join(others, ", "))
}

// TestTheVersionsAreThoseThatRun: docs/use/clients.md names the versions of the SDKs that the tests
// install.
func TestTheVersionsAreThoseThatRun(t *testing.T) {
	page := read(t, "../../docs/use/clients.md")
	for name, of := range map[string]struct{ file, pattern, named string }{
		"Go":     {"../../go.mod", `github\.com/clerk/clerk-sdk-go/v2 (v[\d.]+)`, "`clerk-sdk-go/v2` %s"},
		"Python": {"python/requirements.txt", `(?m)^clerk-backend-api==([\d.]+)`, "`clerk-backend-api` %s"},
		"Java":   {"java/pom.xml", `<artifactId>backend-api</artifactId>\s*<version>([\d.]+)<`, "`com.clerk:backend-api` %s"},
	} {
		found := regexp.MustCompile(of.pattern).FindStringSubmatch(read(t, of.file))
		if found == nil {
			t.Errorf("%s: %s has no version", name, of.file)
			continue
		}
		if want := fmt.Sprintf(of.named, found[1]); !strings.Contains(strings.Join(strings.Fields(page), " "), want) {
			t.Errorf("docs/use/clients.md does not name %s", want)
		}
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
