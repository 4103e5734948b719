package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// Policy is the guess policy in numbers. This file is their only place. [FailureCounter.Fail] and
// package mfa enforce them, package guessbound computes with them, and guess-policy.md in
// docs/security prints them.
type Policy struct {
	Name string
	// Tries is how many wrong codes end a verification: a second factor of a sign-in or step-up, or
	// a code that was sent.
	Tries int
	// FreeFailures is the number of consecutive failures from which on each costs a wait:
	// FirstWait, doubling up to LongestWait. From LockFailures on, each locks the user for
	// LockTime.
	FreeFailures, LockFailures int
	FirstWait, LongestWait     time.Duration
	// LockTime is also the duration of an administrator's lock.
	LockTime time.Duration
	// UnknownDeviceFailures is the number of failures within FailureWindow after which unknown
	// devices get no more guesses; KnownDeviceFailures is that of all devices. The user's own
	// success does not clear the failure log, so an attacker gains nothing from the owner's daily
	// sign-in. The difference is kept for the owner's own browsers.
	UnknownDeviceFailures, KnownDeviceFailures int
	FailureWindow                              time.Duration
	// TOTP is the accepted difference of a phone's clock.
	TOTP totp.Window
}

// DefaultPolicy returns the policy without strict_guessing.
func DefaultPolicy() Policy {
	return Policy{
		Name: "default", Tries: 5, FreeFailures: 5, LockFailures: 10,
		FirstWait: 30 * time.Second, LongestWait: time.Hour, LockTime: LockTime,
		UnknownDeviceFailures: 20, KnownDeviceFailures: failuresKept, FailureWindow: failureWindow,
		TOTP: totp.Standard,
	}
}

// StrictPolicy returns the policy with strict_guessing. Five mistyped codes in a month lock a user
// out of new browsers.
func StrictPolicy() Policy {
	p := DefaultPolicy()
	p.Name, p.Tries, p.FreeFailures, p.LockFailures = "strict", 3, 3, 5
	p.UnknownDeviceFailures, p.KnownDeviceFailures = 5, 7
	p.TOTP = totp.Window{Past: 1}
	return p
}

const (
	// LockTime is also how long an administrator's lock lasts.
	LockTime      = time.Hour
	failureWindow = 30 * 24 * time.Hour
	// failuresKept is the length of a failure log: the most that any policy looks at, so that a
	// change of policy forgets no failure.
	failuresKept = 25
	// FailuresPerFactor consecutive failures disable an authenticator until it is bound again. SP
	// 800-63B-4 section 3.2.2 allows at most 100. A change of policy must not enable it again, so
	// this is no part of the policy.
	FailuresPerFactor = 100
)

// Policy returns the guess policy that the settings select.
func (s *Settings) Policy() Policy {
	if s.StrictGuessing {
		return StrictPolicy()
	}
	return DefaultPolicy()
}
