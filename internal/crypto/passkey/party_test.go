package passkey_test

import (
	"errors"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/passkey"
	"github.com/countersign-mfa/countersign/test/authenticator"
)

// TestNewRelyingParty: an RP id is a domain, and its origins are those that a browser or an app may
// use with it.
func TestNewRelyingParty(t *testing.T) {
	const hash = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
	for _, test := range []struct {
		id, origins string
		want        error
	}{
		{"example.com", "https://example.com", nil},
		{"example.com", "https://a.b.example.com:8443 https://example.com android:apk-key-hash:" + hash, nil},
		{"xn--bcher-kva.example", "https://xn--bcher-kva.example", nil},
		{"localhost", "http://localhost:8080 https://localhost http://app.localhost:3000", nil},
		{"", "https://example.com", passkey.ErrID},
		{"com", "https://com", passkey.ErrID},
		{"Example.com", "https://Example.com", passkey.ErrID},
		{"example.com.", "https://example.com.", passkey.ErrID},
		{".example.com", "https://x.example.com", passkey.ErrID},
		{"example.com:443", "https://example.com", passkey.ErrID},
		{"https://example.com", "https://example.com", passkey.ErrID},
		{"127.0.0.1", "http://127.0.0.1", passkey.ErrID},
		{"[::1]", "http://[::1]", passkey.ErrID},
		{"example.0", "https://example.0", passkey.ErrID},
		{"1.2.3.0x4", "https://1.2.3.0x4", passkey.ErrID},
		{"example.0x", "https://example.0x", passkey.ErrID},
		{"example.0xyz", "https://example.0xyz", nil},
		{"bücher.example", "https://bücher.example", passkey.ErrID},
		{"-a.example", "https://-a.example", passkey.ErrID},
		{strings.Repeat("a", 64) + ".example", "https://example.com", passkey.ErrID},
		{strings.Repeat("a.", 130) + "example", "https://example.com", passkey.ErrID},
		{"example.com", "", passkey.ErrOrigin},
		{"example.com", "example.com", passkey.ErrOrigin},
		{"example.com", "http://example.com", passkey.ErrOrigin},
		{"example.com", "http://localhost", passkey.ErrOrigin},
		{"example.com", "https://example.com/", passkey.ErrOrigin},
		{"example.com", "https://example.com:443", passkey.ErrOrigin},
		{"example.com", "https://example.com:", passkey.ErrOrigin},
		{"example.com", "https://example.com:0443", passkey.ErrOrigin},
		{"example.com", "https://example.com:8443a", passkey.ErrOrigin},
		{"example.com", "https://user@example.com", passkey.ErrOrigin},
		{"example.com", "https://EXAMPLE.com", passkey.ErrOrigin},
		{"example.com", "https://notexample.com", passkey.ErrOrigin},
		{"example.com", "https://example.com.evil.test", passkey.ErrOrigin},
		{"login.example.com", "https://example.com", passkey.ErrOrigin},
		{"example.com", "https://*.example.com", passkey.ErrOrigin},
		{"example.com", "null", passkey.ErrOrigin},
		{"example.com", "ios:bundle-id:com.example", passkey.ErrOrigin},
		{"example.com", "android:apk-key-hash:" + hash + "=", passkey.ErrOrigin},
		{"example.com", "android:apk-key-hash:" + hash[1:], passkey.ErrOrigin},
		{"example.com", "android:apk-key-hash-sha256:" + hash, passkey.ErrOrigin},
		{"localhost", "http://localhost:80", passkey.ErrOrigin},
		{"localhost", "http://127.0.0.1:8080", passkey.ErrOrigin},
	} {
		rp, err := passkey.NewRelyingParty(test.id, "Example", strings.Fields(test.origins)...)
		if !errors.Is(err, test.want) || err == nil && rp.ID() != test.id || err != nil && rp.ID() != "" {
			t.Errorf("%q with %q: %v, want %v", test.id, test.origins, err, test.want)
		}
	}
}

// TestChallenge: a challenge is read again from its text, and from no other text.
func TestChallenge(t *testing.T) {
	c := challenge(t)
	if again, ok := passkey.ParseChallenge(c.String()); !ok || again != c || len(c.String()) != 43 {
		t.Errorf("%s is read as %s", c, again)
	}
	for _, text := range []string{"", "AAAA", c.String() + "=", c.String() + "\n", c.String()[:42] + "_", strings.Repeat("A", 44)} {
		if _, ok := passkey.ParseChallenge(text); ok && text != c.String() {
			t.Errorf("%q is a challenge", text)
		}
	}
	if _, err := passkey.NewChallenge(strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a reader that ends: %v", err)
	}
}

// TestOptions: the texts have what Clerk's SDK reads (convertJSONToPublicKeyCreateOptions and
// convertJSONToPublicKeyRequestOptions), in base64url.
func TestOptions(t *testing.T) {
	rp := party(t)
	present := []passkey.Credential{{ID: []byte{0xfb, 0xff}, Transports: []string{"usb", "nfc"}}, {ID: []byte{1}}}
	got, err := rp.CreationOptions(passkey.Challenge{0xff}, passkey.User{Handle: []byte{0xfb, 0xff}, Name: "ada@example.com", DisplayName: "Ada <Lovelace>"}, present)
	if err != nil {
		t.Fatal(err)
	}
	const challenge = `_wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA`
	const descriptors = `[{"type":"public-key","id":"-_8","transports":["usb","nfc"]},{"type":"public-key","id":"AQ"}]`
	if want := `{"rp":{"id":"example.com","name":"Example"},"user":{"id":"-_8","name":"ada@example.com","displayName":"Ada \u003cLovelace\u003e"},` +
		`"challenge":"` + challenge + `","pubKeyCredParams":[{"type":"public-key","alg":-8},{"type":"public-key","alg":-7},{"type":"public-key","alg":-257}],` +
		`"timeout":300000,"excludeCredentials":` + descriptors + `,"authenticatorSelection":{"residentKey":"preferred","requireResidentKey":false,"userVerification":"required"},"attestation":"none"}`; got != want {
		t.Errorf("creation options\n%s, want\n%s", got, want)
	}
	for allowed, list := range map[string][]passkey.Credential{descriptors: present, "[]": nil} {
		got, err = rp.RequestOptions(passkey.Challenge{0xff}, list)
		if want := `{"challenge":"` + challenge + `","timeout":300000,"rpId":"example.com","allowCredentials":` + allowed + `,"userVerification":"required"}`; got != want || err != nil {
			t.Errorf("request options %s (%v), want %s", got, err, want)
		}
	}
	for _, handle := range [][]byte{nil, make([]byte, 65)} {
		if _, err := rp.CreationOptions(passkey.Challenge{}, passkey.User{Handle: handle}, nil); err == nil {
			t.Errorf("a user handle of %d bytes", len(handle))
		}
	}
}

// TestExcluded: an authenticator that has a credential of the user makes no second one.
func TestExcluded(t *testing.T) {
	rp, a := party(t), &authenticator.Authenticator{}
	stored, err := register(t, rp, a)
	if err != nil {
		t.Fatal(err)
	}
	options, err := rp.CreationOptions(challenge(t), passkey.User{Handle: handle}, []passkey.Credential{stored})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := a.Create(options); !errors.Is(err, authenticator.ErrExcluded) {
		t.Errorf("a second credential: %v", err)
	}
}

// TestTheProfileHasTheLimits: the table of limits in profile.md has the numbers of the code.
func TestTheProfileHasTheLimits(t *testing.T) {
	text, err := os.ReadFile("profile.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "<!-- compared -->")
	got := map[string]int{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+) \| (\d+) \|$`).FindAllStringSubmatch(table, -1) {
		got[m[1]], _ = strconv.Atoi(m[2])
	}
	for name, limit := range passkey.Limits {
		if got[name] != limit {
			t.Errorf("%s: %d in profile.md, %d in the code", name, got[name], limit)
		}
	}
	if len(got) != len(passkey.Limits) {
		t.Errorf("%d limits in profile.md, %d in the code", len(got), len(passkey.Limits))
	}
}
