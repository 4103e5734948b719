package passkey_test

import (
	"crypto/rand"
	"errors"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// handle is the user handle of the tests.
var handle = []byte("user_jqhbgqv3zw4t5xkxr6yxzq2m4a")

// party returns the relying party of the tests.
func party(t testing.TB) passkey.RelyingParty {
	t.Helper()
	rp, err := passkey.NewRelyingParty("example.com", "Example", "https://example.com", "https://login.example.com:8443", appOrigin)
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func challenge(t testing.TB) passkey.Challenge {
	t.Helper()
	c, err := passkey.NewChallenge(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// register makes a credential with a and registers it.
func register(t testing.TB, rp passkey.RelyingParty, a *authenticator.Authenticator) (passkey.Credential, error) {
	t.Helper()
	c := challenge(t)
	options, err := rp.CreationOptions(c, passkey.User{Handle: handle, Name: "ada"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := a.Create(options)
	if err != nil {
		t.Fatal(err)
	}
	return rp.Register(c, response)
}

// verify makes an assertion with a and verifies it.
func verify(t testing.TB, rp passkey.RelyingParty, a *authenticator.Authenticator, stored passkey.Credential) (passkey.Assertion, error) {
	t.Helper()
	c := challenge(t)
	options, err := rp.RequestOptions(c, []passkey.Credential{stored})
	if err != nil {
		t.Fatal(err)
	}
	response, err := a.Get(options)
	if err != nil {
		t.Fatal(err)
	}
	p, err := passkey.ParseAssertion(response)
	if err != nil {
		return passkey.Assertion{}, err
	}
	return rp.Verify(c, handle, stored, p)
}

// TestRegisterAndVerify: a credential of each algorithm is registered and proves the user twice.
func TestRegisterAndVerify(t *testing.T) {
	for _, test := range []struct {
		name string
		a    *authenticator.Authenticator
		want passkey.Algorithm
	}{
		{"a synchronized passkey", &authenticator.Authenticator{Flags: authenticator.UP | authenticator.UV | authenticator.BE | authenticator.BS}, passkey.ES256},
		{"a security key with a counter", &authenticator.Authenticator{Counts: true}, passkey.ES256},
		{"a security key with Ed25519", &authenticator.Authenticator{Algorithm: authenticator.EdDSA, Counts: true}, passkey.EdDSA},
		{"Windows with a TPM", &authenticator.Authenticator{Algorithm: authenticator.RS256, Counts: true}, passkey.RS256},
		{"self attestation", &authenticator.Authenticator{SelfAttested: true}, passkey.ES256},
		{"a page on a listed subdomain", &authenticator.Authenticator{Origin: "https://login.example.com:8443"}, passkey.ES256},
	} {
		t.Run(test.name, func(t *testing.T) {
			rp := party(t)
			stored, err := register(t, rp, test.a)
			if err != nil || stored.Algorithm != test.want {
				t.Fatalf("register: %v, algorithm %d", err, stored.Algorithm)
			}
			for i := range 2 {
				got, err := verify(t, rp, test.a, stored)
				if err != nil {
					t.Fatalf("use %d: %v", i+1, err)
				}
				if test.a.Counts != (got.SignCount > stored.SignCount) || got.BackedUp != stored.BackedUp {
					t.Errorf("use %d: %+v after %+v", i+1, got, stored)
				}
				stored.SignCount = got.SignCount
			}
		})
	}
}

// TestCounterWentBack: an assertion whose counter is not greater than the stored one has an error
// of its own, which names both counters.
func TestCounterWentBack(t *testing.T) {
	rp, a := party(t), &authenticator.Authenticator{Counts: true}
	stored, err := register(t, rp, a)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ stored, next uint32 }{{7, 7}, {7, 6}, {7, 1}, {1<<32 - 1, 5}} {
		stored.SignCount, a.Credentials()[0].Count = test.stored, test.next-1
		_, err := verify(t, rp, a, stored)
		var back *passkey.CounterError
		if !errors.As(err, &back) || *back != (passkey.CounterError{Stored: test.stored, Received: test.next}) {
			t.Errorf("%d after %d: %v", test.next, test.stored, err)
		}
	}
	a.Counts, a.Credentials()[0].Count = false, 0
	if _, err := verify(t, rp, a, stored); !errors.As(err, new(*passkey.CounterError)) {
		t.Errorf("a counter that becomes 0: %v", err)
	}
}

// BenchmarkVerify measures a check with its answer's parsing, by algorithm.
func BenchmarkVerify(b *testing.B) {
	for name, algorithm := range map[string]int64{"ES256": authenticator.ES256, "EdDSA": authenticator.EdDSA, "RS256": authenticator.RS256} {
		b.Run(name, func(b *testing.B) {
			rp, a := party(b), &authenticator.Authenticator{Algorithm: algorithm}
			stored, err := register(b, rp, a)
			if err != nil {
				b.Fatal(err)
			}
			c := challenge(b)
			options, _ := rp.RequestOptions(c, nil)
			answer, err := a.Get(options)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				p, err := passkey.ParseAssertion(answer)
				if err == nil {
					_, err = rp.Verify(c, handle, stored, p)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
