package passkey_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// change is a change of one thing in a right answer, and its verdict: "" if the answer stays right.
type change struct {
	name   string
	change func(a *authenticator.Authenticator)
	want   passkey.Refusal
}

// inClient changes a member of the client data.
func inClient(name string, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Client = func(data map[string]any) {
			if data[name] = value; value == nil {
				delete(data, name)
			}
		}
	}
}

// inClientText replaces a part of the text of the client data.
func inClientText(from, to string) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.ClientText = func(text []byte) []byte { return bytes.Replace(text, []byte(from), []byte(to), 1) }
	}
}

// inCredential changes a member of the finished answer, and inResponse one of its response.
func inCredential(name string, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Response = func(credential map[string]any) { set(credential, name, value) }
	}
}

func inResponse(name string, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Response = func(credential map[string]any) { set(credential["response"].(map[string]any), name, value) }
	}
}

// inID changes the text of the credential's id, 43 characters, in both places.
func inID(edit func(id string) string) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Response = func(credential map[string]any) {
			id := edit(credential["id"].(string))
			credential["id"], credential["rawId"] = id, id
		}
	}
}

// set sets a member; missing deletes it.
func set(members map[string]any, name string, value any) {
	if members[name] = value; value == missing {
		delete(members, name)
	}
}

// missing stands for a member that is not there.
var missing = any(struct{ missing bool }{true})

// inData changes the authenticator data.
func inData(edit func(data []byte) []byte) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) { a.Data = edit }
}

// flags sets and clears flags of the authenticator data.
func flags(set, clear byte) func(*authenticator.Authenticator) {
	return inData(func(data []byte) []byte { data[32] = data[32]&^clear | set; return data })
}

// extended adds bytes after the authenticator data and sets the flag ED.
func extended(by []byte) func(*authenticator.Authenticator) {
	return inData(func(data []byte) []byte { data[32] |= authenticator.ED; return append(data, by...) })
}

// inAttestation changes a member of the attestation object.
func inAttestation(name string, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Attestation = func(object map[any]any) {
			if object[name] = value; value == missing {
				delete(object, name)
			}
		}
	}
}

// inKey changes a member of the COSE_Key.
func inKey(algorithm int64, label int, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.Algorithm = algorithm
		a.Key = func(key map[any]any) {
			if key[label] = value; value == missing {
				delete(key, label)
			}
		}
	}
}

// both applies two changes.
func both(changes ...func(*authenticator.Authenticator)) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		for _, c := range changes {
			c(a)
		}
	}
}

// anyCeremony are changes that both ceremonies judge alike.
func anyCeremony() []change {
	return []change{
		{"nothing", func(*authenticator.Authenticator) {}, ""},
		{"an unknown member", inCredential("x", []any{1}), ""},
		{"no attachment", inCredential("authenticatorAttachment", missing), ""},
		{"no extension results", inCredential("clientExtensionResults", missing), ""},
		{"another type", inCredential("type", "password"), passkey.Malformed},
		{"the type in capitals", inCredential("type", "Public-Key"), passkey.Malformed},
		{"no type", inCredential("type", missing), passkey.Malformed},
		{"no id", inCredential("id", missing), passkey.Malformed},
		{"another id", inCredential("id", "AAAA"), passkey.Malformed},
		{"no rawId", inCredential("rawId", missing), passkey.Malformed},
		{"rawId null", both(inCredential("rawId", nil)), passkey.Malformed},
		{"no response", inCredential("response", missing), passkey.Malformed},
		{"a response that is a list", inCredential("response", []any{}), passkey.Malformed},
		{"a nested member", inCredential("x", nested(7)), ""},
		{"a member nested too deeply", inCredential("x", nested(8)), passkey.Malformed},
		{"too long", inCredential("x", strings.Repeat("x", passkey.MaxResponse)), passkey.Malformed},
		{"no client data", inResponse("clientDataJSON", missing), passkey.Malformed},
		{"empty client data", inResponse("clientDataJSON", ""), passkey.Malformed},
		{"client data of a number", inResponse("clientDataJSON", 7), passkey.Malformed},
		{"client data in another alphabet", inResponse("clientDataJSON", "+/+/"), passkey.Malformed},
		{"an id with padding", inID(func(id string) string { return id + "=" }), passkey.Malformed},
		{"an id with a line break", inID(func(id string) string { return id[:9] + "\n" + id[9:] }), passkey.Malformed},
		{"an id with a carriage return", inID(func(id string) string { return id + "\r" }), passkey.Malformed},
		{"an id with spare bits", inID(func(id string) string { return id[:42] + string(id[42]+1) }), passkey.Malformed},
		{"client data that are too long", inClient("x", strings.Repeat("x", 4<<10)), passkey.Malformed},
		{"client data that are no object", inClientText("{", "[{"), passkey.Malformed},
		{"client data with text after them", func(a *authenticator.Authenticator) {
			a.ClientText = func(text []byte) []byte { return append(text, '}') }
		}, passkey.Malformed},
		{"client data with space after them", func(a *authenticator.Authenticator) {
			a.ClientText = func(text []byte) []byte { return append(text, ' ') }
		}, ""},
		{"client data with invalid UTF-8", inClientText(`"type":`, "\"\xff\":1,\"type\":"), passkey.Malformed},
		{"client data with a byte order mark", inClientText("{", "\ufeff{"), ""},
		{"two types", inClientText(`"type":`, `"type":"webauthn.create","type":`), passkey.Malformed},
		{"two challenges", inClientText(`"challenge":`, `"challenge":"x","challenge":`), passkey.Malformed},
		{"two origins", inClientText(`"origin":`, `"origin":"https://example.com","origin":`), passkey.Malformed},
		{"a second origin in capitals", inClientText(`"origin":`, `"ORIGIN":"https://evil.test","origin":`), ""},
		{"a member of a later version", inClient("new_keys_may_be_added_here", "x"), ""},
		{"an Android app's name", inClient("androidPackageName", "com.example"), ""},
		{"token binding", inClient("tokenBinding", map[string]any{"status": "supported"}), ""},
		{"client data without a type", inClient("type", nil), passkey.Malformed},
		{"another type of client data", inClient("type", "payment.get"), passkey.Malformed},
		{"no challenge", inClient("challenge", nil), passkey.Malformed},
		{"a challenge of a number", inClient("challenge", 7), passkey.Malformed},
		{"another challenge", inClient("challenge", base64.RawURLEncoding.EncodeToString(make([]byte, 32))), passkey.WrongChallenge},
		{"an empty challenge", inClient("challenge", ""), passkey.WrongChallenge},
		{"a challenge with padding", func(a *authenticator.Authenticator) {
			a.Client = func(data map[string]any) { data["challenge"] = data["challenge"].(string) + "=" }
		}, passkey.WrongChallenge},
		{"no origin", inClient("origin", nil), passkey.Malformed},
		{"another origin", inClient("origin", "https://example.org"), passkey.WrongOrigin},
		{"an origin that only begins alike", inClient("origin", "https://example.com.evil.test"), passkey.WrongOrigin},
		{"a subdomain that is not listed", inClient("origin", "https://evil.example.com"), passkey.WrongOrigin},
		{"another port", inClient("origin", "https://example.com:8443"), passkey.WrongOrigin},
		{"another scheme", inClient("origin", "http://example.com"), passkey.WrongOrigin},
		{"an origin in capitals", inClient("origin", "https://EXAMPLE.com"), passkey.WrongOrigin},
		{"an origin with a path", inClient("origin", "https://example.com/"), passkey.WrongOrigin},
		{"an opaque origin", inClient("origin", "null"), passkey.WrongOrigin},
		{"another app", inClient("origin", "android:apk-key-hash:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), passkey.WrongOrigin},
		{"a listed app", inClient("origin", appOrigin), ""},
		{"no crossOrigin", inClient("crossOrigin", nil), ""},
		{"crossOrigin", inClient("crossOrigin", true), passkey.Framed},
		{"crossOrigin as a text", inClient("crossOrigin", "false"), passkey.Malformed},
		{"topOrigin", inClient("topOrigin", "https://example.com"), passkey.Framed},
		{"an empty topOrigin", inClient("topOrigin", ""), passkey.Framed},
		{"data of 36 bytes", inData(func(data []byte) []byte { return data[:36] }), passkey.Malformed},
		{"a byte after the data", inData(func(data []byte) []byte { return append(data, 0) }), passkey.Malformed},
		{"another RP id", inData(func(data []byte) []byte { data[0] ^= 1; return data }), passkey.WrongRelyingParty},
		{"no user present", flags(0, authenticator.UP), passkey.UserAbsent},
		{"no user verified", flags(0, authenticator.UV), passkey.UserNotVerified},
		{"a backup of a credential that has none", flags(authenticator.BS, 0), passkey.BackupChanged},
		{"reserved flags", flags(1<<1|1<<5, 0), ""},
		{"an extension", extended(authenticator.CBOR(map[any]any{"credProtect": 2})), ""},
		{"the flag of extensions alone", flags(authenticator.ED, 0), passkey.Malformed},
		{"an extension without its flag", inData(func(data []byte) []byte { return append(data, 0xa0) }), passkey.Malformed},
		{"extensions that are a list", extended(authenticator.CBOR([]any{})), passkey.Malformed},
		{"an extension named by a number", extended(authenticator.CBOR(map[any]any{1: 2})), passkey.Malformed},
		{"a byte after the extensions", extended([]byte{0xa0, 0}), passkey.Malformed},
		{"extensions that are not canonical", extended([]byte{0xb8, 0}), passkey.Malformed},
	}
}

// appOrigin is an Android app that the relying party of the tests lists.
const appOrigin = "android:apk-key-hash:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"

// nested returns n lists in one another.
func nested(n int) any {
	var v any = 1
	for range n {
		v = []any{v}
	}
	return v
}

// number reads a number in hexadecimal.
func number(t *testing.T, hex string) []byte {
	t.Helper()
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		t.Fatal(hex)
	}
	return n.Bytes()
}

// littleEndian returns 32 bytes of a point's encoding.
func littleEndian(t *testing.T, hex string) []byte {
	t.Helper()
	out := make([]byte, 32)
	for i, b := range number(t, hex) {
		out[len(number(t, hex))-1-i] = b
	}
	return out
}

// TestRegisterRefuses changes one thing at a time in a right answer to create.
func TestRegisterRefuses(t *testing.T) {
	odd := func(bits uint) []byte {
		n := new(big.Int).Lsh(big.NewInt(1), bits-1)
		return n.SetBit(n, 0, 1).Bytes()
	}
	even := odd(2048)
	even[len(even)-1] = 2
	const es256, eddsa, rs256 = authenticator.ES256, authenticator.EdDSA, authenticator.RS256
	for _, test := range append(anyCeremony(), []change{
		{"an answer to get", inClient("type", "webauthn.get"), passkey.WrongType},
		{"no transports, as from iOS", inResponse("transports", missing), ""},
		{"transports of a later version", inResponse("transports", []string{"smart-card", "telepathy-2"}), ""},
		{"transports that are a text", inResponse("transports", "usb"), passkey.Malformed},
		{"an empty transport", inResponse("transports", []string{""}), passkey.Malformed},
		{"a transport with markup", inResponse("transports", []string{"<b>"}), passkey.Malformed},
		{"a long transport", inResponse("transports", []string{strings.Repeat("a", 33)}), passkey.Malformed},
		{"nine transports", inResponse("transports", strings.Fields("a b c d e f g h i")), passkey.Malformed},
		{"no attestation object", inResponse("attestationObject", missing), passkey.Malformed},
		{"an attestation object of text", inResponse("attestationObject", "eA"), passkey.Malformed},
		{"a byte after the attestation object", func(a *authenticator.Authenticator) {
			a.Response = func(credential map[string]any) {
				response := credential["response"].(map[string]any)
				object, _ := base64.RawURLEncoding.DecodeString(response["attestationObject"].(string))
				response["attestationObject"] = base64.RawURLEncoding.EncodeToString(append(object, 0))
			}
		}, passkey.Malformed},
		{"an attestation object that is too long", inAttestation("attStmt", map[any]any{"x": make([]byte, 16<<10)}), passkey.Malformed},
		{"an attestation object with a fourth member", inAttestation("x", 1), passkey.Malformed},
		{"no format", inAttestation("fmt", missing), passkey.Malformed},
		{"a format of a number", inAttestation("fmt", 1), passkey.Malformed},
		{"no statement", inAttestation("attStmt", missing), passkey.Malformed},
		{"a statement with the format none", inAttestation("attStmt", map[any]any{"alg": -7}), passkey.Malformed},
		{"a list with the format none", inAttestation("attStmt", []any{}), passkey.Malformed},
		{"no authenticator data", inAttestation("authData", missing), passkey.Malformed},
		{"authenticator data of text", inAttestation("authData", "x"), passkey.Malformed},
		{"a statement of another format", both(inAttestation("fmt", "tpm")), ""},
		{"the format packed without a signature", inAttestation("fmt", "packed"), passkey.Malformed},
		{"no attested credential", flags(0, authenticator.AT), passkey.Malformed},
		{"an id of another length", inData(func(data []byte) []byte { data[53]++; return data }), passkey.Malformed},
		{"an id beyond the data", inData(func(data []byte) []byte { data[53], data[54] = 3, 0xff; return data }), passkey.Malformed},
		{"another id than rawId", inData(func(data []byte) []byte { data[55] ^= 1; return data }), passkey.WrongCredential},
		{"an id of 1,023 bytes", func(a *authenticator.Authenticator) { a.ID = make([]byte, 1023) }, ""},
		{"an id of 1,024 bytes", func(a *authenticator.Authenticator) { a.ID = make([]byte, 1024) }, passkey.Malformed},
		{"an id of no byte", func(a *authenticator.Authenticator) { a.ID = []byte{} }, passkey.Malformed},

		{"a key without an algorithm", inKey(es256, 3, missing), passkey.UnknownAlgorithm},
		{"the algorithm ES384", inKey(es256, 3, -35), passkey.UnknownAlgorithm},
		{"the algorithm ESP256", inKey(es256, 3, -9), passkey.UnknownAlgorithm},
		{"the algorithm PS256", inKey(rs256, 3, -37), passkey.UnknownAlgorithm},
		{"RSA with SHA-1", inKey(rs256, 3, -65535), passkey.UnknownAlgorithm},
		{"the algorithm of another key", inKey(es256, 3, eddsa), passkey.UnknownAlgorithm},
		{"a key of another type", inKey(es256, 1, 1), passkey.UnknownAlgorithm},
		{"a key with one member more", inKey(es256, 4, 2), passkey.UnknownAlgorithm},
		{"the curve P-384", inKey(es256, -1, 2), passkey.UnknownAlgorithm},
		{"the curve secp256k1", inKey(es256, -1, 8), passkey.UnknownAlgorithm},
		{"no curve", inKey(es256, -1, missing), passkey.UnknownAlgorithm},
		{"x of 31 bytes", inKey(es256, -2, make([]byte, 31)), passkey.UnknownAlgorithm},
		{"a point that is not on P-256", inKey(es256, -2, make([]byte, 32)), passkey.UnknownAlgorithm},
		{"a compressed point", inKey(es256, -3, true), passkey.UnknownAlgorithm},
		{"x beyond the prime", inKey(es256, -2, bytes.Repeat([]byte{0xff}, 32)), passkey.UnknownAlgorithm},
		{"an Ed25519 key", func(a *authenticator.Authenticator) { a.Algorithm = eddsa }, ""},
		{"the curve Ed448", inKey(eddsa, -1, 7), passkey.UnknownAlgorithm},
		{"the curve X25519", inKey(eddsa, -1, 4), passkey.UnknownAlgorithm},
		{"a point of 31 bytes", inKey(eddsa, -2, make([]byte, 31)), passkey.UnknownAlgorithm},
		{"no point", inKey(eddsa, -2, missing), passkey.UnknownAlgorithm},
		{"a point that is not on Ed25519", inKey(eddsa, -2, littleEndian(t, "2")), passkey.UnknownAlgorithm},
		{"the point y = 3 of Ed25519", inKey(eddsa, -2, littleEndian(t, "3")), ""},
		{"the neutral point", inKey(eddsa, -2, littleEndian(t, "1")), passkey.UnknownAlgorithm},
		{"a point of order 4", inKey(eddsa, -2, littleEndian(t, "0")), passkey.UnknownAlgorithm},
		{"a point of order 8", inKey(eddsa, -2, littleEndian(t, "7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7")), passkey.UnknownAlgorithm},
		{"its negative", inKey(eddsa, -2, littleEndian(t, "fa03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7")), passkey.UnknownAlgorithm},
		{"y = 3 plus the prime", inKey(eddsa, -2, littleEndian(t, "7ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff0")), passkey.UnknownAlgorithm},
		{"an RSA key", func(a *authenticator.Authenticator) { a.Algorithm = rs256 }, ""},
		{"a modulus of 2,047 bits", inKey(rs256, -1, odd(2047)), passkey.UnknownAlgorithm},
		{"a modulus of 2,048 bits", inKey(rs256, -1, odd(2048)), ""},
		{"a modulus of 4,096 bits", inKey(rs256, -1, odd(4096)), ""},
		{"a modulus of 4,097 bits", inKey(rs256, -1, odd(4097)), passkey.UnknownAlgorithm},
		{"an even modulus", inKey(rs256, -1, even), passkey.UnknownAlgorithm},
		{"a modulus with a leading zero", inKey(rs256, -1, append([]byte{0}, odd(2048)...)), passkey.UnknownAlgorithm},
		{"the exponent 3", inKey(rs256, -2, []byte{3}), ""},
		{"the exponent 1", inKey(rs256, -2, []byte{1}), passkey.UnknownAlgorithm},
		{"an even exponent", inKey(rs256, -2, []byte{1, 0, 2}), passkey.UnknownAlgorithm},
		{"an exponent of 32 bits", inKey(rs256, -2, []byte{0x80, 0, 0, 1}), passkey.UnknownAlgorithm},
		{"an exponent of 31 bits", inKey(rs256, -2, []byte{0x7f, 0xff, 0xff, 0xff}), ""},
		{"a long exponent", inKey(rs256, -2, bytes.Repeat([]byte{1}, 40)), passkey.UnknownAlgorithm},
		{"no exponent", inKey(rs256, -2, missing), passkey.UnknownAlgorithm},
		{"an exponent with a leading zero", inKey(rs256, -2, []byte{0, 3}), passkey.UnknownAlgorithm},
		{"a key that is too long", inKey(rs256, -1, make([]byte, 700)), passkey.Malformed},

		{"self attestation", func(a *authenticator.Authenticator) { a.SelfAttested = true }, ""},
		{"self attestation of Ed25519", func(a *authenticator.Authenticator) { a.SelfAttested, a.Algorithm = true, eddsa }, ""},
		{"self attestation of other data", func(a *authenticator.Authenticator) {
			a.SelfAttested = true
			a.Attestation = func(object map[any]any) { object["authData"].([]byte)[36]++ }
		}, passkey.WrongSignature},
		{"self attestation with another algorithm", selfAttested("alg", -257), passkey.WrongSignature},
		{"self attestation without an algorithm", selfAttested("alg", missing), passkey.Malformed},
		{"self attestation without a signature", selfAttested("sig", missing), passkey.Malformed},
		{"self attestation with another signature", selfAttested("sig", []byte{0x30}), passkey.WrongSignature},
		{"self attestation with a third member", selfAttested("x", 1), passkey.Malformed},
		{"self attestation with certificates null", selfAttested("x5c", nil), passkey.Malformed},
		{"packed with certificates, which prove nothing", selfAttested("x5c", []any{[]byte{1}}), ""},
	}...) {
		t.Run(test.name, func(t *testing.T) {
			a := &authenticator.Authenticator{}
			test.change(a)
			c, err := register(t, party(t), a)
			check(t, err, test.want)
			if err != nil && c.ID != nil {
				t.Errorf("refused with %+v", c)
			}
		})
	}
}

// selfAttested changes a member of a statement of self attestation.
func selfAttested(name string, value any) func(*authenticator.Authenticator) {
	return func(a *authenticator.Authenticator) {
		a.SelfAttested = true
		a.Attestation = func(object map[any]any) {
			statement := object["attStmt"].(map[any]any)
			if statement[name] = value; value == missing {
				delete(statement, name)
			}
		}
	}
}

// check compares an error with a verdict, "any" if each will do, and looks for input in its text.
func check(t *testing.T, err error, want passkey.Refusal) {
	t.Helper()
	if want == "" && err != nil || want != "" && want != "any" && !errors.Is(err, want) {
		t.Errorf("%v, want %q", err, want)
	}
	if err != nil && (strings.ContainsAny(err.Error(), `"{}[]<>`) || len(err.Error()) > 80) {
		t.Errorf("input in the text of the error: %v", err)
	}
}
