package keyring

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// File is a [Wrapper] with its key in a file: it replaces AWS KMS on a laptop.
type File struct {
	Ring *seal.Ring
	Rand io.Reader
}

// owner returns the context as one text. Its names and values come from this package and contain no
// separator.
func owner(bound map[string]string) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(bound)) {
		fmt.Fprintf(&b, "%s=%s\n", name, bound[name])
	}
	return b.String()
}

// NewKey implements [Wrapper].
func (f File) NewKey(_ context.Context, bound map[string]string) ([]byte, error) {
	var key seal.Key
	if _, err := io.ReadFull(f.Rand, key[:]); err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return f.Ring.Seal(owner(bound), secret.New(string(key[:])))
}

// Unwrap implements [Wrapper].
func (f File) Unwrap(_ context.Context, wrapped []byte, bound map[string]string) (seal.Key, error) {
	var key seal.Key
	plain, err := f.Ring.Open(owner(bound), wrapped)
	if err != nil {
		return key, err
	}
	if copy(key[:], plain.Reveal()) != len(key) {
		return key, seal.ErrOpen
	}
	return key, nil
}
