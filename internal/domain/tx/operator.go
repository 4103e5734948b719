package tx

import (
	"context"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// Limits of an [account.Operator] in characters. An audit entry stands in the record of its owner,
// and a record over a kilobyte costs DynamoDB another unit for each write.
const (
	MaxOperatorName   = 40
	MaxOperatorReason = 140
)

type operatorKey struct{}

// WithOperator returns a context whose operations of the Backend API are those of an operator.
func WithOperator(ctx context.Context, by account.Operator) context.Context {
	return context.WithValue(ctx, operatorKey{}, by)
}

func operatorOf(ctx context.Context) account.Operator {
	by, _ := ctx.Value(operatorKey{}).(account.Operator)
	return by
}
