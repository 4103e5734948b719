// Package openapi renders the table of operations as a reference page. Its tests write the OpenAPI
// 3.1 document docs/openapi.yaml, so that no program links that code.
package openapi

import (
	"slices"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/api/wire"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

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
		apierr.FormParamDuplicate, apierr.FormParamUnknown, apierr.FormParamFormatInvalid, apierr.ResourceLocked, apierr.TooManyRequests, apierr.InternalClerkError, apierr.ServiceUnavailable,
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
