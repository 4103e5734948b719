// Package openapi describes the table of operations as a page for people. Its tests write the same as an OpenAPI 3.1
// document, docs/openapi.yaml, so that no program links the code for that.
package openapi

import (
	"reflect"
	"slices"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

type object = map[string]any

// Field is one parameter of a request.
type Field struct {
	Name, In, Doc string // In is path, query or body
	Type          reflect.Type
}

// Kind is a field's type in the words of JSON.
func (f Field) Kind() string {
	kind, _ := inputSchema(f)["type"].(string)
	return kind
}

// Fields are the parameters of an operation's typed input.
func Fields(op operation.Operation) []Field {
	var out []Field
	for _, f := range reflect.VisibleFields(reflect.TypeOf(op.Request)) {
		for _, in := range []string{"path", "query", "body"} {
			if name := f.Tag.Get(in); name != "" {
				out = append(out, Field{name, in, f.Tag.Get("doc"), f.Type})
			}
		}
	}
	return out
}

func inputSchema(f Field) object {
	t := f.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	out := object{"type": "string"}
	switch {
	case t.String() == "json.RawMessage":
		out["type"] = "object"
	case t.Kind() == reflect.Slice:
		out = object{"type": "array", "items": object{"type": "string"}}
	case t.Kind() == reflect.Bool:
		out["type"] = "boolean"
	case t.Kind() == reflect.Int:
		out["type"] = "integer"
	}
	if f.Doc != "" {
		out["description"] = f.Doc
	}
	return out
}

// surfaceErrors are what every operation of a surface may answer.
var surfaceErrors = map[operation.Surface][]apierr.Code{
	operation.Public: {apierr.InternalClerkError, apierr.ServiceUnavailable},
	operation.Frontend: {
		apierr.RequestBodyInvalid, apierr.OriginInvalid, apierr.OriginAuthorizationHeadersConflict, apierr.AuthenticationInvalid, apierr.DevBrowserUnauthenticated,
		apierr.RequestBodyTooLarge, apierr.UnsupportedContentType, apierr.FormParamTypeInvalid, apierr.FormParamDuplicate, apierr.ResourceLocked,
		apierr.InternalClerkError, apierr.ServiceUnavailable,
	},
	operation.Backend: {
		apierr.RequestBodyInvalid, apierr.ClerkKeyInvalid, apierr.RequestBodyTooLarge, apierr.UnsupportedContentType, apierr.FormParamTypeInvalid,
		apierr.FormParamDuplicate, apierr.FormParamUnknown, apierr.ResourceLocked, apierr.TooManyRequests, apierr.InternalClerkError, apierr.ServiceUnavailable,
	},
}

// Errors are the codes that an operation may answer, by status.
func Errors(op operation.Operation) map[int][]apierr.Code {
	out := map[int][]apierr.Code{}
	for _, code := range append(append([]apierr.Code(nil), op.Errors...), surfaceErrors[op.Surface]...) {
		status := wire.Status(code)
		if !slices.Contains(out[status], code) {
			out[status] = append(out[status], code)
		}
	}
	return out
}
