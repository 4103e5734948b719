// Package backend has the operations of the Backend API, a file for each subject.
package backend

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// row returns an operation of the Backend API.
func row[In, Out any](name, pattern, summary string, permissions operation.Permissions, h operation.Handler[In, Out], codes ...[]apierr.Code) operation.Operation {
	return operation.New(operation.Backend, name, pattern, summary, permissions, h, codes...)
}

// unreached are the codes for a second-factor number that no SMS can reach.
var unreached = []apierr.Code{apierr.UnsupportedCountryCode, apierr.FormParamFormatInvalid}

// page returns the offset and limit of a list, or an error that names the wrong one.
func page(from int, most *int) (offset, limit int, err error) {
	limit = 10
	if most != nil {
		limit = *most
	}
	if limit < 1 || limit > 500 {
		return 0, 0, apierr.New(apierr.FormParamValueInvalid).Param("limit")
	}
	if from < 0 {
		return 0, 0, apierr.New(apierr.FormParamValueInvalid).Param("offset")
	}
	return from, limit, nil
}
