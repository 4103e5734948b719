// Package backupcode makes backup codes and reads them as people type them.
//
// A code has ten characters of Crockford's base 32, which leaves out i, l, o and u: 50 bits. A user
// sees xxxxx-xxxxx. Callers store and compare only what they make from the canonical form, which
// [Normalize] returns.
package backupcode

import (
	"errors"
	"fmt"
	"io"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Count is how many codes a user gets at a time.
const Count = 10

const (
	alphabet = "0123456789abcdefghjkmnpqrstvwxyz"
	// length is the number of characters in a code without its hyphen.
	length = 10
	// Bits is the entropy of a code.
	Bits = length * 5
	half = length / 2
)

var errRepeats = errors.New("random source repeats itself")

// Generate reads n different codes, each in the form xxxxx-xxxxx. It returns the reader's error, or
// an error when the reader repeats itself so often that it cannot be random. With an error it
// returns no codes.
func Generate(rand io.Reader, n int) ([]secret.Value, error) {
	n = max(n, 0)
	codes := make([]secret.Value, 0, n)
	seen := make(map[string]bool, n)
	// Two of ten codes are equal once in 2^44 sets: a second draw is enough, a loop would be endless.
	for draws := 0; len(codes) < n; draws++ {
		if draws == 2*n {
			return nil, fmt.Errorf("generate backup codes: %w", errRepeats)
		}
		code, err := draw(rand)
		if err != nil {
			return nil, fmt.Errorf("generate backup codes: %w", err)
		}
		if !seen[code] {
			seen[code] = true
			codes = append(codes, secret.New(code[:half]+"-"+code[half:]))
		}
	}
	return codes, nil
}

// draw makes each character from one byte. All characters are equally likely without rejecting a
// byte, because the alphabet's 32 divides a byte's 256.
func draw(rand io.Reader) (string, error) {
	var code [length]byte
	if _, err := io.ReadFull(rand, code[:]); err != nil {
		return "", err
	}
	for i, b := range code {
		code[i] = alphabet[int(b)%len(alphabet)]
	}
	return string(code[:]), nil
}

// Normalize returns the canonical form of a typed code: ten lower-case characters without a hyphen.
// It drops ASCII hyphens and spaces, folds case, and reads o as 0 and i and l as 1, as Crockford
// asks. For a text with any other character, or of another length, it returns false.
func Normalize(s string) (string, bool) {
	var code [length]byte
	n := 0
	for i := range len(s) {
		if s[i] == '-' || s[i] == ' ' {
			continue
		}
		c, ok := canonical(s[i])
		if !ok || n == length {
			return "", false
		}
		code[n] = c
		n++
	}
	if n != length {
		return "", false
	}
	return string(code[:]), true
}

// canonical returns the character of the alphabet that c stands for, if any.
func canonical(c byte) (byte, bool) {
	if 'A' <= c && c <= 'Z' {
		c += 'a' - 'A'
	}
	switch c {
	case 'o':
		return '0', true
	case 'i', 'l':
		return '1', true
	case 'u':
		return 0, false
	}
	return c, '0' <= c && c <= '9' || 'a' <= c && c <= 'z'
}
