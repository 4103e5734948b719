package sessions

import "github.com/countersign-mfa/countersign/internal/domain/tokens"

// Service identifies callers and carries out the operations on sessions. It is safe for concurrent use.
type Service struct {
	*tokens.Service
}
