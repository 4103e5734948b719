package operation

import (
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Where a parameter stands: the name of the tag that names it.
const (
	inPath  = "path"
	inQuery = "query"
	inBody  = "body"
)

// Param is a parameter of a request: a field of the operation's input type.
type Param struct {
	Name, In, Doc string // In is path, query or body
	// Type is the field's, without the pointer of an optional one.
	Type reflect.Type
	Rules

	index []int
	// narrows says that the parameter narrows an answer.
	narrows bool
}

// Ignored is the type of a blank field that names parameters of Clerk's without a meaning here,
// separated by blanks in the tag query or body. An operation accepts them with any value. A
// parameter that narrows an answer, or that a caller relies on for security, is never ignored.
type Ignored struct{}

// maxFilterValues is how often a filter may repeat, as Clerk documents for users-list.
const maxFilterValues = 100

// paramsOf returns the parameters of an input type, and the names that it ignores.
func paramsOf(t reflect.Type) (params []Param, ignored map[string][]string) {
	ignored = map[string][]string{}
	for _, f := range fieldsOf(t) {
		for _, in := range []string{inPath, inQuery, inBody} {
			names := f.Tag.Get(in)
			if names == "" {
				continue
			}
			if f.Type == reflect.TypeFor[Ignored]() {
				ignored[in] = append(ignored[in], strings.Fields(names)...)
				continue
			}
			params = append(params, newParam(names, in, f))
		}
	}
	return params, ignored
}

// fieldsOf returns the fields of a struct and of its embedded structs. Unlike
// [reflect.VisibleFields], it returns each blank field.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var out []reflect.StructField
	for f := range t.Fields() {
		if !f.Anonymous {
			out = append(out, f)
			continue
		}
		for _, inner := range fieldsOf(f.Type) {
			inner.Index = append(slices.Clone(f.Index), inner.Index...)
			out = append(out, inner)
		}
	}
	return out
}

func newParam(name, in string, f reflect.StructField) Param {
	p := Param{Name: name, In: in, Doc: f.Tag.Get("doc"), Type: f.Type, Rules: parseRules(f.Tag.Get("rules")), index: f.Index}
	if p.Type.Kind() == reflect.Pointer {
		p.Type = p.Type.Elem()
	}
	if in == inPath {
		p.Required = true
	}
	if p.IsList() && in == inQuery && p.Items.Max == 0 {
		p.Items.Max = maxFilterValues
	}
	if p.One == nil {
		p.One = enumerated(p.textType())
	}
	return p
}

// textType is the type of the texts that a parameter holds: the elements of a list, the keys of a
// map.
func (p Param) textType() reflect.Type {
	switch {
	case p.IsList():
		return p.Type.Elem()
	case p.Type.Kind() == reflect.Map:
		return p.Type.Key()
	}
	return p.Type
}

// IsList reports whether the parameter is a list of texts.
func (p Param) IsList() bool {
	return p.Type.Kind() == reflect.Slice && p.Type.Elem().Kind() != reflect.Uint8
}

// IsObject reports whether the parameter is a JSON object of any fields.
func (p Param) IsObject() bool {
	return p.Type.Kind() == reflect.Slice && p.Type.Elem().Kind() == reflect.Uint8
}

// IsTime reports whether the parameter is a time in the form of RFC 3339.
func (p Param) IsTime() bool { return p.Type == reflect.TypeFor[time.Time]() }

// IsText reports whether the parameter is one text.
func (p Param) IsText() bool {
	return p.Type.Kind() == reflect.String || p.Type == reflect.TypeFor[secret.Value]()
}

// Kind returns the JSON type of the parameter.
func (p Param) Kind() string {
	switch {
	case p.IsText(), p.IsTime():
		return "string"
	case p.IsList():
		return "array"
	case p.Type.Kind() == reflect.Bool:
		return "boolean"
	case p.Type.Kind() == reflect.Int:
		return "integer"
	case p.Type.Kind() == reflect.Float64:
		return "number"
	}
	return "object"
}

// IsNeeded reports whether a request without the parameter is refused.
func (p Param) IsNeeded() bool { return p.Required || p.Nonempty }

// absent returns the error for a parameter without a value, if the operation needs one: the given
// code, or the one of the rule nonempty.
func (p Param) absent(code apierr.Code) error {
	switch {
	case p.Nonempty:
		return apierr.New(apierr.FormParamNil)
	case p.Required:
		return apierr.New(code)
	}
	return nil
}

// codes are the codes that a request may get for its value of the parameter.
func (p Param) codes() []apierr.Code {
	if p.In == inPath || p.narrows && !p.IsNeeded() {
		return nil
	}
	var out []apierr.Code
	for _, rule := range []struct {
		is   bool
		code apierr.Code
	}{
		{p.Required, apierr.FormParamMissing},
		{p.Nonempty || p.Required && p.IsText(), apierr.FormParamNil},
		{p.Min != nil || p.Max != nil || p.Length.Min > 0 || p.One != nil || p.Items.Min > 0 || p.Kind() == "integer", apierr.FormParamValueInvalid},
		{p.Length.Max > 0, apierr.FormParamMaxLengthExceeded},
		{p.Items.Max > 0 && p.In == inBody, apierr.FormParamArraySizeExceeded},
		{p.Pattern != nil || p.IsTime(), apierr.FormParamFormatInvalid},
	} {
		if rule.is {
			out = append(out, rule.code)
		}
	}
	return out
}

// Params returns the parameters of the operation, in the order of its input type.
func (o Operation) Params() []Param { return slices.Clone(o.params) }

// Ignores returns the names of Clerk's parameters that the operation accepts without a meaning, in
// the query or in the body.
func (o Operation) Ignores(in string) []string { return slices.Clone(o.ignored[in]) }
