package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

// The values of [Request.Rotate].
const (
	Due    = "due"    // replaces what is old enough
	Now    = "now"    // replaces at any age; the old keys expire as always
	Revoke = "revoke" // replaces, and refuses old signing keys and API keys at once
)

// The values of [Request.Only].
const (
	MasterKey  = "master_key"
	SigningKey = "signing_key"
	SecretKey  = "secret_key"
)

// Request says which keys are replaced, and how.
type Request struct {
	// Rotate is "due", "now" or "revoke".
	Rotate string `json:"rotate"`
	// NewSecret makes "due" and "now" replace the Backend API's key too; the one before is accepted
	// for a day. "revoke" always replaces the key.
	NewSecret bool `json:"new_secret,omitempty"`
	// Only is "master_key", "signing_key" or "secret_key"; empty means all three.
	Only string `json:"only,omitempty"`
}

// ErrRequest is the error of [ParseRequest] for an invalid [Request].
var ErrRequest = errors.New("keyring: unknown request")

// ParseRequest reads a request. An unknown field is an error, because the caller may have meant it
// to narrow the request.
func ParseRequest(data []byte) (Request, error) {
	var in Request
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if d.Decode(&in) != nil {
		return in, ErrRequest
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return in, ErrRequest
	}
	known := slices.Contains([]string{Due, Now, Revoke}, in.Rotate) && slices.Contains([]string{"", MasterKey, SigningKey, SecretKey}, in.Only)
	if !known || in.NewSecret && !in.names(SecretKey) {
		return in, ErrRequest
	}
	return in, nil
}

func (in Request) names(key string) bool { return in.Only == "" || in.Only == key }

// Signing rotates the keys that sign session tokens.
type Signing interface {
	RotateSigningKey(ctx context.Context, age time.Duration) error
	RevokeSigningKeys(ctx context.Context) error
}

// SecretStore holds the Backend API's key in plain text, for the servers that send it.
type SecretStore interface {
	// Get returns the key, or the zero value when there is none yet.
	Get(ctx context.Context) (secret.Value, error)
	// Put replaces the key.
	Put(ctx context.Context, key secret.Value) error
}

// Rotator replaces a deployment's keys.
type Rotator struct {
	Keys        *Keyring
	Signing     Signing
	SecretStore SecretStore
	// Prefix begins a new key of the Backend API: sk_live_ or sk_test_.
	Prefix string
}

// Rotate carries out a request. An error in one part does not stop the other parts.
func (r *Rotator) Rotate(ctx context.Context, in Request) error {
	var failed []error
	for _, part := range []struct {
		name string
		do   func(context.Context, Request) error
	}{{SecretKey, r.rotateSecret}, {SigningKey, r.rotateSigning}, {MasterKey, r.rotateMaster}} {
		if in.names(part.name) {
			failed = append(failed, part.do(ctx, in))
		}
	}
	return errors.Join(failed...)
}

func (r *Rotator) rotateMaster(ctx context.Context, in Request) error {
	if in.Rotate == Due {
		return r.Keys.RotateIfDue(ctx)
	}
	return r.Keys.Rotate(ctx)
}

func (r *Rotator) rotateSigning(ctx context.Context, in Request) error {
	switch in.Rotate {
	case Revoke:
		return r.Signing.RevokeSigningKeys(ctx)
	case Now:
		return r.Signing.RotateSigningKey(ctx, 0)
	default:
		return r.Signing.RotateSigningKey(ctx, sessiontoken.KeyLife)
	}
}

func (r *Rotator) rotateSecret(ctx context.Context, in Request) error {
	switch {
	case in.Rotate == Revoke:
		return r.revokeSecret(ctx)
	case in.NewSecret || in.Rotate == Now && in.Only == SecretKey:
		return r.newSecret(ctx)
	default:
		return r.AdoptSecret(ctx)
	}
}

// AdoptSecret makes the key in the secret store the Backend API's key, and makes one when there is
// none. An operator may so put another key there: the next run accepts it.
func (r *Rotator) AdoptSecret(ctx context.Context) error {
	held, err := r.SecretStore.Get(ctx)
	if err != nil {
		return err
	}
	if held.IsZero() {
		return r.newSecret(ctx)
	}
	return r.Keys.SetSecret(ctx, held)
}

func (r *Rotator) fresh() secret.Value { return secret.New(r.Prefix + rand.Text() + rand.Text()) }

func (r *Rotator) newSecret(ctx context.Context) error {
	key := r.fresh()
	if err := r.SecretStore.Put(ctx, key); err != nil {
		return err
	}
	return r.Keys.SetSecret(ctx, key)
}

// revokeSecret refuses the old keys before it stores the new one: a secret store that does not
// answer must not keep a leaked key alive.
func (r *Rotator) revokeSecret(ctx context.Context) error {
	key := r.fresh()
	if err := r.Keys.RevokeSecrets(ctx, key); err != nil {
		return err
	}
	if err := r.SecretStore.Put(ctx, key); err != nil {
		return fmt.Errorf("all keys of the Backend API are refused and the new key could not be stored; repeat the request: %w", err)
	}
	return nil
}
