package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/countersign-mfa/countersign/internal/crypto/keyring"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// DefaultKey is the Backend API key of a server that is started without one. It is published: only
// pages and programs of this machine may reach a server that accepts it.
const DefaultKey = "sk_test_local"

// secretFileName is the file of a data directory that holds the Backend API key after it was
// replaced.
const secretFileName = "secret.key"

// secretFile keeps the Backend API key in memory, and in a file once it was replaced. It implements
// [keyring.SecretStore].
type secretFile struct {
	path string

	mu  sync.Mutex
	key secret.Value
}

// openSecretFile uses the given key, or else the file's, or else [DefaultKey].
func openSecretFile(path string, given secret.Value) (*secretFile, error) {
	if !given.IsZero() {
		return &secretFile{path: path, key: given}, nil
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &secretFile{path: path, key: secret.New(DefaultKey)}, nil
	case err != nil:
		return nil, fmt.Errorf("data directory: %w", err)
	}
	key := secret.New(strings.TrimSpace(string(text)))
	if key.IsZero() {
		return nil, fmt.Errorf("%s is empty; remove it, or write the Backend API key into it", path)
	}
	return &secretFile{path: path, key: key}, nil
}

// Get implements [keyring.SecretStore].
func (f *secretFile) Get(context.Context) (secret.Value, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.key, nil
}

// Put implements [keyring.SecretStore]. It replaces the file as a whole, so that a crash leaves the
// old or the new key.
func (f *secretFile) Put(_ context.Context, key secret.Value) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	fresh := f.path + ".new"
	if err := os.WriteFile(fresh, []byte(key.Reveal()+"\n"), 0o600); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := os.Rename(fresh, f.path); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	f.key = key
	return nil
}

// openKey makes the server's key the only one that the Backend API accepts.
func (a *App) openKey(ctx context.Context) error {
	path := filepath.Join(a.Dir, secretFileName)
	file, err := openSecretFile(path, a.SecretKey)
	if err != nil {
		return err
	}
	a.secret = file
	err = a.keys.OnlySecret(ctx, file.key)
	if errors.Is(err, keyring.ErrRevoked) {
		return fmt.Errorf("this Backend API key was revoked: start without one to use the key in %s, or with a new one", path)
	}
	return err
}

// Key returns the current Backend API key.
func (a *App) Key() secret.Value {
	key, _ := a.secret.Get(context.Background())
	return key
}

// rotateKeys does what the function keys-rotate does on AWS.
func (a *App) rotateKeys(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		a.answer(w, nil, apierr.New(apierr.RequestBodyInvalid))
		return
	}
	in, err := keyring.ParseRequest(data)
	if err != nil {
		a.answer(w, nil, apierr.New(apierr.RequestBodyInvalid))
		return
	}
	rotator := &keyring.Rotator{Keys: a.keys, Signing: a.Service.Tokens, SecretStore: a.secret, Prefix: "sk_test_"}
	if err = rotator.Rotate(r.Context(), in); err != nil {
		a.Log.Error("key rotation failed", "error", err.Error())
	}
	a.answer(w, map[string]bool{"ok": true}, err)
}
