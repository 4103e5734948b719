// Package admin is the operations of the Backend API on users: their profile, factors, numbers and
// sessions, deletion, data export and statistics. It also holds the cleanup of expired records.
package admin

import "github.com/countersign-mfa/countersign/internal/domain/sessions"

// Service carries out the operations of the Backend API. It is safe for concurrent use.
type Service struct {
	*sessions.Service
	blocked blockedAddresses
}
