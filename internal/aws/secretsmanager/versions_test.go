package secretsmanager_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	awssecretsmanager "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/secretsmanager"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// service holds the versions of one secret, by their ids.
type service struct {
	held map[string]string
	down error
}

func (s *service) GetSecretValue(_ context.Context, in *awssecretsmanager.GetSecretValueInput, _ ...func(*awssecretsmanager.Options)) (*awssecretsmanager.GetSecretValueOutput, error) {
	if s.down != nil {
		return nil, s.down
	}
	text, ok := s.held[*in.SecretId+" "+*in.VersionId]
	if !ok {
		return nil, &types.ResourceNotFoundException{}
	}
	return &awssecretsmanager.GetSecretValueOutput{SecretString: &text}, nil
}

func (s *service) PutSecretValue(_ context.Context, in *awssecretsmanager.PutSecretValueInput, _ ...func(*awssecretsmanager.Options)) (*awssecretsmanager.PutSecretValueOutput, error) {
	key := *in.SecretId + " " + *in.ClientRequestToken
	if text, ok := s.held[key]; s.down != nil || ok && text != *in.SecretString {
		return nil, errors.Join(s.down, &types.ResourceExistsException{})
	}
	s.held[key] = *in.SecretString
	return &awssecretsmanager.PutSecretValueOutput{}, nil
}

// TestVersions: a version is stored under the id that was chosen and read by it, and no error
// repeats the secret.
func TestVersions(t *testing.T) {
	s := &service{held: map[string]string{}}
	v := secretsmanager.NewVersions(s, "arn")
	if got, err := v.Get(t.Context(), "one"); err != nil || !got.IsZero() {
		t.Errorf("before it is stored: %v", err)
	}
	if err := v.Put(t.Context(), "one", secret.New("text")); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Get(t.Context(), "one"); err != nil || !got.Equal(secret.New("text")) {
		t.Errorf("what was stored: %v", err)
	}
	if got, err := v.Get(t.Context(), "two"); err != nil || !got.IsZero() {
		t.Errorf("another version: %v", err)
	}
	if err := v.Put(t.Context(), "one", secret.New("other-text")); err == nil || strings.Contains(err.Error(), "other-text") {
		t.Errorf("a version is changed: %v", err)
	}
	s.down = errors.New("no answer to text")
	if _, err := v.Get(t.Context(), "one"); err == nil || errors.Is(err, s.down) {
		t.Errorf("without Secrets Manager: %v", err)
	}
}
