package mfa

import "github.com/countersign-mfa/countersign/internal/domain/sessions"

// Service carries out sign-in, step-up and enrolment. It is safe for concurrent use.
type Service struct {
	*sessions.Service
}
