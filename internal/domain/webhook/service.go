package webhook

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service carries out the operations on endpoints and deliveries. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
