package api

import "context"

// OperationOf is the name of the operation that a request is for.
func OperationOf(ctx context.Context) string {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x.operation
	}
	return ""
}
