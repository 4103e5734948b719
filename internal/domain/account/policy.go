package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// Policy is the guess budget in numbers. The domain enforces them, package guessbound computes with them, and docs/security/guess-policy.md prints them.
type Policy struct {
	Name string
	// Tries is how many wrong ones end a verification: a sign-in's or a step-up's second factor, or a code that was sent.
	Tries int
	// From FreeFailures consecutive failures on, each costs a wait: FirstWait, doubling up to LongestWait; from LockFailures on, a lock of LockTime.
	FreeFailures, LockFailures int
	FirstWait, LongestWait     time.Duration
	LockTime                   time.Duration
	// The ledger holds the failures of the last LedgerWindow. It is never cleared by the user's own success, so a patient attacker gains nothing from the
	// owner's daily sign-in. With StrangerFailures in it, clients that never passed this user's second factor get no more guesses; with
	// KnownDeviceFailures in it nobody does. What lies between is kept for the owner's own browsers.
	UnknownDeviceFailures, KnownDeviceFailures int
	FailureWindow                              time.Duration
	// FactorFailures is how many consecutive failures disable an authenticator. SP 800-63B-4 section 3.2.2 allows at most 100.
	FactorFailures int
	// TOTP is how far a phone's clock may be off.
	TOTP totp.Window
}

// DefaultPolicy holds unless the settings say otherwise.
func DefaultPolicy() Policy {
	return Policy{
		Name: "default", Tries: 5, FreeFailures: 5, LockFailures: 10,
		FirstWait: 30 * time.Second, LongestWait: time.Hour, LockTime: LockTime,
		UnknownDeviceFailures: 20, KnownDeviceFailures: failuresKept, FailureWindow: failureWindow,
		FactorFailures: FailuresPerFactor, TOTP: totp.Standard,
	}
}

// StrictPolicy is for instances whose users can bear more: mistyping five codes in a month locks them out of new browsers.
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
	// failuresKept is how many failures a ledger holds: the most that any policy looks at, so that a change of policy forgets none.
	failuresKept = 25
	// FailuresPerFactor does not depend on the policy: what is disabled stays so.
	FailuresPerFactor = 100
)

// Policy is the guess budget that the settings ask for.
func (s *Settings) Policy() Policy {
	if s.StrictGuessing {
		return StrictPolicy()
	}
	return DefaultPolicy()
}
