package password

import (
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// TestAnOrdinaryGuessIsComparedOnce: only a text that is not in normal form is compared twice.
func TestAnOrdinaryGuessIsComparedOnce(t *testing.T) {
	for text, want := range map[string]int{"correct horse": 1, "Gr\u00fc\u00dfe-1": 1, "\U0001f600 smile": 1, "tab\there": 1, "Gru\u0308\u00dfe-1": 2, "wide\u3000space": 2} {
		if got := len(spellings(secret.New(text))); got != want {
			t.Errorf("%+q is compared %d times, want %d", text, got, want)
		}
	}
}
