package mergepatch_test

import (
	"encoding/json"
	"testing"

	"github.com/countersign-mfa/countersign/internal/domain/mergepatch"
)

// TestMerge uses the examples of RFC 7396 (appendix A) whose target and patch are objects,
// and what the RFC says about other values.
func TestMerge(t *testing.T) {
	for name, tc := range map[string]struct{ object, patch, want string }{
		"a value is replaced":                      {`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		"a key is added":                           {`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		"null removes the only key":                {`{"a":"b"}`, `{"a":null}`, `{}`},
		"null leaves other keys":                   {`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		"null removes an unknown key":              {`{"a":"b"}`, `{"x":null}`, `{"a":"b"}`},
		"a text replaces a list":                   {`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		"a list replaces a text":                   {`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		"objects merge, null removes a nested key": {`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		"a list is no object":                      {`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		"null in a list stays":                     {`{}`, `{"a":[null]}`, `{"a":[null]}`},
		"null in a new object is left out":         {`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		"an object replaces a text":                {`{"a":"b"}`, `{"a":{"c":1}}`, `{"a":{"c":1}}`},
		"a stored null stays":                      {`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		"no object yet":                            {``, `{"a":1}`, `{"a":1}`},
		"an empty patch":                           {`{"a":1}`, `{}`, `{"a":1}`},
		"white space":                              {`{"a":{"b":1}}`, " {\"a\": \n {\"c\" :2}} ", `{"a":{"b":1,"c":2}}`},
		"a number keeps its digits":                {`{"n":12345678901234567890.10}`, `{"a":1E400}`, `{"a":1E400,"n":12345678901234567890.10}`},
		"a sign of HTML stays one byte":            {`{}`, `{"a":"<"}`, `{"a":"<"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := mergepatch.Merge(json.RawMessage(tc.object), json.RawMessage(tc.patch))
			if err != nil || string(got) != tc.want {
				t.Errorf("%s, %v, want %s", got, err, tc.want)
			}
		})
	}
}
