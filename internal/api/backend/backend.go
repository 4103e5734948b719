// Package backend has the operations of the Backend API, a file for each subject.
package backend

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/smsprice"
)

// row returns an operation of the Backend API.
func row[In, Out any](name, pattern, summary string, permissions operation.Permissions, h operation.Handler[In, Out], codes ...[]apierr.Code) operation.Operation {
	return operation.New(operation.Backend, name, pattern, summary, permissions, h, codes...)
}

// unreached are the codes for a second-factor number that no SMS can reach.
var unreached = []apierr.Code{apierr.UnsupportedCountryCode, apierr.FormParamFormatInvalid}

// page is the part of a list that a request asks for.
type page struct {
	Limit  int `query:"limit" rules:"min=1 max=500 default=10"`
	Offset int `query:"offset" rules:"min=0 default=0" doc:"how many to leave out"`
}

// of returns the page of a whole list. It is empty beyond the end.
func of[T any](p page, all []T) []T {
	from := min(p.Offset, len(all))
	return all[from:min(from+p.Limit, len(all))]
}

// country is a country that can get text messages, as ISO 3166 alpha-2.
type country string

// Values implements [operation.Enumerated].
func (country) Values() []string { return smsprice.Countries() }

// Explain implements [operation.Explainer].
func (country) Explain(text string) string { return smsprice.NoCountry(text) }

// testsOnly are the codes of an operation for tests.
var testsOnly = []apierr.Code{apierr.RequestInvalidForEnvironment}

// checkDevelopment refuses an operation for tests where the publishable key or the secret key is
// one of production. The development server takes any secret key.
func checkDevelopment(c *operation.Call) error {
	_, key, _ := strings.Cut(c.Request.Header.Get("Authorization"), " ")
	if c.Production() || strings.HasPrefix(key, "sk_live_") {
		return apierr.New(apierr.RequestInvalidForEnvironment)
	}
	return nil
}
