package smoke

import (
	"os"
	"regexp"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// TestEachReasonHasAMeaning: an operator reads what every reason of the domain means.
func TestEachReasonHasAMeaning(t *testing.T) {
	source, err := os.ReadFile("../../domain/sms/reasons.go")
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`account\.Undelivered = "(\w+)"`).FindAllSubmatch(source, -1)
	if len(all) != len(meanings) || len(all) == 0 {
		t.Errorf("%d reasons and %d meanings", len(all), len(meanings))
	}
	for _, reason := range all {
		if meanings[account.Undelivered(reason[1])] == "" {
			t.Errorf("%s has no meaning", reason[1])
		}
	}
}
