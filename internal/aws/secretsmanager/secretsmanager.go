// Package secretsmanager keeps the Backend API key in Secrets Manager. Only functions that hold the
// key in plain text link it.
package secretsmanager

import (
	"context"
	"errors"
	"strings"

	awssecretsmanager "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Client is the part of Secrets Manager's client that [Secret] uses.
type Client interface {
	GetSecretValue(context.Context, *awssecretsmanager.GetSecretValueInput, ...func(*awssecretsmanager.Options)) (*awssecretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *awssecretsmanager.PutSecretValueInput, ...func(*awssecretsmanager.Options)) (*awssecretsmanager.PutSecretValueOutput, error)
}

// Secret is a secret in Secrets Manager. It implements [keyring.SecretStore].
type Secret struct {
	client Client
	arn    string
}

// Errors of the secret. The service's own text is left out, because it may repeat the request.
var (
	errRead  = errors.New("read the secret key: no answer from Secrets Manager")
	errStore = errors.New("store the secret key: no answer from Secrets Manager")
)

// New returns the secret with this ARN.
func New(client Client, arn string) Secret { return Secret{client, arn} }

// FromEnvironment returns the secret of a deployment. It makes no request.
func FromEnvironment(e lambdahost.Environment) Secret {
	return New(awssecretsmanager.NewFromConfig(e.AWS()), e.Secret)
}

// Get returns the key without surrounding blanks, or the zero value when there is none yet.
func (s Secret) Get(ctx context.Context) (secret.Value, error) {
	held, err := s.client.GetSecretValue(ctx, &awssecretsmanager.GetSecretValueInput{SecretId: &s.arn})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
		return secret.Value{}, nil
	case err != nil:
		return secret.Value{}, errRead
	case held.SecretString == nil:
		return secret.Value{}, nil
	}
	return secret.New(strings.TrimSpace(*held.SecretString)), nil
}

// Put replaces the key.
func (s Secret) Put(ctx context.Context, key secret.Value) error {
	text := key.Reveal()
	if _, err := s.client.PutSecretValue(ctx, &awssecretsmanager.PutSecretValueInput{SecretId: &s.arn, SecretString: &text}); err != nil {
		return errStore
	}
	return nil
}
