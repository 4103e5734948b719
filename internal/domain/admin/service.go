package admin

import "github.com/countersign-mfa/countersign/internal/domain/sessions"

// Service carries out the operations of the Backend API. It is safe for concurrent use.
type Service struct {
	*sessions.Service
	blocked blockedAddresses
}
