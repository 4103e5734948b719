package passkey_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// TestVerifyRefuses changes one thing at a time in a right answer to get, of each algorithm.
func TestVerifyRefuses(t *testing.T) {
	for _, algorithm := range []int64{authenticator.ES256, authenticator.EdDSA, authenticator.RS256} {
		for _, test := range append(anyCeremony(), []change{
			{"an answer to create", inClient("type", "webauthn.create"), passkey.WrongType},
			{"no authenticator data", inResponse("authenticatorData", missing), passkey.Malformed},
			{"authenticator data that are too long", extended(authenticator.CBOR(map[any]any{"x": make([]byte, 2<<10)})), passkey.Malformed},
			{"attested data", inData(func(data []byte) []byte { data[32] |= authenticator.AT; return data }), passkey.Malformed},
			{"no signature", inResponse("signature", missing), passkey.Malformed},
			{"an empty signature", inResponse("signature", ""), passkey.Malformed},
			{"another signature", inResponse("signature", "AAAA"), passkey.WrongSignature},
			{"a signature of 513 bytes", inResponse("signature", strings.Repeat("AAAA", 171)), passkey.Malformed},
			{"no user handle, as of a security key", inResponse("userHandle", missing), ""},
			{"a user handle null", inResponse("userHandle", nil), ""},
			{"an empty user handle, as from iOS", inResponse("userHandle", ""), ""},
			{"another user's handle", inResponse("userHandle", "AAAA"), passkey.WrongCredential},
			{"a user handle of a number", inResponse("userHandle", 7), passkey.Malformed},
			{"a user handle of 65 bytes", inResponse("userHandle", base64.RawURLEncoding.EncodeToString(make([]byte, 65))), passkey.Malformed},
			{"a credential that became synchronized", flags(authenticator.BE, 0), passkey.BackupChanged},
			{"a user who is not verified, and not signed so", func(a *authenticator.Authenticator) {
				a.Response = func(credential map[string]any) {
					set(credential["response"].(map[string]any), "authenticatorData", unverified(t, credential))
				}
			}, passkey.WrongSignature},
		}...) {
			t.Run(test.name, func(t *testing.T) {
				rp, a := party(t), &authenticator.Authenticator{Algorithm: algorithm}
				stored, err := register(t, rp, a)
				if err != nil {
					t.Fatal(err)
				}
				test.change(a)
				got, err := verify(t, rp, a, stored)
				check(t, err, test.want)
				if err != nil && got != (passkey.Assertion{}) {
					t.Errorf("refused with %+v", got)
				}
			})
		}
	}
}

// unverified returns the authenticator data of a response without the flag UV.
func unverified(t *testing.T, credential map[string]any) string {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(credential["response"].(map[string]any)["authenticatorData"].(string))
	if err != nil {
		t.Fatal(err)
	}
	data[32] &^= authenticator.UV
	return base64.RawURLEncoding.EncodeToString(data)
}

// TestVerifyRefusesTheStored: a right assertion is refused for another stored credential, another
// user, another challenge and another relying party.
func TestVerifyRefusesTheStored(t *testing.T) {
	rp, a := party(t), &authenticator.Authenticator{}
	stored, err := register(t, rp, a)
	if err != nil {
		t.Fatal(err)
	}
	other, err := register(t, rp, &authenticator.Authenticator{})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := passkey.NewRelyingParty("example.org", "Example", "https://example.org")
	if err != nil {
		t.Fatal(err)
	}
	c := challenge(t)
	options, _ := rp.RequestOptions(c, nil)
	response, err := a.Get(options)
	if err != nil {
		t.Fatal(err)
	}
	p, err := passkey.ParseAssertion(response)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(p.CredentialID(), stored.ID) || !bytes.Equal(p.UserHandle(), handle) {
		t.Errorf("credential %x of %q", p.CredentialID(), p.UserHandle())
	}
	with := func(edit func(c *passkey.Credential)) passkey.Credential {
		c := stored
		c.ID, c.PublicKey = slices.Clone(c.ID), slices.Clone(c.PublicKey)
		edit(&c)
		return c
	}
	for _, test := range []struct {
		name      string
		rp        passkey.RelyingParty
		challenge passkey.Challenge
		user      []byte
		stored    passkey.Credential
		want      passkey.Refusal
	}{
		{"as it was", rp, c, handle, stored, ""},
		{"another credential", rp, c, handle, other, passkey.WrongCredential},
		{"another user", rp, c, []byte("user_other"), stored, passkey.WrongCredential},
		{"no user", rp, c, nil, stored, passkey.WrongCredential},
		{"another challenge", rp, challenge(t), handle, stored, passkey.WrongChallenge},
		{"no challenge", rp, passkey.Challenge{}, handle, stored, passkey.WrongChallenge},
		{"another relying party", elsewhere, c, handle, stored, passkey.WrongOrigin},
		{"no relying party", passkey.RelyingParty{}, c, handle, stored, passkey.WrongOrigin},
		{"the key of another credential", rp, c, handle, with(func(c *passkey.Credential) { c.PublicKey = other.PublicKey }), passkey.WrongSignature},
		{"a stored key with a byte more", rp, c, handle, with(func(c *passkey.Credential) { c.PublicKey = append(c.PublicKey, 0) }), passkey.UnknownAlgorithm},
		{"a stored key with a byte less", rp, c, handle, with(func(c *passkey.Credential) { c.PublicKey = c.PublicKey[1:] }), passkey.UnknownAlgorithm},
		{"no stored key", rp, c, handle, with(func(c *passkey.Credential) { c.PublicKey = nil }), passkey.UnknownAlgorithm},
		{"a credential that was synchronized", rp, c, handle, with(func(c *passkey.Credential) { c.BackupEligible = true }), passkey.BackupChanged},
		{"the zero credential", rp, c, handle, passkey.Credential{}, passkey.WrongCredential},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.rp.Verify(test.challenge, test.user, test.stored, p)
			check(t, err, test.want)
		})
	}
}

// TestBitsOfAnAssertion: an assertion with one other bit in the authenticator data, the client data
// or the signature proves nothing. Every third bit is tried.
func TestBitsOfAnAssertion(t *testing.T) {
	rp := party(t)
	for _, algorithm := range []int64{authenticator.ES256, authenticator.EdDSA, authenticator.RS256} {
		a := &authenticator.Authenticator{Algorithm: algorithm}
		stored, err := register(t, rp, a)
		if err != nil {
			t.Fatal(err)
		}
		c := challenge(t)
		options, _ := rp.RequestOptions(c, nil)
		right, err := a.Get(options)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"authenticatorData", "clientDataJSON", "signature"} {
			var credential map[string]any
			if err := json.Unmarshal([]byte(right), &credential); err != nil {
				t.Fatal(err)
			}
			response := credential["response"].(map[string]any)
			data, _ := base64.RawURLEncoding.DecodeString(response[name].(string))
			for bit := 0; bit < 8*len(data); bit += 3 {
				data[bit/8] ^= 1 << (bit % 8)
				response[name] = base64.RawURLEncoding.EncodeToString(data)
				data[bit/8] ^= 1 << (bit % 8)
				text, _ := json.Marshal(credential)
				if p, err := passkey.ParseAssertion(string(text)); err == nil {
					if _, err = rp.Verify(c, handle, stored, p); err == nil {
						t.Errorf("algorithm %d: bit %d of %s does not matter", algorithm, bit, name)
					}
				}
			}
		}
	}
}
