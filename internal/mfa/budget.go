package mfa

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/apierr"
)

// The guess budget. SP 800-63B-4 section 3.2.2 allows at most 100 consecutive failures; these limits reach it only
// after days and count over all methods, sessions and clients of a user together.
const (
	failuresBeforeWait = 5
	failuresBeforeLock = 10
	failuresPerFactor  = 100
	firstWait          = 30 * time.Second
	longestWait        = time.Hour
	lockTime           = time.Hour
)

// The ledger counts failures of clients that never passed this user's second factor. The owner's own
// successes do not clear it, so a patient attacker gains nothing from the owner's daily sign-in.
const (
	ledgerLimit  = 20
	ledgerWindow = 30 * 24 * time.Hour
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

// fail counts one failure: five are free, then each costs a wait that doubles, the tenth and every later one a lock.
func (b *Budget) fail(now Instant) {
	b.Failures++
	switch {
	case b.Failures >= failuresBeforeLock:
		b.WaitUntil, b.LockedUntil = 0, now.Add(lockTime)
	case b.Failures >= failuresBeforeWait:
		b.WaitUntil = now.Add(min(firstWait<<(b.Failures-failuresBeforeWait), longestWait))
	}
}

func (b *Budget) clear() { *b = Budget{} }

func (b Budget) remaining() int { return max(0, failuresBeforeLock-b.Failures) }

func locked(left time.Duration) error {
	return apierr.New(apierr.UserLocked).
		With("lockout_expires_in_seconds", int64((left+time.Second-1)/time.Second)).Retry(left)
}

// ledger holds the unix seconds of failures, oldest first.
type ledger []int64

func (l ledger) since(now Instant) ledger {
	from := now.Add(-ledgerWindow).Time().Unix()
	for i, at := range l {
		if at > from {
			return l[i:]
		}
	}
	return nil
}

func (l ledger) check(now Instant) error {
	recent := l.since(now)
	if len(recent) < ledgerLimit {
		return nil
	}
	free := time.Unix(recent[len(recent)-ledgerLimit], 0).Add(ledgerWindow)
	return locked(free.Sub(now.Time()))
}

func (l ledger) add(now Instant) ledger {
	recent := append(ledger(nil), l.since(now)...)
	recent = append(recent, now.Time().Unix())
	return recent[max(0, len(recent)-ledgerLimit):]
}
