package operation

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// maxBody is the maximum size in bytes of a request's body.
const maxBody = 64 << 10

// value is one parameter: the values of a form, or a JSON value if texts is nil.
type value struct {
	texts []string
	raw   json.RawMessage
}

type values map[string]value

// bind decodes a request into an In, a struct whose fields have the tag path, query or body, and
// rules. Bodies of the Backend API are JSON; those of the Frontend API are forms or JSON. Unknown
// parameters are an error if the operation is strict ([Operation.Strict]), else they are ignored.
func bind[In any](r *http.Request, op Operation) (In, error) {
	var in In
	body, err := readBody(r, op.Surface)
	if err != nil {
		return in, err
	}
	query, err := fromForm(r.URL.RawQuery)
	if err != nil {
		return in, err
	}
	if err := op.refuseUnknown(body, query); err != nil {
		return in, err
	}
	v := reflect.ValueOf(&in).Elem()
	for _, p := range op.params {
		to := v.FieldByIndex(p.index)
		switch p.In {
		case inPath:
			to.SetString(r.PathValue(p.Name))
		case inBody:
			err = op.move(body, p, to)
		case inQuery:
			err = op.move(query, p, to)
		}
		if err != nil {
			return in, apierr.From(err).Param(p.Name)
		}
	}
	return in, nil
}

// move stores a parameter in a field, if it keeps the rules. A null
// is no value.
func (o Operation) move(all values, p Param, to reflect.Value) error {
	given, ok := all[p.Name]
	null := string(given.raw) == "null"
	switch {
	case (!ok || null) && p.Default != "":
		return assignText(to, p.Default)
	case null:
		return p.absent(apierr.FormParamNil)
	case !ok:
		return p.absent(apierr.FormParamMissing)
	}
	p.restorePlus(given)
	if err := o.checkFilter(p, given); err != nil {
		return err
	}
	if err := given.assign(to); err != nil {
		if errors.Is(err, errForm) {
			return p.wrong(apierr.FormParamFormatInvalid)
		}
		return err
	}
	return p.check(to)
}

func readBody(r *http.Request, surface Surface) (values, error) {
	if encoded(r) {
		return nil, apierr.New(apierr.UnsupportedContentType)
	}
	data, err := io.ReadAll(r.Body)
	if errors.As(err, new(*http.MaxBytesError)) {
		return nil, apierr.New(apierr.RequestBodyTooLarge)
	}
	if err != nil {
		return nil, apierr.New(apierr.RequestBodyInvalid)
	}
	if len(data) == 0 {
		return values{}, nil
	}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8"):
		// Refused below: a reader that follows another charset reads another body.
	case err == nil && kind == "application/json":
		return fromJSON(data)
	case err == nil && kind == "application/x-www-form-urlencoded" && surface != Backend:
		return fromForm(string(data))
	}
	return nil, apierr.New(apierr.UnsupportedContentType)
}

// encoded reports whether a body is compressed or otherwise encoded. A proxy that decodes it would
// see another body.
func encoded(r *http.Request) bool {
	return slices.ContainsFunc(r.Header.Values("Content-Encoding"), func(e string) bool { return !strings.EqualFold(strings.TrimSpace(e), "identity") })
}

// fromForm returns the parameters of a form or query. A list repeats its name, with or without
// "[]".
func fromForm(text string) (values, error) {
	parsed, err := url.ParseQuery(text)
	if err != nil {
		return nil, apierr.New(apierr.RequestBodyInvalid)
	}
	out := values{}
	for name, list := range parsed {
		name = strings.TrimSuffix(name, "[]")
		out[name] = value{texts: append(out[name].texts, list...)}
	}
	return out, nil
}

// fromJSON returns the fields of an object. The text null counts as empty: Clerk's Go SDK sends it
// for a request without parameters.
func fromJSON(data []byte) (values, error) {
	if string(bytes.TrimSpace(data)) == "null" {
		return values{}, nil
	}
	if err := CheckObject(data); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, errBody
	}
	out := values{}
	for name, raw := range fields {
		out[name] = value{raw: raw}
	}
	return out, nil
}

// maxDepth is the maximum nesting of JSON in a body. Deeper nesting is an attack on a later reader
// of the metadata.
const maxDepth = 32

// CheckObject refuses JSON that is not an object, names a field twice or nests too deep. Two
// readers of such a text could see two objects, and metadata is passed on to other readers.
func CheckObject(data []byte) error {
	if !utf8.Valid(data) || loneSurrogate(data) {
		return errBody
	}
	d := json.NewDecoder(strings.NewReader(string(data)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errBody
	}
	return singleObject(d, 1)
}

func singleObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		name, ok := t.(string)
		if err != nil || !ok {
			return errBody
		}
		if seen[name] {
			return errDuplicate.Param(name)
		}
		seen[name] = true
		if err := singleValue(d, depth); err != nil {
			return err
		}
	}
	return closing(d)
}

func singleValue(d *json.Decoder, depth int) error {
	t, err := d.Token()
	if err != nil {
		return errBody
	}
	opened, nests := t.(json.Delim)
	switch {
	case !nests:
		return nil
	case depth == maxDepth:
		return errBody
	case opened == '{':
		return singleObject(d, depth+1)
	}
	for d.More() {
		if err := singleValue(d, depth+1); err != nil {
			return err
		}
	}
	return closing(d)
}

func closing(d *json.Decoder) error {
	if _, err := d.Token(); err != nil {
		return errBody
	}
	return nil
}

var (
	errType      = apierr.New(apierr.FormParamTypeInvalid)
	errDuplicate = apierr.New(apierr.FormParamDuplicate)
	errBody      = apierr.New(apierr.RequestBodyInvalid)
	errValue     = apierr.New(apierr.FormParamValueInvalid)
	errForm      = apierr.New(apierr.FormParamFormatInvalid)
)
