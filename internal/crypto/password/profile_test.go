package password_test

import (
	"testing"
	"unicode"

	"golang.org/x/text/secure/precis"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// TestPasswordsHaveTheFormOfTheProfile compares with the library's OpaqueString (RFC 8265) for each
// character that the profile allows.
func TestPasswordsHaveTheFormOfTheProfile(t *testing.T) {
	if testing.Short() {
		t.Skip("compares all characters")
	}
	compared := 0
	for r := rune(0x80); r <= unicode.MaxRune; r++ {
		for _, text := range []string{"a" + string(r) + "b", "e" + string(r), string(r) + "\u0301"} {
			want, err := precis.OpaqueString.String(text)
			if err != nil {
				continue
			}
			compared++
			if got := password.Normal(secret.New(text)).Reveal(); got != want {
				t.Errorf("%+q becomes %+q, want %+q", text, got, want)
			}
		}
	}
	if compared < 300_000 {
		t.Errorf("only %d texts were compared", compared)
	}
}
