package mfa

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

// check refuses another guess while the user must wait or is locked.
func (b FailureCounter) check(now Instant) error {
	if b.LockedUntil > now {
		return locked(b.LockedUntil.Sub(now))
	}
	if b.WaitUntil > now {
		return apierr.New(apierr.TooManyRequests).Retry(b.WaitUntil.Sub(now))
	}
	return nil
}

// Wait is what a failure costs that is the nth in a row, and whether it is a lock.
func (p Policy) Wait(n int) (wait time.Duration, lock bool) {
	switch {
	case n >= p.LockFailures:
		return p.LockTime, true
	case n >= p.FreeFailures:
		return min(p.FirstWait<<(n-p.FreeFailures), p.LongestWait), false
	}
	return 0, false
}

// fail counts one failure.
func (b *FailureCounter) fail(now Instant, p Policy) {
	b.Failures++
	b.WaitUntil, b.LockedUntil = 0, 0
	switch wait, lock := p.Wait(b.Failures); {
	case lock:
		b.LockedUntil = now.Add(wait)
	case wait > 0:
		b.WaitUntil = now.Add(wait)
	}
}

// FailureCounters are the consecutive failures of one kind of factor: all of them, and apart those of clients that passed this user's second factor before. A
// stranger is held to all, a known client to the known ones only: so whoever tries every door shares one budget, and yet
// nobody can lock the owner out of a browser that is the owner's.
type FailureCounters struct {
	FailureCounter
	KnownDevices FailureCounter `json:"k,omitzero"`
}

// of is the lane that a client is held to.
func (l *FailureCounters) of(known bool) *FailureCounter {
	if known {
		return &l.KnownDevices
	}
	return &l.FailureCounter
}

func (l *FailureCounters) check(now Instant, known bool) error { return l.of(known).check(now) }

func (l *FailureCounters) fail(now Instant, p Policy, known bool) {
	l.FailureCounter.fail(now, p)
	if known {
		l.KnownDevices.fail(now, p)
	}
}

func (l *FailureCounters) clear() { *l = FailureCounters{} }

func (l *FailureCounters) lockEnd() Instant { return max(l.LockedUntil, l.KnownDevices.LockedUntil) }

func locked(left time.Duration) error {
	return apierr.New(apierr.UserLocked).
		With("lockout_expires_in_seconds", int64((left+time.Second-1)/time.Second)).Retry(left)
}

// failureLog holds the unix seconds of failures, rounded up, oldest first.
type failureLog []int64

func (l failureLog) since(now Instant, window time.Duration) failureLog {
	from := now.Add(-window).Time()
	for i, at := range l {
		if time.Unix(at, 0).After(from) {
			return l[i:]
		}
	}
	return nil
}

// fullUntil is when fewer than limit failures will be left in the window, or 0 when that is so now.
func (l failureLog) fullUntil(now Instant, limit int, window time.Duration) Instant {
	recent := l.since(now, window)
	if len(recent) < limit {
		return 0
	}
	return At(time.Unix(recent[len(recent)-limit], 0)).Add(window)
}

func (l failureLog) add(now Instant, window time.Duration) failureLog {
	recent := append(failureLog(nil), l.since(now, window)...)
	recent = append(recent, now.Add(time.Second-1).Time().Unix())
	return recent[max(0, len(recent)-failuresKept):]
}

// windowLimit is how many failures in the failure log end the guesses of a client.
func (p Policy) windowLimit(known bool) int {
	if known {
		return p.KnownDeviceFailures
	}
	return p.UnknownDeviceFailures
}
