package identifier_test

import (
	"math/rand/v2"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/identifier"
)

// TestFoldedTextsAreEqual: texts that people take for the same have one folded form, and folding it
// again changes nothing.
func TestFoldedTextsAreEqual(t *testing.T) {
	for _, same := range [][]string{
		{"jane", "JANE", "ｊａｎｅ", "\u200fjane\u202c", "ja\u00adne"}, {"josé", "jose\u0301", "JOSE\u0301"}, {"office", "oﬃce"}, {"ångström", "A\u030angstro\u0308m", "ÅNGSTRÖM"}, {"a b", "a\u00a0b"}, {"", "\x00\u202e\ufffd"},
	} {
		for _, text := range same {
			if got := identifier.Folded(text); got != same[0] {
				t.Errorf("%+q becomes %+q, want %+q", text, got, same[0])
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 20_000 {
		var text []rune
		for range 4 {
			text = append(text, rune(r.IntN([]int{0x250, 0x3000, 0x11000}[r.IntN(3)])))
		}
		if once := identifier.Folded(string(text)); identifier.Folded(once) != once {
			t.Fatalf("%+q becomes %+q and then %+q", string(text), once, identifier.Folded(once))
		}
	}
}
