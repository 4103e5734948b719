package passkey_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// created returns answers to create for a challenge, by authenticators of each kind.
func created(t testing.TB, rp passkey.RelyingParty, c passkey.Challenge) []string {
	t.Helper()
	var answers []string
	for _, a := range []*authenticator.Authenticator{
		{}, {SelfAttested: true}, {Algorithm: authenticator.EdDSA}, {Algorithm: authenticator.RS256, Flags: 0x1d},
		{Data: func(data []byte) []byte {
			data[32] |= authenticator.ED
			return append(data, authenticator.CBOR(map[any]any{"hmac-secret": true})...)
		}},
		{Attestation: func(object map[any]any) {
			object["fmt"] = "x"
			object["attStmt"] = []any{map[any]any{"x5c": []any{[]byte{1}}}}
		}},
	} {
		options, err := rp.CreationOptions(c, passkey.User{Handle: handle}, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.Create(options)
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer)
	}
	return answers
}

// taken is what the package reads of an answer.
type taken struct {
	ID       string `json:"id"`
	RawID    string `json:"rawId"`
	Type     string `json:"type"`
	Response struct {
		ClientData    string   `json:"clientDataJSON"`
		Attestation   string   `json:"attestationObject,omitempty"`
		Transports    []string `json:"transports,omitempty"`
		Authenticator string   `json:"authenticatorData,omitempty"`
		Signature     string   `json:"signature,omitempty"`
	} `json:"response"`
}

// FuzzRegister: an accepted answer is accepted again when its parts are written anew, with the same
// credential. The credential keeps the limits, and a refused answer has none.
func FuzzRegister(f *testing.F) {
	rp, c := party(f), passkey.Challenge{1}
	for _, answer := range created(f, rp, c) {
		f.Add(answer)
		f.Add(strings.Replace(answer, `"id"`, `"x":[{"y":"\u00e9"}],"id"`, 1))
	}
	f.Add(`{"type":"public-key","id":"AA","rawId":"AA","response":{"clientDataJSON":"e30","attestationObject":"oA"}}`)
	f.Fuzz(func(t *testing.T, answer string) {
		got, err := rp.Register(c, answer)
		if err != nil {
			check(t, err, "any")
			if !reflect.DeepEqual(got, passkey.Credential{}) {
				t.Errorf("refused with %+v", got)
			}
			return
		}
		var parts taken
		if err := json.Unmarshal([]byte(answer), &parts); err != nil {
			t.Fatalf("an accepted answer is no JSON: %v", err)
		}
		again, err := json.Marshal(parts)
		if err != nil {
			t.Fatal(err)
		}
		second, err := rp.Register(c, string(again))
		if err != nil || !reflect.DeepEqual(second, got) {
			t.Errorf("written anew: %+v (%v), want %+v", second, err, got)
		}
		if len(got.ID) == 0 || len(got.ID) > 1023 || len(got.PublicKey) > 600 || got.BackedUp && !got.BackupEligible {
			t.Errorf("registered %+v", got)
		}
	})
}

// FuzzVerify: of one authenticator, whose answers the target knows, nothing is accepted that the
// authenticator did not sign for this challenge.
func FuzzVerify(f *testing.F) {
	rp, c := party(f), passkey.Challenge{2}
	a := &authenticator.Authenticator{}
	stored, err := register(f, rp, a)
	if err != nil {
		f.Fatal(err)
	}
	options, _ := rp.RequestOptions(c, nil)
	signed := map[string]bool{}
	for _, flags := range []byte{0x05, 0x01, 0x04, 0x0d, 0x15} {
		a.Flags = flags
		answer, err := a.Get(options)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(answer)
		var parts taken
		if err := json.Unmarshal([]byte(answer), &parts); err != nil {
			f.Fatal(err)
		}
		if flags == 0x05 { // user present and verified, never synchronized
			signed[bytesOf(parts.Response.Authenticator)+bytesOf(parts.Response.ClientData)] = true
		}
	}
	f.Fuzz(func(t *testing.T, answer string) {
		p, err := passkey.ParseAssertion(answer)
		if err == nil {
			_, err = rp.Verify(c, handle, stored, p)
		}
		if err != nil {
			check(t, err, "any")
			return
		}
		var parts taken
		if err := json.Unmarshal([]byte(answer), &parts); err != nil {
			t.Fatalf("an accepted answer is no JSON: %v", err)
		}
		if !signed[bytesOf(parts.Response.Authenticator)+bytesOf(parts.Response.ClientData)] {
			t.Errorf("accepted without a signature: %s", answer)
		}
	})
}

func bytesOf(text string) string {
	b, _ := base64.RawURLEncoding.DecodeString(text)
	return string(b)
}

// withAttestation returns a right answer to create with another attestation object.
func withAttestation(t *testing.T, rp passkey.RelyingParty, c passkey.Challenge, object string) string {
	t.Helper()
	var parts taken
	if err := json.Unmarshal([]byte(created(t, rp, c)[0]), &parts); err != nil {
		t.Fatal(err)
	}
	parts.Response.Attestation = object
	text, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestAnswersCostLittle: no answer of any size costs more memory than 30 bytes for each of its
// bytes, and an answer that is too long costs nothing.
func TestAnswersCostLittle(t *testing.T) {
	rp, c := party(t), passkey.Challenge{1}
	fill := func(begin, repeat, end string) string {
		return begin + strings.Repeat(repeat, (passkey.MaxResponse-len(begin)-len(end))/len(repeat)) + end
	}
	attestation := base64.RawURLEncoding.EncodeToString(append([]byte{0x99, 0x3f, 0xf0}, strings.Repeat("\xa0", 16<<10-16)...))
	for name, answer := range map[string]string{
		"objects in objects":      fill("", `{"a":`, ""),
		"lists in lists":          fill(`{"a":`, "[", ""),
		"many members":            fill(`{`, `"a":1,`, `"b":1}`),
		"many elements":           fill(`{"a":[`, `1,`, `1]}`),
		"a long name":             fill(`{"`, "a", `":1}`),
		"a long id":               fill(`{"type":"public-key","id":"`, "A", `"}`),
		"escapes":                 fill(`{"a":"`, `\u00e9`, `"}`),
		"many items of CBOR":      withAttestation(t, rp, c, attestation),
		"a text that is too long": strings.Repeat("x", 10<<20),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := rp.Register(c, answer)
		_, err2 := passkey.ParseAssertion(answer)
		runtime.ReadMemStats(&after)
		n, most := after.TotalAlloc-before.TotalAlloc, 2*30*uint64(min(len(answer), passkey.MaxResponse))
		if len(answer) > passkey.MaxResponse {
			most = 0
		}
		if err == nil || err2 == nil || n > most+background {
			t.Errorf("%s: %d bytes for an answer of %d (%v, %v)", name, n, len(answer), err, err2)
		}
	}
}
