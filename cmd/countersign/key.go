package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
)

// keyEnv is the environment variable with the Backend API's key.
const keyEnv = "COUNTERSIGN_SECRET_KEY"

// keyFlags say where the Backend API's key is. The key itself is no argument: arguments can be read by every process of a machine, and stay
// in the history of a shell.
type keyFlags struct {
	SecretKeyFile string  `env:"COUNTERSIGN_SECRET_KEY_FILE" type:"path" help:"File with the Backend API's key; without one the environment variable COUNTERSIGN_SECRET_KEY has it."`
	SecretKey     *string `hidden:"" help:"Refused: it would show the key to every process."`
}

var errKeyArgument = errors.New("--secret-key would show the key to every process of this machine; put it into the environment variable " + keyEnv + ", or into a file and give its name with --secret-key-file")

// AfterApply refuses the key as an argument, whatever else was asked for. kong calls it.
func (k *keyFlags) AfterApply() error {
	if k.SecretKey != nil {
		return errKeyArgument
	}
	return nil
}

// given returns the key, or the zero value when there is none.
func (k *keyFlags) given() (secret.Value, error) {
	inherited := strings.TrimSpace(os.Getenv(keyEnv))
	if k.SecretKeyFile == "" {
		return secret.New(inherited), nil
	}
	if inherited != "" {
		return secret.Value{}, errors.New("there are two keys of the Backend API: give " + keyEnv + " or --secret-key-file")
	}
	text, err := os.ReadFile(k.SecretKeyFile)
	if err != nil {
		return secret.Value{}, fmt.Errorf("--secret-key-file: %w", err)
	}
	key := secret.New(strings.TrimSpace(string(text)))
	if key.IsZero() {
		return key, fmt.Errorf("--secret-key-file: %s is empty", k.SecretKeyFile)
	}
	return key, nil
}

// orPublished returns the key, or that of a development server which was given none.
func (k *keyFlags) orPublished() (secret.Value, error) {
	key, err := k.given()
	if err == nil && key.IsZero() {
		key = secret.New(local.DefaultKey)
	}
	return key, err
}
