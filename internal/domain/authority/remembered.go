package authority

import "time"

// Device is a device that a user had remembered after proving a second factor on it.
type Device struct {
	// At is when the second factor was proved, Ends when the device is no longer remembered.
	At, Ends time.Time
	// Generation and Since are [Account.Generation] and [Policy.RememberSince] at that time.
	Generation, Since uint32
}

// Remembers reports whether a sign-in on the device needs the first factor only. Every change of a
// password or a factor, and ending all sessions, raises the generation and so ends all devices.
func (a Account) Remembers(d Device, p Policy, now time.Time) bool {
	return p.Remember && d.Since == p.RememberSince && a.SecondFactor && d.Generation == a.Generation &&
		!d.At.IsZero() && !Future(d.At, now) && now.Before(d.Ends)
}

// SignInRemembered returns what a new session has proved whose sign-in was on a remembered device:
// the first factor alone. A change of factors needs a step-up with the second.
func (a Account) SignInRemembered(first Proof) Session {
	return Session{First: first, Remembered: a.SecondFactor, Generation: a.Generation}
}
