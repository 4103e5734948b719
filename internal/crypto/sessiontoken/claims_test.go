package sessiontoken_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/sessiontoken"
)

// TestEveryClaimIsNeeded: a text that our key signed without one of the claims, such as a
// handshake, is no session token.
func TestEveryClaimIsNeeded(t *testing.T) {
	k := key(t)
	whole := map[string]any{"iss": issuer, "sub": "user_a", "v": 2, "iat": at.Unix(), "nbf": at.Unix(), "exp": at.Unix() + 60}
	verified := func(change func(map[string]any)) error {
		c := maps.Clone(whole)
		change(c)
		token, err := k.Sign(c)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sessiontoken.Verify(token.Reveal(), []*sessiontoken.Key{k}, issuer, at)
		return err
	}
	if err := verified(func(map[string]any) {}); err != nil {
		t.Fatalf("with all of them: %v", err)
	}
	for _, name := range []string{"iss", "v", "iat", "nbf", "exp"} {
		if err := verified(func(c map[string]any) { delete(c, name) }); !errors.Is(err, sessiontoken.ErrToken) {
			t.Errorf("without %s: %v", name, err)
		}
	}
	for what, change := range map[string]func(map[string]any){
		"an older version": func(c map[string]any) { c["v"] = 1 }, "a newer version": func(c map[string]any) { c["v"] = 3 }, "no issuer": func(c map[string]any) { c["iss"] = "" },
		"nothing but a handshake": func(c map[string]any) { clear(c); c["handshake"] = []string{"__session=x"} },
	} {
		if err := verified(change); !errors.Is(err, sessiontoken.ErrToken) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestATokenLivesForAMinute: a token is valid from 10 s before it was issued until 60 s after, with
// a tolerance of 5 s.
func TestATokenLivesForAMinute(t *testing.T) {
	k := key(t)
	token := mint(t, k)
	for after, want := range map[time.Duration]bool{-16 * time.Second: false, -15*time.Second - 1: false, -15 * time.Second: true, 0: true, 65*time.Second - 1: true, 65 * time.Second: false} {
		if _, err := sessiontoken.Verify(token, []*sessiontoken.Key{k}, issuer, at.Add(after)); (err == nil) != want {
			t.Errorf("%v after it was issued: %v, want it good %v", after, err, want)
		}
	}
}

// TestOnlyStrongKeysAreRead: a stored key that is not RSA, or of fewer than 2048 bits, signs
// nothing.
func TestOnlyStrongKeysAreRead(t *testing.T) {
	elliptic256, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		key  crypto.PrivateKey
		good bool
	}{"RSA of 2048 bits": {rsaOf(t, 2048), true}, "RSA of 1024 bits": {rsaOf(t, 1024), false}, "elliptic": {elliptic256, false}} {
		der, err := x509.MarshalPKCS8PrivateKey(tc.key)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sessiontoken.ParseKey(secret.New(base64.StdEncoding.EncodeToString(der))); (err == nil) != tc.good {
			t.Errorf("%s: %v, want it read %v", name, err, tc.good)
		}
	}
	for _, text := range []string{"", "%", "AAAA"} {
		if _, err := sessiontoken.ParseKey(secret.New(text)); err == nil {
			t.Errorf("%q is a key", text)
		}
	}
	made, err := key(t).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	der, err := base64.StdEncoding.DecodeString(made.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	if bits := parsed.(*rsa.PrivateKey).N.BitLen(); bits != 2048 {
		t.Errorf("a new key has %d bits", bits)
	}
}

func rsaOf(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0") // so that a key can be made that is too weak
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
