package kms_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	awskms "github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/smithy-go"

	"github.com/countersign-mfa/countersign/internal/aws/kms"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
)

// service is a KMS that gives one answer.
type service struct {
	plain []byte
	err   error
	asked *awskms.DecryptInput
}

func (s *service) Decrypt(_ context.Context, in *awskms.DecryptInput, _ ...func(*awskms.Options)) (*awskms.DecryptOutput, error) {
	s.asked = in
	return &awskms.DecryptOutput{Plaintext: s.plain}, s.err
}

func (s *service) GenerateDataKeyWithoutPlaintext(context.Context, *awskms.GenerateDataKeyWithoutPlaintextInput, ...func(*awskms.Options)) (*awskms.GenerateDataKeyWithoutPlaintextOutput, error) {
	return &awskms.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: []byte("wrapped")}, s.err
}

// TestFailures: a ciphertext of another key or context differs from a service that refuses or is
// unavailable. No error repeats the service's text, which may hold the key's name and the context.
func TestFailures(t *testing.T) {
	const private = "arn:aws:kms:eu-central-1:111122223333:key/private"
	answer := func(code string) error { return &smithy.GenericAPIError{Code: code, Message: private} }
	for name, c := range map[string]struct {
		err   error
		other bool // the ciphertext belongs to another key
		says  string
	}{
		"another context":     {answer("InvalidCiphertextException"), true, "InvalidCiphertextException"},
		"another key":         {answer("IncorrectKeyException"), true, "IncorrectKeyException"},
		"the key is disabled": {answer("DisabledException"), false, "DisabledException"},
		"it is not allowed":   {answer("AccessDeniedException"), false, "AccessDeniedException"},
		"the service is away": {errors.New("dial " + private), false, "no answer"},
		"the time is over":    {context.DeadlineExceeded, false, "no answer"},
	} {
		w := kms.New(&service{err: c.err}, private)
		_, err := w.Unwrap(t.Context(), []byte("wrapped"), nil)
		if err == nil || errors.Is(err, seal.ErrOpen) != c.other || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), private) {
			t.Errorf("unwrap, %s: %v", name, err)
		}
		if _, err := w.NewKey(t.Context(), nil); err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), private) {
			t.Errorf("new key, %s: %v", name, err)
		}
	}
}

// TestUnwrap: Unwrap asks for its own key and context only, accepts exactly 32 bytes, and leaves no
// plaintext behind.
func TestUnwrap(t *testing.T) {
	for length, ok := range map[int]bool{32: true, 0: false, 16: false, 31: false, 33: false} {
		s := &service{plain: []byte(strings.Repeat("k", length))}
		key, err := kms.New(s, "the key").Unwrap(t.Context(), []byte("wrapped"), map[string]string{"purpose": "test"})
		if (err == nil) != ok || !ok && !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%d bytes: %v", length, err)
		}
		if ok && (string(key[:]) != strings.Repeat("k", 32) || strings.Contains(string(s.plain), "k")) {
			t.Errorf("the key is %d bytes of %q, and %q stays in memory", len(key), key[:1], s.plain)
		}
		if *s.asked.KeyId != "the key" || string(s.asked.CiphertextBlob) != "wrapped" || s.asked.EncryptionContext["purpose"] != "test" {
			t.Errorf("asks %+v", s.asked)
		}
	}
}
