package mfa

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// Budget counts the consecutive failures of one kind of factor.
type Budget struct {
	Failures    int     `json:"f,omitempty"`
	WaitUntil   Instant `json:"w,omitempty"`
	LockedUntil Instant `json:"l,omitempty"`
}

// check refuses another guess while the user must wait or is locked.
func (b Budget) check(now Instant) error {
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
func (b *Budget) fail(now Instant, p Policy) {
	b.Failures++
	b.WaitUntil, b.LockedUntil = 0, 0
	switch wait, lock := p.Wait(b.Failures); {
	case lock:
		b.LockedUntil = now.Add(wait)
	case wait > 0:
		b.WaitUntil = now.Add(wait)
	}
}

// Lanes are the consecutive failures of one kind of factor: all of them, and apart those of clients that passed this user's second factor before. A
// stranger is held to all, a known client to the known ones only: so whoever tries every door shares one budget, and yet
// nobody can lock the owner out of a browser that is the owner's.
type Lanes struct {
	Budget
	Known Budget `json:"k,omitzero"`
}

// of is the lane that a client is held to.
func (l *Lanes) of(known bool) *Budget {
	if known {
		return &l.Known
	}
	return &l.Budget
}

func (l *Lanes) check(now Instant, known bool) error { return l.of(known).check(now) }

func (l *Lanes) fail(now Instant, p Policy, known bool) {
	l.Budget.fail(now, p)
	if known {
		l.Known.fail(now, p)
	}
}

func (l *Lanes) clear() { *l = Lanes{} }

func (l *Lanes) lockEnd() Instant { return max(l.LockedUntil, l.Known.LockedUntil) }

func locked(left time.Duration) error {
	return apierr.New(apierr.UserLocked).
		With("lockout_expires_in_seconds", int64((left+time.Second-1)/time.Second)).Retry(left)
}

// ledger holds the unix seconds of failures, rounded up, oldest first.
type ledger []int64

func (l ledger) since(now Instant, window time.Duration) ledger {
	from := now.Add(-window).Time()
	for i, at := range l {
		if time.Unix(at, 0).After(from) {
			return l[i:]
		}
	}
	return nil
}

// fullUntil is when fewer than limit failures will be left in the window, or 0 when that is so now.
func (l ledger) fullUntil(now Instant, limit int, window time.Duration) Instant {
	recent := l.since(now, window)
	if len(recent) < limit {
		return 0
	}
	return At(time.Unix(recent[len(recent)-limit], 0)).Add(window)
}

func (l ledger) add(now Instant, window time.Duration) ledger {
	recent := append(ledger(nil), l.since(now, window)...)
	recent = append(recent, now.Add(time.Second-1).Time().Unix())
	return recent[max(0, len(recent)-ledgerKept):]
}

// ledgerLimit is how many failures in the ledger end the guesses of a client.
func (p Policy) ledgerLimit(known bool) int {
	if known {
		return p.LedgerFailures
	}
	return p.StrangerFailures
}
