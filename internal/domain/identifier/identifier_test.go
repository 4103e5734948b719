package identifier_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/identifier"
)

// TestSpellingsOfOneIdentifierHaveOneForm: each row is one identifier in several spellings. The
// first is the normal form.
func TestSpellingsOfOneIdentifierHaveOneForm(t *testing.T) {
	for _, tc := range []struct {
		what      string
		kind      identifier.Kind
		spellings []string
	}{
		{"capitals of an address", identifier.Email, []string{"mia@example.com", "Mia@Example.COM", " mia@example.com "}},
		{"a domain with an umlaut (UTS 46)", identifier.Email, []string{"a@xn--bcher-kva.example", "a@bücher.example", "A@BÜCHER.example", "a@bu\u0308cher.example", "a@XN--BCHER-KVA.example"}},
		{"a sharp s stays one (UTS 46, non-transitional)", identifier.Email, []string{"a@xn--strae-oqa.example", "a@straße.example"}},
		{"full-width letters and an ideographic full stop in a domain", identifier.Email, []string{"a@example.jp", "a@ｅｘａｍｐｌｅ。ｊｐ"}},
		{"a name with an accent (NFC)", identifier.Email, []string{"jos\u00e9@example.com", "jose\u0301@example.com", "JOSE\u0301@example.com"}},
		{"a name that composes in lower case only", identifier.Email, []string{"\u01f0@example.com", "J\u030c@example.com", "j\u030c@example.com"}},
		{"a domain that is no host name, of an earlier release", identifier.Email, []string{"a@my_host.example", "A@my_host.Example"}},
		{"capitals of a username", identifier.Username, []string{"mia_1", "Mia_1"}},
		{"a username typed in full width (RFC 8265)", identifier.Username, []string{"mia", "Ｍｉａ"}},
		{"a username of an earlier release with an accent", identifier.Username, []string{"jos\u00e9", "jose\u0301", "JOS\u00c9"}},
		{"a username of an earlier release with a space", identifier.Username, []string{"jos\u00e9 b", "JOSE\u0301 B"}},
		{"an external id is exact", identifier.ExternalID, []string{"Jose\u0301"}},
		{"a number", identifier.Phone, []string{"+12015550142"}},
	} {
		for _, s := range tc.spellings {
			if got := identifier.Normal(tc.kind, s); got != tc.spellings[0] {
				t.Errorf("%s: %+q becomes %+q, want %+q", tc.what, s, got, tc.spellings[0])
			}
		}
	}
}

// TestFormerFormsAreFound: a look-up of any spelling finds the claim of an earlier release, whose
// form was the lower case of the text that was given then.
func TestFormerFormsAreFound(t *testing.T) {
	for _, tc := range []struct {
		kind          identifier.Kind
		claimed, sign string
	}{
		{identifier.Email, "a@bücher.example", "a@bücher.example"},
		{identifier.Email, "a@bücher.example", "a@xn--bcher-kva.example"},
		{identifier.Email, "a@bu\u0308cher.example", "a@xn--bcher-kva.example"},
		{identifier.Email, "jose\u0301@example.com", "jos\u00e9@example.com"},
		{identifier.Username, "jose\u0301", "Jos\u00e9"},
	} {
		forms := append(identifier.Former(tc.kind, tc.sign), identifier.Normal(tc.kind, tc.sign))
		if !slices.Contains(forms, tc.claimed) {
			t.Errorf("%+q finds %+q, not %+q", tc.sign, forms, tc.claimed)
		}
	}
	for _, same := range []string{"Mia@example.com", "mia", "mia_1@my_host.example"} {
		if got := identifier.Former(identifier.Email, same); got != nil {
			t.Errorf("%q has the other forms %q", same, got)
		}
	}
}

func TestParseEmail(t *testing.T) {
	for _, bad := range []string{
		"", "a", "@", "a@", "@example.com", "a@b", "a@b@example.com", "a b@example.com", "a\n@example.com", "a\u200b@example.com", "\u202ea@example.com",
		"a@example.com.", "a@.example.com", "a@example..com", "a@exa mple.com", "a@my_host.example", "a@xn--0.example", "a@xn--bcher-kvb\u0301.example", "a@\u05d0a.example",
		"a@" + strings.Repeat("b", 64) + ".example", strings.Repeat("a", 250) + "@example.com", "a\xff@example.com", "a<b@example.com", "a@example.com\u202e",
	} {
		if got, err := identifier.ParseEmail(bad); !errors.Is(err, identifier.ErrEmail) {
			t.Errorf("%+q is read as %+q", bad, got)
		}
	}
}

// FuzzNormal: the normal form of a normal form is itself, a valid address has a normal form that is
// valid, and every former form of a text has the text's normal form.
func FuzzNormal(f *testing.F) {
	for _, s := range []string{"Mia@Example.com", "a@BÜCHER.example", "jose\u0301@example.com", "J\u030c@straße.de", "Ｍｉａ", "\u0130@x.y", "a@ｅ。ｊｐ", "\u1100\u1161\u11a8@x.y", "a@xn--a-ecp.ru"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, kind := range []identifier.Kind{identifier.Email, identifier.Username, identifier.ExternalID, identifier.Phone} {
			once := identifier.Normal(kind, text)
			if twice := identifier.Normal(kind, once); twice != once {
				t.Errorf("%s %+q: once %+q, twice %+q", kind, text, once, twice)
			}
			if slices.Contains(identifier.Former(kind, text), once) {
				t.Errorf("%s %+q: the normal form is also a former one", kind, text)
			}
		}
		address, err := identifier.ParseEmail(text)
		if err != nil {
			return
		}
		if again, err := identifier.ParseEmail(address); err != nil || again != address {
			t.Errorf("%+q: %+q is read as %+q, %v", text, address, again, err)
		}
		for _, form := range identifier.Former(identifier.Email, text) {
			if got := identifier.Normal(identifier.Email, form); got != address {
				t.Errorf("%+q: the former form %+q becomes %+q, want %+q", text, form, got, address)
			}
		}
	})
}
