package totp_test

import (
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

func TestParseSecret(t *testing.T) {
	for _, test := range []struct {
		name, text, want string
	}{
		{"as we make them", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
		{"in groups and lower case", "gezd gnbv gy3t qojq gezd-gnbv-gy3t-qojq ", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"},
		{"80 bits", "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQ"},
		{"128 bits", "GEZDGNBVGY3TQOJQGEZDGNBVGY", "GEZDGNBVGY3TQOJQGEZDGNBVGY"},
		{"128 bits, padded", "GEZDGNBVGY3TQOJQGEZDGNBVGY======", "GEZDGNBVGY3TQOJQGEZDGNBVGY"},
		{"a last character with stray bits", "GEZDGNBVGY3TQOJQGEZDGNBVGZ", "GEZDGNBVGY3TQOJQGEZDGNBVGY"},
		{"512 bits", strings.Repeat("A", 103), strings.Repeat("A", 103)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := totp.ParseSecret(test.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got.Reveal()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSecretRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"the empty text":               "",
		"nothing but padding":          "======",
		"72 bits":                      "GEZDGNBVGY3TQOI",
		"520 bits":                     strings.Repeat("A", 104),
		"a digit outside the alphabet": "GEZDGNBVGY3TQOJ1",
		"padding inside":               "GEZDGNBV=GY3TQOJQ",
		"a line break":                 "GEZDGNBV\nGY3TQOJQ",
		"a tab":                        "GEZDGNBV\tGY3TQOJQ",
		"one character too many":       "GEZDGNBVGY3TQOJQG",
		"three characters too many":    "GEZDGNBVGY3TQOJQGEZ",
		"six characters too many":      "GEZDGNBVGY3TQOJQGEZDGN",
		"a letter that upper-cases to I": "GEZDGNBVGY3TQOJQ" +
			"GEZDGNBVGY3TQOJ\u0131",
		"a letter that upper-cases to S": "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJ\u017f",
		"an invalid byte":                "GEZDGNBVGY3TQOJ\xff",
		"a whole URI":                    "otpauth://totp/a?secret=GEZDGNBVGY3TQOJQ",
		"a megabyte":                     strings.Repeat("A", 1<<20),
		"a megabyte of spaces":           strings.Repeat(" ", 1<<20) + "GEZDGNBVGY3TQOJQ",
	} {
		if got, err := totp.ParseSecret(text); !errors.Is(err, totp.ErrSecret) || !got.IsZero() {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
}

// FuzzParseSecret states that a secret parses as itself, and that its key is the one that a plain
// decoder reads from the text without its separators.
func FuzzParseSecret(f *testing.F) {
	for _, text := range []string{"", "GEZDGNBVGY3TQOJQ", "gezd gnbv-gy3t qojq", "AAAAAAAAAAAAAAAAAB======", "\n", "\u017f"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := totp.ParseSecret(text)
		if err != nil {
			if !got.IsZero() || !errors.Is(err, totp.ErrSecret) {
				t.Fatalf("%q, %v", got.Reveal(), err)
			}
			return
		}
		again, err := totp.ParseSecret(got.Reveal())
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q parses as %q, %v", got.Reveal(), again.Reveal(), err)
		}
		plain := strings.ToUpper(strings.TrimRight(strings.NewReplacer(" ", "", "-", "").Replace(text), "="))
		decoder := base32.StdEncoding.WithPadding(base32.NoPadding)
		want, err := decoder.DecodeString(plain)
		if err != nil {
			t.Fatalf("%q is no base 32: %v", text, err)
		}
		key, err := decoder.DecodeString(got.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, key); diff != "" {
			t.Fatalf("key (-want +got):\n%s", diff)
		}
	})
}

func TestURI(t *testing.T) {
	const query = "&algorithm=SHA1&digits=6&period=30"
	s := secret.New("GEZDGNBVGY3TQOJQ")
	for _, test := range []struct {
		name, issuer, account, want string
	}{
		{
			"plain", "Acme", "alice",
			"otpauth://totp/Acme:alice?secret=GEZDGNBVGY3TQOJQ&issuer=Acme" + query,
		},
		{
			"spaces, an address with a plus", "Acme Co", "alice+mfa@example.com",
			"otpauth://totp/Acme%20Co:alice%2Bmfa%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Acme%20Co" + query,
		},
		{
			"what would end the label or begin a parameter", "A&B=C?D#E/F%", "a&secret=b?c#d/e%20",
			"otpauth://totp/A%26B%3DC%3FD%23E%2FF%25:a%26secret%3Db%3Fc%23d%2Fe%2520" +
				"?secret=GEZDGNBVGY3TQOJQ&issuer=A%26B%3DC%3FD%23E%2FF%25" + query,
		},
		{
			"colons, which the format does not allow in a label", "Acme: Co", "a:b",
			"otpauth://totp/Acme%20%20Co:a%20b?secret=GEZDGNBVGY3TQOJQ&issuer=Acme%20%20Co" + query,
		},
		{
			"other scripts", "Zürich", "愛",
			"otpauth://totp/Z%C3%BCrich:%E6%84%9B?secret=GEZDGNBVGY3TQOJQ&issuer=Z%C3%BCrich" + query,
		},
		{
			"no issuer", "", "alice",
			"otpauth://totp/alice?secret=GEZDGNBVGY3TQOJQ" + query,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, totp.URI(test.issuer, test.account, s).Reveal()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// FuzzURI states that a URI parser reads back what went in, and nothing else.
func FuzzURI(f *testing.F) {
	f.Add("Acme Co", "alice+mfa@example.com")
	f.Add("A&issuer=B", "c?secret=AAAA#d/../e%zz")
	f.Add("", "\x00\xff\n:")
	f.Fuzz(func(t *testing.T, issuer, account string) {
		issuer, account = strings.ReplaceAll(issuer, ":", ""), strings.ReplaceAll(account, ":", " ")
		u, err := url.Parse(totp.URI(issuer, account, rfcKey).Reveal())
		if err != nil {
			t.Fatal(err)
		}
		query := url.Values{"secret": {rfcKey.Reveal()}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {"30"}}
		label := account
		if issuer != "" {
			query.Set("issuer", issuer)
			label = issuer + ":" + account
		}
		if u.Scheme != "otpauth" || u.Host != "totp" || u.Fragment != "" {
			t.Fatalf("%v", u)
		}
		if diff := cmp.Diff("/"+label, u.Path); diff != "" {
			t.Fatalf("label (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(query, u.Query()); diff != "" {
			t.Fatalf("query (-want +got):\n%s", diff)
		}
	})
}
