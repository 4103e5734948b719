// Package secretsmanager keeps the Backend API key and CloudFront's secret in Secrets Manager. Only
// functions that hold one in plain text link it.
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

	errReadVersion  = errors.New("read a version of the secret: no answer from Secrets Manager")
	errStoreVersion = errors.New("store a version of the secret: no answer from Secrets Manager, or another process stored it first")
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

// Versions is a secret in Secrets Manager whose versions have chosen ids of 32 to 64 characters. A
// version never changes.
type Versions struct {
	client Client
	arn    string
}

// NewVersions returns the secret with this ARN.
func NewVersions(client Client, arn string) Versions { return Versions{client, arn} }

// VersionsOf returns a secret of a deployment. It makes no request.
func VersionsOf(e lambdahost.Environment, arn string) Versions {
	return NewVersions(awssecretsmanager.NewFromConfig(e.AWS()), arn)
}

// Get returns a version, or the zero value when there is none.
func (v Versions) Get(ctx context.Context, id string) (secret.Value, error) {
	held, err := v.client.GetSecretValue(ctx, &awssecretsmanager.GetSecretValueInput{SecretId: &v.arn, VersionId: &id})
	var none *types.ResourceNotFoundException
	switch {
	case errors.As(err, &none):
		return secret.Value{}, nil
	case err != nil || held.SecretString == nil:
		return secret.Value{}, errReadVersion
	}
	return secret.New(*held.SecretString), nil
}

// Put stores a version. The token of a request "becomes the VersionId of the new version", and a
// request for a version that exists with another value fails
// (https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html).
func (v Versions) Put(ctx context.Context, id string, value secret.Value) error {
	text := value.Reveal()
	if _, err := v.client.PutSecretValue(ctx, &awssecretsmanager.PutSecretValueInput{SecretId: &v.arn, ClientRequestToken: &id, SecretString: &text}); err != nil {
		return errStoreVersion
	}
	return nil
}
