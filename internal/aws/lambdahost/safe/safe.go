// Package safe keeps the Backend API's key in Secrets Manager. Only the functions that hold the key in plain text link it.
package safe

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Client is the part of Secrets Manager's client that is used.
type Client interface {
	GetSecretValue(context.Context, *secretsmanager.GetSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.GetSecretValueOutput, error)
	PutSecretValue(context.Context, *secretsmanager.PutSecretValueInput, ...func(*secretsmanager.Options)) (*secretsmanager.PutSecretValueOutput, error)
}

// Safe is a secret in Secrets Manager. It implements keyring.Safe.
type Safe struct {
	client Client
	arn    string
}

// The errors of the safe. The service's own text is left out: it may repeat what was sent.
var (
	errRead  = errors.New("read the secret key: no answer from Secrets Manager")
	errStore = errors.New("store the secret key: no answer from Secrets Manager")
)

// New returns the safe with a secret's ARN.
func New(client Client, arn string) Safe { return Safe{client, arn} }

// Of returns the safe of a deployment. It makes no request.
func Of(e lambdahost.Environment) Safe { return New(secretsmanager.NewFromConfig(e.AWS()), e.Secret) }

// Secret returns the key without blanks around it, or the zero value when there is none yet.
func (s Safe) Secret(ctx context.Context) (secret.Value, error) {
	held, err := s.client.GetSecretValue(ctx, &secretsmanager.GetSecretValueInput{SecretId: &s.arn})
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

// KeepSecret replaces the key.
func (s Safe) KeepSecret(ctx context.Context, key secret.Value) error {
	text := key.Reveal()
	if _, err := s.client.PutSecretValue(ctx, &secretsmanager.PutSecretValueInput{SecretId: &s.arn, SecretString: &text}); err != nil {
		return errStore
	}
	return nil
}
