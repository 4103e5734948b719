package secret_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

const text = "correct horse battery staple"

// leaks are the forms in which fmt could show the text: as it is, quoted, and in hexadecimal.
func leaks(out string) bool {
	out = strings.ToLower(strings.ReplaceAll(out, " ", ""))
	for _, form := range []string{"%s", "%x", "%d", "%v"} {
		shown := fmt.Sprintf(form, []byte(text))
		if strings.Contains(out, strings.ReplaceAll(strings.Trim(shown, "[]"), " ", "")) {
			return true
		}
	}
	return false
}

type holder struct {
	Public  secret.Value
	private secret.Value
	Pointer *secret.Value
	List    []secret.Value
	Any     any
}

func held() holder {
	v := secret.New(text)
	return holder{Public: v, private: v, Pointer: &v, List: []secret.Value{v}, Any: v}
}

func TestFmtNeverPrintsTheText(t *testing.T) {
	v := secret.New(text)
	for _, verb := range "vsqxXdbotTUceEfFgGp%" {
		for _, flags := range []string{"", "+", "#", "-", " ", "0", "# ", "60", "-60.40", "+#"} {
			format := "%" + flags + string(verb)
			for name, arg := range map[string]any{
				"alone": v, "behind a pointer": &v, "in a struct": held(), "behind a pointer to a struct": new(held()),
				"in a slice": []secret.Value{v}, "in a map": map[string]secret.Value{"k": v},
			} {
				if out := fmt.Sprintf(format, arg); leaks(out) {
					t.Errorf("%s with %q prints %q", name, format, out)
				}
			}
		}
	}
}

func TestPrintsAMarkInstead(t *testing.T) {
	v := secret.New(text)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%40s", "%!"} {
		got := strings.TrimSuffix(fmt.Sprintf(verb, v), "%!(NOVERB)")
		if !strings.Contains(got, "[secret]") {
			t.Errorf("%q prints %q, want [secret]", verb, got)
		}
	}
	if got := v.String(); got != "[secret]" {
		t.Errorf("String() = %q", got)
	}
	if got := fmt.Errorf("wrapped: %w", fmt.Errorf("code %v", v)).Error(); got != "wrapped: code [secret]" {
		t.Errorf("error = %q", got)
	}
}

func TestEncodersNeverSeeTheText(t *testing.T) {
	for name, encode := range map[string]func(*bytes.Buffer) error{
		"JSON": func(b *bytes.Buffer) error { return json.NewEncoder(b).Encode(held()) },
		"XML":  func(b *bytes.Buffer) error { return xml.NewEncoder(b).Encode(held().Public) },
		"slog as text": func(b *bytes.Buffer) error {
			slog.New(slog.NewTextHandler(b, nil)).Info("m", "value", held().Public, "holder", held())
			return nil
		},
		"slog as JSON": func(b *bytes.Buffer) error {
			slog.New(slog.NewJSONHandler(b, nil)).Info("m", "value", held().Public, "holder", held())
			return nil
		},
		"a template": func(b *bytes.Buffer) error {
			return template.Must(template.New("").Parse(`{{.Public}} {{printf "%x" .Public}}`)).Execute(b, held())
		},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			if err := encode(&b); err != nil {
				t.Fatal(err)
			}
			if leaks(b.String()) || !strings.Contains(b.String(), "[secret]") {
				t.Errorf("encoded %s", b.String())
			}
		})
	}
}

func TestJSONMapKey(t *testing.T) {
	got, err := json.Marshal(map[string]secret.Value{"code": secret.New(text)})
	if err != nil || string(got) != `{"code":"[secret]"}` {
		t.Errorf("Marshal = %s, %v", got, err)
	}
}

func TestDecodesFromNothing(t *testing.T) {
	var v secret.Value
	if err := json.Unmarshal([]byte(`"text"`), &v); err == nil {
		t.Error("a JSON string was decoded into a Value")
	}
	if _, is := any(&v).(json.Unmarshaler); is {
		t.Error("a Value has UnmarshalJSON")
	}
}

func TestReveal(t *testing.T) {
	for _, want := range []string{"", "x", text, "\x00", "[secret]"} {
		v := secret.New(want)
		if got := v.Reveal(); got != want {
			t.Errorf("Reveal() = %q, want %q", got, want)
		}
		if got := v.IsZero(); got != (want == "") {
			t.Errorf("IsZero() of %q = %v", want, got)
		}
	}
	var zero secret.Value
	if !zero.IsZero() || zero.Reveal() != "" || !zero.Equal(secret.New("")) {
		t.Error("the zero Value is not the empty text")
	}
}

func TestEqual(t *testing.T) {
	for _, test := range []struct {
		name, a, b string
		want       bool
	}{
		{"the same text", text, text, true},
		{"both empty", "", "", true},
		{"one empty", text, "", false},
		{"the first byte differs", "xbc", "abc", false},
		{"the last byte differs", "abx", "abc", false},
		{"one is the other's beginning", "abc", "abcd", false},
		{"the case differs", "abc", "ABC", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a, b := secret.New(test.a), secret.New(test.b)
			if a.Equal(b) != test.want || b.Equal(a) != test.want {
				t.Errorf("Equal is not %v both ways round", test.want)
			}
		})
	}
}
