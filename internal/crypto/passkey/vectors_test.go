package passkey_test

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
)

// vector is one pair of ceremonies of the specification.
type vector struct{ create, get map[string][]byte }

// vectors reads testdata/w3c/vectors.txt.
func vectors(t testing.TB) map[string]*vector {
	t.Helper()
	text, err := os.ReadFile("testdata/w3c/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	value := regexp.MustCompile(`^(\w+) = h'([0-9a-f]+)'$`)
	found := map[string]*vector{}
	var v *vector
	var values map[string][]byte
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, isName := strings.CutPrefix(line, "# ")
		switch m := value.FindStringSubmatch(line); {
		case isName:
			v = &vector{create: map[string][]byte{}, get: map[string][]byte{}}
			found[name] = v
		case line == "Registration:":
			values = v.create
		case line == "Authentication:":
			values = v.get
		case m != nil:
			values[m[1]], err = hex.DecodeString(m[2])
			if err != nil {
				t.Fatal(err)
			}
		case line != "":
			t.Fatalf("unexpected line %q", line)
		}
	}
	return found
}

// response writes what a page would send.
func (v *vector) response(values map[string][]byte) string {
	id := base64.RawURLEncoding.EncodeToString(v.create["credential_id"])
	members := map[string]string{}
	for _, name := range []string{"clientDataJSON", "attestationObject", "authenticatorData", "signature"} {
		if values[name] != nil {
			members[name] = base64.RawURLEncoding.EncodeToString(values[name])
		}
	}
	b, err := json.Marshal(map[string]any{"id": id, "rawId": id, "type": "public-key", "response": members})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// TestVectorsOfTheSpecification: the 15 pairs of ceremonies of section 16 have the verdicts that
// the profile gives them. The challenge of one has another length than those of the profile. The
// signature is checked before the flags, so [passkey.UserNotVerified] of an assertion shows that
// its signature is right.
func TestVectorsOfTheSpecification(t *testing.T) {
	rp, err := passkey.NewRelyingParty("example.org", "Example", "https://example.org")
	if err != nil {
		t.Fatal(err)
	}
	const accepted = passkey.Refusal("")
	want := map[string]struct{ create, get passkey.Refusal }{
		"ES256 Credential with No Attestation":                        {passkey.UserNotVerified, passkey.UserNotVerified},
		"ES256 Credential with Self Attestation":                      {accepted, passkey.UserNotVerified},
		`ES256 Credential with "crossOrigin": true in clientDataJSON`: {passkey.Framed, passkey.Framed},
		`ES256 Credential with "topOrigin" in clientDataJSON`:         {passkey.Framed, passkey.Framed},
		"ES256 Credential with very long credential ID":               {passkey.UserNotVerified, accepted},
		"Packed Attestation with ES256 Credential":                    {accepted, accepted},
		"Packed Attestation with ES384 Credential":                    {passkey.UnknownAlgorithm, ""},
		"Packed Attestation with ES512 Credential":                    {passkey.WrongChallenge, ""},
		"Packed Attestation with RS256 Credential":                    {accepted, passkey.UserNotVerified},
		"Packed Attestation with Ed25519 Credential":                  {passkey.UserNotVerified, passkey.UserNotVerified},
		"Packed Attestation with Ed448 Credential":                    {passkey.UnknownAlgorithm, ""},
		"TPM Attestation with ES256 Credential":                       {accepted, accepted},
		"Android Key Attestation with ES256 Credential":               {accepted, passkey.UserNotVerified},
		"Apple Anonymous Attestation with ES256 Credential":           {passkey.UserNotVerified, passkey.UserNotVerified},
		"FIDO U2F Attestation with ES256 Credential":                  {passkey.UserNotVerified, passkey.UserNotVerified},
	}
	found := vectors(t)
	if len(found) != len(want) {
		t.Errorf("%d vectors, want %d", len(found), len(want))
	}
	is := func(err error, want passkey.Refusal) bool {
		return want == "" && err == nil || want != "" && errors.Is(err, want)
	}
	for name, v := range found {
		t.Run(name, func(t *testing.T) {
			c, err := rp.Register(passkey.Challenge(v.create["challenge"]), v.response(v.create))
			if !is(err, want[name].create) {
				t.Errorf("registration: %v, want %q", err, want[name].create)
			}
			if want[name].get == "" && err != nil && !errors.Is(err, passkey.UserNotVerified) {
				return // a key that the profile does not have
			}
			object, _, ok := passkey.DecodeCBOR(v.create["attestationObject"])
			if !ok {
				t.Fatal("the attestation object is not read")
			}
			stored, err := passkey.ParseRegistered(object.(map[any]any)["authData"].([]byte))
			if err != nil || string(stored.ID) != string(v.create["credential_id"]) || string(stored.AAGUID[:]) != string(v.create["aaguid"]) {
				t.Fatalf("authenticator data: %v", err)
			}
			if c.ID != nil && (string(c.ID) != string(stored.ID) || string(c.PublicKey) != string(stored.PublicKey)) {
				t.Errorf("registered %+v", c)
			}
			p, err := passkey.ParseAssertion(v.response(v.get))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := rp.Verify(passkey.Challenge(v.get["challenge"]), handle, stored, p); !is(err, want[name].get) {
				t.Errorf("assertion: %v, want %q", err, want[name].get)
			}
			if want[name].get == passkey.Framed {
				return // refused before its signature
			}
			v.get["signature"][len(v.get["signature"])-1] ^= 1
			if p, err = passkey.ParseAssertion(v.response(v.get)); err != nil {
				t.Fatal(err)
			}
			if _, err := rp.Verify(passkey.Challenge(v.get["challenge"]), handle, stored, p); !is(err, passkey.WrongSignature) {
				t.Errorf("assertion with another signature: %v", err)
			}
		})
	}
}
