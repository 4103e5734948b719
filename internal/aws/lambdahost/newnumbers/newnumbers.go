// Package newnumbers constructs the parser of new phone numbers. Only functions that take new
// numbers import it, so that no other function links the numbering plans.
package newnumbers

import (
	"strings"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/numberplan"
)

// New returns the numbering plans of this build with the ranges of the environment. The error names
// the first wrong range and what is right.
func New(e lambdahost.Environment) (lambdahost.Numbers, error) {
	plan, err := numberplan.Extend(strings.ReplaceAll(e.NumberRanges, ",", "\n"))
	if err != nil {
		return nil, err
	}
	return plan, nil
}
