package operation

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// A query narrows an answer, so an ignored parameter makes the answer too large: a caller that
// deletes what a filter finds would delete all users. Therefore:
//
//   - the Backend API refuses each parameter that the operation does not take, as in a body;
//   - the Frontend API refuses them in lists, and in the bodies of PATCH, whose answer would
//     otherwise say that a change was made. Its other operations act on one thing of the caller,
//     which no parameter can narrow, and new releases of Clerk's SDKs add parameters to them.

// carriedParam is a parameter that Clerk's SDKs add to any request, and that narrows nothing.
type carriedParam struct {
	why string
	// backend reports that the Backend API accepts it. There a parameter that names a caller or a
	// method means nothing, and is refused.
	backend bool
}

// VersionParam is the parameter with the date of a version of Clerk's protocol.
const VersionParam = "__clerk_api_version"

var carriedParams = map[string]carriedParam{
	"__clerk_testing_token": {"the token of Clerk's test tools; there is no protection from bots that it could turn off", false},
	VersionParam:            {"the version of the protocol that the SDK was made for; from 2026-08-20 on, passkeys may be second factors", true},
	"_clerk_js_version":     {"the release of clerk-js", true},
	"_clerk_session_id":     {"the session that the request is about, read before any operation", false},
	"__clerk_db_jwt":        {"the id of a development browser, read before any operation", false},
	"__dev_session":         {"the former name of __clerk_db_jwt", false},
	"_is_native":            {"says that the client token comes in a header, read before any operation", false},
	"_method":               {"the method that a POST stands for, read before any operation", false},
	"rotating_token_nonce":  {"native SDKs add it after a redirect; tokens here do not rotate by it", false},
}

// CarriedParams returns the names of the parameters that every operation of a surface accepts.
func CarriedParams(surface Surface) []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(carriedParams)) {
		if surface != Backend || carriedParams[name].backend {
			names = append(names, name)
		}
	}
	return names
}

// Strict reports whether the operation refuses unknown parameters in query and body.
func (o Operation) Strict() bool { return o.Surface == Backend || o.AnswersList() }

// StrictBody reports whether the operation refuses unknown parameters in the body: an ignored field
// of a change would be answered as if it were stored.
func (o Operation) StrictBody() bool {
	return o.Strict() || o.Method == http.MethodPatch && slices.ContainsFunc(o.params, func(p Param) bool { return p.In == inBody })
}

// AnswersList reports whether the right answer is a list: bare or as a page, in an envelope or not.
func (o Operation) AnswersList() bool {
	t := reflect.TypeOf(o.Response)
	if t == nil {
		return false
	}
	if inner, ok := fieldOf(t, "Response"); ok {
		t = inner.Type
	}
	if data, ok := fieldOf(t, "Data"); ok {
		t = data.Type
	}
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 // bytes are a document
}

func fieldOf(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	return t.FieldByName(name)
}

// refusals are the codes that the operation answers for wrong parameters.
func refusals(o Operation) []apierr.Code {
	var codes []apierr.Code
	if o.StrictBody() && o.Surface != Backend { // whose operations all answer it
		codes = append(codes, apierr.FormParamUnknown)
	}
	for _, p := range o.params {
		if p.narrows {
			codes = append(codes, apierr.FormParamValueInvalid)
		}
		codes = append(codes, p.codes()...)
	}
	return codes
}

// narrow adds the rules of a query that narrows: a text is never empty, and a wrong value is
// form_param_value_invalid whichever rule it breaks.
func (o Operation) narrow() {
	for i := range o.params {
		if p := &o.params[i]; p.In == inQuery && o.Strict() {
			p.narrows = true
			if p.Kind() == "string" || p.Kind() == "array" {
				p.Length.Min = max(p.Length.Min, 1)
			}
		}
	}
}

// restorePlus turns a space before a listed text back into the plus that it was: an unescaped plus
// in a query means a space.
func (p Param) restorePlus(given value) {
	for i, text := range given.texts {
		if rest, ok := strings.CutPrefix(text, " "); ok && slices.Contains(p.One, "+"+rest) {
			given.texts[i] = "+" + rest
		}
	}
}

// checkFilter refuses a query parameter that would not narrow the answer: an empty one, and one
// with more values than the operation reads.
func (o Operation) checkFilter(p Param, v value) error {
	if !p.narrows {
		return nil
	}
	if slices.Contains(v.texts, "") || p.IsList() && len(v.texts) > p.Items.Max {
		return p.wrong(apierr.FormParamValueInvalid)
	}
	return nil
}

// refuseUnknown refuses the parameters that the operation neither takes nor ignores.
func (o Operation) refuseUnknown(body, query values) error {
	// Requests at once share o.ignored, so both lists are copies.
	known := map[string][]string{inBody: slices.Clone(o.ignored[inBody]), inQuery: slices.Concat(o.ignored[inQuery], CarriedParams(o.Surface))}
	for _, p := range o.params {
		known[p.In] = append(known[p.In], p.Name)
	}
	if err := body.refuse(known[inBody]); err != nil && o.StrictBody() {
		return err
	}
	if err := query.refuse(known[inQuery]); err != nil && o.Strict() {
		return err
	}
	return nil
}

// refuse returns an error that names the first parameter that is not known.
func (all values) refuse(known []string) error {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !slices.Contains(known, name) {
			return apierr.New(apierr.FormParamUnknown).Param(name)
		}
	}
	return nil
}
