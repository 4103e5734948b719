package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// FailureCounter counts the consecutive failures of one kind of factor.
type FailureCounter struct {
	Failures    int     `json:"f,omitempty"`
	WaitUntil   Instant `json:"w,omitempty"`
	LockedUntil Instant `json:"l,omitempty"`
}

// Check refuses a guess while the user must wait or is locked.
func (b FailureCounter) Check(now Instant) error {
	if b.LockedUntil > now {
		return Locked(b.LockedUntil.Sub(now))
	}
	if b.WaitUntil > now {
		return apierr.New(apierr.TooManyRequests).Retry(b.WaitUntil.Sub(now))
	}
	return nil
}

// Wait returns the wait after the nth failure in a row, and whether it is a lock.
func (p Policy) Wait(n int) (wait time.Duration, lock bool) {
	switch {
	case n >= p.LockFailures:
		return p.LockTime, true
	case n >= p.FreeFailures:
		return min(p.FirstWait<<(n-p.FreeFailures), p.LongestWait), false
	}
	return 0, false
}

// Fail counts one failure.
func (b *FailureCounter) Fail(now Instant, p Policy) {
	b.Failures++
	b.WaitUntil, b.LockedUntil = 0, 0
	switch wait, lock := p.Wait(b.Failures); {
	case lock:
		b.LockedUntil = now.Add(wait)
	case wait > 0:
		b.WaitUntil = now.Add(wait)
	}
}

// Device says whether the calling client passed the user's second factor before.
type Device string

// The kinds of device. The text is part of the digest that names an hour's comparisons.
const (
	UnknownDevice Device = ""
	KnownDevice   Device = "known"
)

// FailureCounters are the consecutive failures of one kind of factor: all of them, and those of
// known devices apart. An unknown device is limited by all failures, a known device by those of
// known devices only. So attackers on many devices share one limit, and cannot lock the owner out
// of the owner's own browser.
type FailureCounters struct {
	FailureCounter
	KnownDevices FailureCounter `json:"k,omitzero"`
}

// Of returns the counter that limits guesses from a device.
func (l *FailureCounters) Of(d Device) *FailureCounter {
	if d == KnownDevice {
		return &l.KnownDevices
	}
	return &l.FailureCounter
}

// Check refuses another guess from a device that must wait or is locked.
func (l *FailureCounters) Check(now Instant, d Device) error { return l.Of(d).Check(now) }

// Fail counts one failure of a device.
func (l *FailureCounters) Fail(now Instant, p Policy, d Device) {
	l.FailureCounter.Fail(now, p)
	if d == KnownDevice {
		l.KnownDevices.Fail(now, p)
	}
}

// Clear forgets all failures.
func (l *FailureCounters) Clear() { *l = FailureCounters{} }

func (l *FailureCounters) lockEnd() Instant { return max(l.LockedUntil, l.KnownDevices.LockedUntil) }

// Locked returns the error of a locked user, with the time that is left.
func Locked(left time.Duration) error {
	return apierr.New(apierr.UserLocked).
		With("lockout_expires_in_seconds", int64((left+time.Second-1)/time.Second)).Retry(left)
}

// FailureLog holds the unix seconds of failures, rounded up, oldest first.
type FailureLog []int64

func (l FailureLog) since(now Instant, window time.Duration) FailureLog {
	from := now.Add(-window).Time()
	for i, at := range l {
		if time.Unix(at, 0).After(from) {
			return l[i:]
		}
	}
	return nil
}

// FullUntil returns when fewer than limit failures will be left in the window, or 0 if that is so
// now.
func (l FailureLog) FullUntil(now Instant, limit int, window time.Duration) Instant {
	recent := l.since(now, window)
	if len(recent) < limit {
		return 0
	}
	return At(time.Unix(recent[len(recent)-limit], 0)).Add(window)
}

// Add returns the log with one more failure, without those before the window.
func (l FailureLog) Add(now Instant, window time.Duration) FailureLog {
	recent := append(FailureLog(nil), l.since(now, window)...)
	recent = append(recent, now.Add(time.Second-1).Time().Unix())
	return recent[max(0, len(recent)-failuresKept):]
}

// WindowLimit returns the number of failures in the log at which guesses from a device end.
func (p Policy) WindowLimit(d Device) int {
	if d == KnownDevice {
		return p.KnownDeviceFailures
	}
	return p.UnknownDeviceFailures
}
