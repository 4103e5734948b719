// Package unrouted answers requests that no route of the gateway takes: unknown paths and methods,
// and preflights. It knows the method, path and surface of every operation, and serves none.
package unrouted

import (
	"github.com/countersign-mfa/countersign/internal/api/operation"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
)

// Serve is the main function of unrouted.
func Serve() { lambdahost.Serve(lambdahost.Deps{}, Operations()...) }

// row is what the function knows of an operation. The operation's own row would link its code.
type row struct {
	surface      operation.Surface
	method, path string
}

// Operations returns the rows of all operations, none of which is served here.
func Operations() []operation.Operation {
	all := make([]operation.Operation, len(rows))
	for i, r := range rows {
		all[i] = operation.Elsewhere(r.surface, r.method, r.path)
	}
	return all
}
