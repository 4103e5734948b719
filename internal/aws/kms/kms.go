// Package kms wraps master keys with AWS KMS. KMS is called when a process starts and when a key is
// new, never by a request.
package kms

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/crypto/seal"
)

// Client is the part of the SDK's client that unwrapping uses.
type Client interface {
	Decrypt(context.Context, *kms.DecryptInput, ...func(*kms.Options)) (*kms.DecryptOutput, error)
	GenerateDataKeyWithoutPlaintext(context.Context, *kms.GenerateDataKeyWithoutPlaintextInput, ...func(*kms.Options)) (*kms.GenerateDataKeyWithoutPlaintextOutput, error)
}

// Wrapper is a [keyring.Wrapper]. It is safe for concurrent use.
type Wrapper struct {
	client Client
	key    string
}

// New returns a wrapper that uses only the KMS key with this ARN. It refuses a ciphertext that
// names another key.
func New(client Client, key string) *Wrapper { return &Wrapper{client, key} }

// NewKey makes a key of which KMS returns only the ciphertext, so that the function that makes keys
// need not be able to read them.
func (w *Wrapper) NewKey(ctx context.Context, bound map[string]string) ([]byte, error) {
	out, err := w.client.GenerateDataKeyWithoutPlaintext(ctx, &kms.GenerateDataKeyWithoutPlaintextInput{
		KeyId: &w.key, KeySpec: types.DataKeySpecAes256, EncryptionContext: bound,
	})
	if err != nil {
		return nil, failure("make key", err)
	}
	return out.CiphertextBlob, nil
}

// Unwrap decrypts a key. It returns [seal.ErrOpen], wrapped, when KMS says that the ciphertext, its
// context or its key does not match.
func (w *Wrapper) Unwrap(ctx context.Context, wrapped []byte, bound map[string]string) (seal.Key, error) {
	var key seal.Key
	out, err := w.client.Decrypt(ctx, &kms.DecryptInput{KeyId: &w.key, CiphertextBlob: wrapped, EncryptionContext: bound})
	if err != nil {
		return key, failure("unwrap key", err)
	}
	if len(out.Plaintext) != len(key) {
		return key, fmt.Errorf("unwrap key: %w", seal.ErrOpen)
	}
	copy(key[:], out.Plaintext)
	clear(out.Plaintext)
	return key, nil
}

// failure keeps the service's code and drops its text, which may repeat the key's name and the
// context.
func failure(what string, err error) error {
	var known smithy.APIError
	if !errors.As(err, &known) {
		return fmt.Errorf("kms: %s: no answer", what)
	}
	switch known.ErrorCode() {
	case "InvalidCiphertextException", "IncorrectKeyException":
		return fmt.Errorf("kms: %s: %w (%s)", what, seal.ErrOpen, known.ErrorCode())
	}
	return fmt.Errorf("kms: %s: %s", what, known.ErrorCode())
}
