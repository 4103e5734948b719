package audit

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service reads the audit logs and the event log. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
