// Package mfa is sign-in, step-up and the enrolment of factors.
//
// A guess of a code walks down through the package and never comes back up:
//
//   - [Service.AttemptSecondFactor] (sign-in) and [Service.AttemptReverificationSecondFactor]
//     (step-up) find what waits for a second factor and call [VerifySecondFactor].
//   - VerifySecondFactor asks checkSecondLimits whether the user may guess, and compareSecondFactor
//     whether the code is right. That calls verifyTOTP, verifyBackupCode or [sms.Consume].
//   - recordWrongCode (failures.go) counts a wrong code: on the attempt, on the authenticator and,
//     through recordFailure, on the user. The transaction commits the counters before the client
//     reads the answer.
//
// First factors walk the same way through verify_first_factor.go, the verification of a new number
// through phone_verification.go. All numbers are in [account.Policy], such as
// LockFailures.
package mfa

import "github.com/countersign-mfa/countersign/internal/domain/sessions"

// Service carries out sign-in, step-up and enrolment. It is safe for concurrent use.
type Service struct {
	*sessions.Service
}
