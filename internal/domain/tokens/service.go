package tokens

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service signs session tokens and keeps the signing keys. It is safe for concurrent use.
type Service struct {
	*tx.Engine
	keys keyMemo
}
