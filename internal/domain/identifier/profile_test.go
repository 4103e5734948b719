package identifier_test

import (
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/secure/precis"

	"github.com/countersign-mfa/countersign/internal/domain/identifier"
)

// TestUsernamesHaveTheFormOfTheProfile compares with the library's UsernameCaseMapped (RFC 8265)
// for each character that the profile allows. The functions do not link the library: its tables are
// a thirtieth of a function.
func TestUsernamesHaveTheFormOfTheProfile(t *testing.T) {
	if testing.Short() {
		t.Skip("compares all characters")
	}
	compared := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		for _, around := range []string{"a_b", "_", "e_", "ΑΣ_", "א_", "ア_"} {
			text := strings.Replace(around, "_", string(r), 1)
			want, err := precis.UsernameCaseMapped.CompareKey(text)
			if err != nil {
				continue
			}
			compared++
			if got := identifier.Normal(identifier.Username, text); got != want {
				t.Errorf("%+q becomes %+q, want %+q", text, got, want)
			}
		}
	}
	if compared < 500_000 {
		t.Errorf("only %d texts were compared", compared)
	}
}

// TestARefusedUsernameOfAnEarlierReleaseIsFound: an earlier release kept the width of a username
// that the profile refuses.
func TestARefusedUsernameOfAnEarlierReleaseIsFound(t *testing.T) {
	const given, claimed = "Ｍｉａ b", "ｍｉａ b"
	if !slices.Contains(identifier.Former(identifier.Username, given), claimed) {
		t.Errorf("the claim %+q is not found", claimed)
	}
}
