package identifier

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// Seen returns a text without invisible characters.
func Seen(text string) string {
	return strings.Map(func(r rune) rune {
		if typed.Invisible(r) {
			return -1
		}
		return r
	}, text)
}
