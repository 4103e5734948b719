package sms

import "github.com/countersign-mfa/countersign/internal/domain/tx"

// Service lists what the SMS guard decided. It is safe for concurrent use.
type Service struct {
	*tx.Engine
}
