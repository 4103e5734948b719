package claims_test

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/claims"
)

var ann = claims.User{
	ID: "user_1", ExternalID: "crm-7", Username: "ann", FirstName: "Ann", LastName: "Lee", PrimaryEmail: "ann@example.com", PrimaryPhone: "+12125550123",
	EmailVerified: true, TwoFactor: true, Public: json.RawMessage(`{"role":"admin","team":{"id":12345678901234567890,"tags":["a","b"]},"level":0,"off":false,"none":null}`), Unsafe: json.RawMessage(`{"theme":"<dark>"}`),
}

// TestClaims: a shortcode that stands alone keeps its type, and one inside a text becomes text.
func TestClaims(t *testing.T) {
	for template, want := range map[string]string{
		`{}`: `{}`,
		`{"a":1,"b":null,"c":[true,1.50,"x"],"d":{"e":"f"}}`:                                                         `{"a":1,"b":null,"c":[true,1.50,"x"],"d":{"e":"f"}}`,
		`{"id":"{{user.id}}","x":"{{ user.external_id }}"}`:                                                          `{"id":"user_1","x":"crm-7"}`,
		`{"metadata":"{{user.public_metadata}}"}`:                                                                    `{"metadata":` + string(ann.Public) + `}`,
		`{"role":"{{user.public_metadata.role}}"}`:                                                                   `{"role":"admin"}`,
		`{"n":"{{user.public_metadata.team.id}}"}`:                                                                   `{"n":12345678901234567890}`,
		`{"n":["{{user.public_metadata.team.tags}}"]}`:                                                               `{"n":[["a","b"]]}`,
		`{"n":"{{user.public_metadata.role.x}}"}`:                                                                    `{"n":null}`,
		`{"n":"{{user.public_metadata.absent}}"}`:                                                                    `{"n":null}`,
		`{"n":"{{user.public_metadata.level || 3}}"}`:                                                                `{"n":3}`,
		`{"n":"{{user.public_metadata.off || user.public_metadata.none || 'a || b'}}"}`:                              `{"n":"a || b"}`,
		`{"n":"{{user.public_metadata.none || user.public_metadata.off}}"}`:                                          `{"n":false}`,
		`{"name":"{{user.last_name}}, {{user.first_name}}!"}`:                                                        `{"name":"Lee, Ann!"}`,
		`{"name":"<{{user.public_metadata.none}}|{{user.public_metadata.team.tags}}|{{user.public_metadata.off}}>"}`: `{"name":"<|[\"a\",\"b\"]|false>"}`,
		`{"t":"{{user.unsafe_metadata.theme}}","f":"{{user.full_name}}"}`:                                            `{"f":"Ann Lee","t":"<dark>"}`,
		`{"e":["{{user.primary_email_address}}","{{user.email_verified}}","{{user.primary_phone_number}}","{{user.phone_number_verified}}","{{user.two_factor_enabled}}"]}`: `{"e":["ann@example.com",true,"+12125550123",false,true]}`,
		`{"{{user.id}}":"not a claim's value"}`: `{"{{user.id}}":"not a claim's value"}`,
	} {
		parsed, err := claims.Parse([]byte(template))
		if err != nil {
			t.Errorf("%s: %v", template, err)
			continue
		}
		got, err := parsed.Claims(ann)
		if err != nil || string(got) != want {
			t.Errorf("%s: %s %v, want %s", template, got, err, want)
		}
	}
}

// TestAnEmptyUser: what a user does not have is null, and metadata is an empty object.
func TestAnEmptyUser(t *testing.T) {
	parsed, err := claims.Parse([]byte(`{"u":"{{user.username}}","p":"{{user.public_metadata}}","r":"{{user.public_metadata.role || 'guest'}}","f":"{{user.full_name}}"}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.Claims(claims.User{ID: "user_2"}); err != nil || string(got) != `{"f":null,"p":{},"r":"guest","u":null}` {
		t.Errorf("%s %v", got, err)
	}
}

// TestWrongTemplates: a template that is not whole and known is refused, with a sentence that
// quotes nothing of it.
func TestWrongTemplates(t *testing.T) {
	for _, template := range []string{
		``, `null`, `[]`, `"x"`, `{`, `{} {}`, `{"a":"{{user.private_metadata}}"}`, `{"a":"{{user.private_metadata.x}}"}`, `{"a":"{{user.password}}"}`, `{"a":"{{org.id}}"}`,
		`{"a":"{{}}"}`, `{"a":"{{user.id"}`, `{"a":"x {{user.id}} {{"}`, `{"a":"{{user.id || }}"}`, `{"a":"{{user.public_metadata.}}"}`, `{"a":"{{user.public_metadata..x}}"}`,
		`{"a":"{{user.public_metadata['x']}}"}`, `{"a":"{{'it's'}}"}`, `{"a":"{{'x}}"}`, `{"a":["{{nothing}}"]}`, `{"a":{"b":"{{nothing}}"}}`, `{"a":"{{USER.ID}}"}`, `{"a":"{{nothing\n}} {{user.id}}"}`,
		`{"iss":"x"}`, `{"sub":"{{user.unsafe_metadata.sub}}"}`, `{"Sub":"x"}`, `{"ſub":"x"}`, `{"azp":""}`, `{"v":3}`, `{"fva":[0,0]}`, `{"sts":"active"}`, `{"handshake":[]}`, `{"org_role":"x"}`,
		`{"a":"` + strings.Repeat("x", claims.MaxBytes) + `"}`,
	} {
		_, err := claims.Parse([]byte(template))
		var wrong *claims.Error
		if !errors.As(err, &wrong) {
			t.Errorf("%s: %v", template, err)
			continue
		}
		if s := wrong.Error(); !strings.HasSuffix(s, ".") || strings.Contains(s, "nothing") || strings.Contains(s, "password") {
			t.Errorf("%s: %q", template, s)
		}
	}
}

// TestLargeClaims: claims beyond the limit are no claims. One byte decides.
func TestLargeClaims(t *testing.T) {
	parsed, err := claims.Parse([]byte(`{"m":"{{user.public_metadata.m}}"}`))
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]error{claims.MaxBytes: nil, claims.MaxBytes + 1: claims.ErrTooLarge} {
		of := claims.User{Public: json.RawMessage(`{"m":"` + strings.Repeat("x", size-len(`{"m":""}`)) + `"}`)}
		if _, err := parsed.Claims(of); !errors.Is(err, want) {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// TestThePageListsEachShortcode: docs/use/claims.md names what exists.
func TestThePageListsEachShortcode(t *testing.T) {
	page, err := os.ReadFile("../../../docs/use/claims.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range claims.Shortcodes() {
		if !strings.Contains(string(page), "`"+name+"`") {
			t.Errorf("docs/use/claims.md lacks %s", name)
		}
	}
}

// FuzzParse: a template that parses makes claims that are one JSON object without reserved names.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":"{{user.id}}"}`, `{"a":"{{user.public_metadata.a.b || 'x'}} y"}`, `{"a":[1,{"b":"{{user.full_name || 3}}"}]}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := claims.Parse([]byte(text))
		if err != nil {
			return
		}
		out, err := parsed.Claims(ann)
		if errors.Is(err, claims.ErrTooLarge) {
			return
		}
		var object map[string]any
		if err != nil || json.Unmarshal(out, &object) != nil || len(out) > claims.MaxBytes {
			t.Fatalf("%s: %s %v", text, out, err)
		}
		for name := range object {
			if claims.Reserved(name) {
				t.Errorf("%s has the claim %s", text, name)
			}
		}
	})
}
