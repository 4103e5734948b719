// Package openapi renders the table of operations as a reference page. Its tests write the OpenAPI
// 3.1 document docs/openapi.yaml, so that no program links that code.
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

// Kind returns the field's JSON type.
func (f Field) Kind() string {
	kind, _ := inputSchema(f)["type"].(string)
	return kind
}

// Fields returns the parameters of an operation's typed input.
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

// surfaceErrors are the codes that every operation of a surface may answer.
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

// Errors returns the codes that an operation may answer, by status.
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
