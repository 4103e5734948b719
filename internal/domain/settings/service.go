package settings

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service changes the settings of the instance. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
