package authority_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

var update = flag.Bool("update", false, "write the table into docs/security/authority.md")

// TestThePageHasTheRules compares docs/security/authority.md with the rules.
func TestThePageHasTheRules(t *testing.T) {
	const page, begin, end = "../../../docs/security/authority.md", "<!-- generated: rules -->\n", "<!-- end -->"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the rules", page)
	}
	want := before + begin + authority.Table() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want != string(text) {
		t.Errorf("%s does not have the rules of today; -update writes them", page)
	}
}
