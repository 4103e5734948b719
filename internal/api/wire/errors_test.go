package wire_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestReferenceIsTheCatalogue: docs/use/errors.md lists every code with its status and cause.
func TestReferenceIsTheCatalogue(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Errors\n\nFor application developers: every error code, its status and its cause.\n" +
		"Generated from `internal/domain/apierr`.\n\n" +
		"An error answer is `{\"errors\": [{\"code\", \"message\", \"long_message\", \"meta\"}], \"clerk_trace_id\"}`.\n" +
		"`long_message` is for users, `meta.param_name` names the parameter at fault. A 429, and a 403\n" +
		"`user_locked`, carry `Retry-After` in seconds.\n[troubleshooting.md](troubleshooting.md) says what to do.\n\n" +
		"<!-- table: make update -->\n|code|status|when|\n|---|---|---|\n")
	for _, e := range apierr.All() {
		fmt.Fprintf(&b, "|`%s`|%d|%s|\n", e.Code, wire.Status(e.Code), e.When)
	}
	b.WriteString("<!-- end -->\n")
	const golden = "../../../docs/use/errors.md"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("docs/use/errors.md (-file +catalogue):\n%s", diff)
	}
}

// TestTroubleshootingIsComplete: docs/use/troubleshooting.md says once for each code what to do,
// and names no other code.
func TestTroubleshootingIsComplete(t *testing.T) {
	page, err := os.ReadFile("../../../docs/use/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- compared -->")
	table, _, closed := strings.Cut(table, "<!-- end -->")
	if !closed {
		t.Fatal("the page has no table")
	}
	told := map[string]int{}
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) != 4 || !strings.HasPrefix(cells[1], "`") {
			continue
		}
		if cells[2] == "" {
			t.Errorf("no advice: %s", line)
		}
		for code := range strings.SplitSeq(cells[1], ", ") {
			told[strings.Trim(code, "`")]++
		}
	}
	for _, e := range apierr.All() {
		if n := told[string(e.Code)]; n != 1 {
			t.Errorf("%s has %d rows", e.Code, n)
		}
		delete(told, string(e.Code))
	}
	if len(told) > 0 {
		t.Errorf("no codes of the catalogue: %v", told)
	}
}

// TestStatusesAreClerks: the status of each code is one that Clerk documents for it.
func TestStatusesAreClerks(t *testing.T) {
	f, err := os.Open("testdata/clerk-statuses.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	clerk := map[string][]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		code, status, ok := strings.Cut(lines.Text(), "\t")
		if !ok || strings.HasPrefix(code, "#") {
			continue
		}
		n, err := strconv.Atoi(status)
		if err != nil {
			t.Fatal(err)
		}
		clerk[code] = append(clerk[code], n)
	}
	own := map[apierr.Code]bool{ // codes without an entry in Clerk's list
		apierr.MethodNotAllowed: true, apierr.SessionClaimsTooLarge: true,
	}
	for _, e := range apierr.All() {
		statuses, known := clerk[string(e.Code)]
		if known == own[e.Code] {
			t.Errorf("%s: known to Clerk: %t, listed as our own: %t", e.Code, known, own[e.Code])
		}
		if known && !slices.Contains(statuses, wire.Status(e.Code)) {
			t.Errorf("%s: status %d, Clerk's are %v", e.Code, wire.Status(e.Code), statuses)
		}
	}
}

// TestEveryErrorHasAStatus: a code without one would be answered with status 0.
func TestEveryErrorHasAStatus(t *testing.T) {
	for _, e := range apierr.All() {
		if wire.Status(e.Code) == 0 {
			t.Errorf("%s has no status", e.Code)
		}
	}
}
