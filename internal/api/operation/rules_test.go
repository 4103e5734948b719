package operation_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

type colour string

func (colour) Values() []string           { return []string{"red", "blue"} }
func (colour) Explain(text string) string { return text + " is no colour." }

type input struct {
	Needed string             `body:"needed" rules:"required"`
	Code   secret.Value       `body:"code" rules:"nonempty"`
	Count  int                `body:"count" rules:"min=1 max=9 default=5"`
	Price  *float64           `body:"price" rules:"min=0.5"`
	Name   string             `body:"name" rules:"length=2..4"`
	State  string             `body:"state" rules:"one=on|off"`
	Word   string             `body:"word" rules:"pattern=^[a-z]+$"`
	List   []string           `body:"list" rules:"items=1..2 length=..3"`
	Colour colour             `body:"colour"`
	Many   []colour           `body:"many"`
	Prices map[colour]float64 `body:"prices" rules:"max=7"`
	At     *time.Time         `body:"at"`
	Agreed bool               `body:"agreed" rules:"one=true"`
	_      operation.Ignored  `body:"old_one old_two"`
	nested
}

type nested struct {
	Inner *int              `query:"inner" rules:"max=3"`
	Order string            `query:"order" rules:"one=up|+up|-up"`
	_     operation.Ignored `body:"old_three"`
}

// bind returns what an operation reads from a body and a query, or the code of its refusal.
func bind(t *testing.T, query, body string) (input, string) {
	t.Helper()
	var got input
	op := operation.New(operation.Backend, "try", "POST /try", "Try", 0, func(_ *operation.Call, in input) (operation.NoContent, error) {
		got = in
		return operation.NoContent{}, nil
	})
	refused := refusal(op, query, body)
	return got, refused
}

// refusal returns the code of an operation's refusal with the name of the parameter, or "".
func refusal(op operation.Operation, query, body string) string {
	r := httptest.NewRequest("POST", "/try?"+query, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	err := op.Serve(&operation.Call{Context: context.Background(), Request: r, Answer: httptest.NewRecorder()})
	if err == nil {
		return ""
	}
	e := apierr.From(err)
	name, _ := e.Meta()["param_name"].(string)
	return string(e.Code()) + " " + name
}

// TestRules: each rule refuses what breaks it, with Clerk's code and the parameter's name.
func TestRules(t *testing.T) {
	const missing, empty, value, form, kind = "form_param_missing ", "form_param_nil ", "form_param_value_invalid ", "form_param_format_invalid ", "form_param_type_invalid "
	for field, want := range map[string]string{
		`"count":1`: "", `"count":9`: "", `"count":9.0`: "", `"count":0`: value + "count", `"count":10`: value + "count", `"count":1.5`: kind + "count", `"count":"1"`: kind + "count",
		`"count":9007199254740993`: value + "count", `"count":1e400`: "request_body_invalid ", `"count":null`: "", `"price":0.5`: "", `"price":0.4`: value + "price", `"price":"1"`: kind + "price",
		`"name":"äöüß"`: "", `"name":"a"`: value + "name", `"name":"abcde"`: "form_param_max_length_exceeded name",
		`"state":"on"`: "", `"state":"ON"`: value + "state", `"state":""`: value + "state", `"word":"abc"`: "", `"word":"a1"`: form + "word",
		`"list":["a","b"]`: "", `"list":[]`: value + "list", `"list":["a","b","c"]`: "form_param_array_size_exceeded list", `"list":["abcd"]`: "form_param_max_length_exceeded list",
		`"list":[null]`: kind + "list", `"list":[1]`: kind + "list", `"colour":"red"`: "", `"colour":"pink"`: value + "colour", `"many":["red","blue"]`: "", `"many":["red","pink"]`: value + "many",
		`"prices":{"red":7}`: "", `"prices":{"red":8}`: value + "prices", `"prices":{"pink":1}`: value + "prices", `"prices":{"red":null}`: kind + "prices", `"prices":[]`: kind + "prices",
		`"at":"2026-11-25T10:00:00Z"`: "", `"at":"yesterday"`: form + "at", `"at":7`: kind + "at", `"agreed":true`: "", `"agreed":false`: value + "agreed",
		`"old_one":{"a":[1]},"old_two":null,"old_three":7`: "", `"old_four":1`: "form_param_unknown old_four",
	} {
		if _, got := bind(t, "", `{"needed":"x","code":"y",`+field+`}`); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
	for body, want := range map[string]string{
		`{"code":"y"}`: missing + "needed", `{"code":"y","needed":null}`: empty + "needed", `{"code":"y","needed":""}`: empty + "needed",
		`{"needed":"x"}`: empty + "code", `{"needed":"x","code":null}`: empty + "code", `{"needed":"x","code":""}`: empty + "code", "null": missing + "needed", "": missing + "needed",
	} {
		if _, got := bind(t, "", body); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	for query, want := range map[string]string{"inner=3": "", "inner=4": value + "inner", "inner=": value + "inner", "inner=x": kind + "inner", "inner=99999999999999999999": value + "inner", "inner=-9223372036854775808": "", "old_one=1": "form_param_unknown old_one", "order=+up": "", "order=%2Bup": "", "order=%20-up": value + "order"} {
		if _, got := bind(t, query, `{"needed":"x","code":"y"}`); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// TestAClearableText: an operation that needs a text may take an empty one, which clears what is
// stored. It never takes an absent one or null.
func TestAClearableText(t *testing.T) {
	type renaming struct {
		Name string `body:"name" rules:"required clearable length=..4"`
	}
	op := operation.New(operation.Backend, "try", "POST /try", "Try", 0, func(*operation.Call, renaming) (operation.NoContent, error) {
		return operation.NoContent{}, nil
	})
	for body, want := range map[string]string{
		`{"name":""}`: "", `{"name":"x"}`: "", `{}`: "form_param_missing name", `{"name":null}`: "form_param_nil name", `{"name":"abcde"}`: "form_param_max_length_exceeded name",
	} {
		if got := refusal(op, "", body); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

// TestRequestsAtOnce: requests of one operation share no memory that they write. The race detector
// sees it.
func TestRequestsAtOnce(t *testing.T) {
	op := operation.New(operation.Backend, "try", "POST /try", "Try", 0, func(*operation.Call, input) (operation.NoContent, error) {
		return operation.NoContent{}, nil
	})
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 50 {
				r := httptest.NewRequest("POST", "/try?inner=1", strings.NewReader(`{"needed":"x","code":"1","old_one":1}`))
				r.Header.Set("Content-Type", "application/json")
				if err := op.Serve(&operation.Call{Context: t.Context(), Request: r, Answer: httptest.NewRecorder()}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
}

// TestDefaults: an absent value and a null are the default.
func TestDefaults(t *testing.T) {
	for _, body := range []string{`{"needed":"x","code":"y"}`, `{"needed":"x","code":"y","count":null}`} {
		if in, code := bind(t, "", body); in.Count != 5 || in.Price != nil || in.Inner != nil || code != "" {
			t.Errorf("%s: %+v %s", body, in, code)
		}
	}
}

// TestErrorsDeriveFromRules: an operation says which codes its rules can cause.
func TestErrorsDeriveFromRules(t *testing.T) {
	op := operation.New(operation.Frontend, "try", "POST /try", "Try", 0, func(*operation.Call, struct {
		A string `body:"a" rules:"required"`
		B string `body:"b" rules:"length=..9 pattern=^a"`
		C int    `query:"c"`
	}) (operation.NoContent, error) {
		return operation.NoContent{}, nil
	})
	want := []apierr.Code{apierr.FormParamMissing, apierr.FormParamNil, apierr.FormParamMaxLengthExceeded, apierr.FormParamFormatInvalid, apierr.FormParamValueInvalid}
	if len(op.Errors) != len(want) {
		t.Errorf("codes %v, want %v", op.Errors, want)
	}
	for i := range min(len(want), len(op.Errors)) {
		if op.Errors[i] != want[i] {
			t.Errorf("code %d is %s, want %s", i, op.Errors[i], want[i])
		}
	}
}

// TestSaid: rules are said in words, for the reference page and for the message of an error.
func TestSaid(t *testing.T) {
	op := operation.New(operation.Backend, "try", "POST /try", "Try", 0, func(*operation.Call, input) (operation.NoContent, error) { return operation.NoContent{}, nil })
	said := map[string]string{}
	for _, p := range op.Params() {
		said[p.Name] = p.Said()
	}
	for name, want := range map[string]string{
		"needed": "required", "count": "1 to 9, default 5", "price": "at least 0.5", "name": "2 to 4 characters", "state": "on or off", "list": "at most 3 characters, 1 to 2 values",
		"colour": "red or blue", "word": "", "inner": "at most 3",
	} {
		if said[name] != want {
			t.Errorf("%s: %q, want %q", name, said[name], want)
		}
	}
}

// TestAWrongTagPanics: a mistake in a row is found when the table is made.
func TestAWrongTagPanics(t *testing.T) {
	for name, row := range map[string]func(){
		"an unknown rule": func() {
			operation.New(operation.Backend, "try", "GET /try", "Try", 0, func(*operation.Call, struct {
				A int `query:"a" rules:"least=1"`
			}) (operation.NoContent, error) {
				return operation.NoContent{}, nil
			})
		},
		"a bound that is no number": func() {
			operation.New(operation.Backend, "try", "GET /try", "Try", 0, func(*operation.Call, struct {
				A int `query:"a" rules:"min=one"`
			}) (operation.NoContent, error) {
				return operation.NoContent{}, nil
			})
		},
		"half a range": func() {
			operation.New(operation.Backend, "try", "GET /try", "Try", 0, func(*operation.Call, struct {
				A string `query:"a" rules:"length=3"`
			}) (operation.NoContent, error) {
				return operation.NoContent{}, nil
			})
		},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			row()
		}()
	}
}
