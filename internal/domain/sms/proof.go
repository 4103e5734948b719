package sms

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// IsCode says whether text is six ASCII digits. What is not cannot be right and costs nothing.
func IsCode(text string) bool {
	if len(text) != totp.Digits {
		return false
	}
	return !slices.ContainsFunc([]byte(text), func(b byte) bool { return b < '0' || b > '9' })
}
