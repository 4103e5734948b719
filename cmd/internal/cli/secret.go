package cli

import (
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/local"
)

// KeyEnv is the environment variable with the Backend API key.
const KeyEnv = "COUNTERSIGN_SECRET_KEY"

// Key says where the Backend API key is. The key itself is no argument: every process of the
// machine can read arguments, and a shell keeps them in its history.
type Key struct {
	SecretKeyFile string `env:"COUNTERSIGN_SECRET_KEY_FILE" type:"path" placeholder:"FILE" help:"File with the Backend API's key, in place of $COUNTERSIGN_SECRET_KEY."`
}

// shapes match the secrets that must not be arguments.
var shapes = []struct {
	name, instead string
	form          *regexp.Regexp
}{
	{"a key of the Backend API", "put it into " + KeyEnv + ", or into a file and give its name with --secret-key-file", regexp.MustCompile(`^--secret-key(=|$)|\bsk_(test|live)_`)},
	{"an age identity", "put it into a file and give its name with --age-identity", regexp.MustCompile(`AGE-SECRET-KEY-`)},
	{"a webhook's secret", "this program takes none", regexp.MustCompile(`whsec_`)},
}

// refuseSecrets returns an error if an argument carries a secret. The error does not repeat the
// argument.
func refuseSecrets(args []string) error {
	for _, arg := range args {
		for _, s := range shapes {
			if s.form.MatchString(arg) {
				return Usagef("an argument holds %s, which every process of this machine can read: %s", s.name, s.instead)
			}
		}
		_, value, found := strings.Cut(arg, "=")
		if !found {
			value = arg
		}
		if u, err := url.Parse(value); err == nil && u.Host != "" && u.User != nil {
			return Usagef("an address holds a user name or password, which every process of this machine can read: leave it out")
		}
	}
	return nil
}

// Given returns the key, or the zero value when there is none.
func (k *Key) Given() (secret.Value, error) {
	inherited := strings.TrimSpace(os.Getenv(KeyEnv))
	if k.SecretKeyFile == "" {
		return secret.New(inherited), nil
	}
	if inherited != "" {
		return secret.Value{}, Usagef("there are two keys of the Backend API: give %s or --secret-key-file", KeyEnv)
	}
	text, err := os.ReadFile(k.SecretKeyFile)
	if err != nil {
		return secret.Value{}, Usagef("--secret-key-file: %w", err)
	}
	key := secret.New(strings.TrimSpace(string(text)))
	if key.IsZero() {
		return key, Usagef("--secret-key-file: %s is empty", k.SecretKeyFile)
	}
	return key, nil
}

// OrPublished returns the key, or the published key of a development server.
func (k *Key) OrPublished() (secret.Value, error) {
	key, err := k.Given()
	if err == nil && key.IsZero() {
		key = secret.New(local.DefaultKey)
	}
	return key, err
}
