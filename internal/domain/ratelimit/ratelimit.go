// Package ratelimit counts events exactly: it allows an event if then no window of any rule's
// length holds more events than the rule's limit.
//
// A [Log] holds the times of the events and not counters per period, so that the turn of a period
// does not double a limit. It is at most as long as the largest limit, so it fits small limits:
// sent codes, guesses. It has no clock and no lock. Callers store it in a record and rely on the
// record's version.
package ratelimit

import (
	"math"
	"time"
)

// Rule allows Limit events in every half-open span of time as long as Window. A Limit below 1
// allows none. A Window of 0 or less holds no event, so such a rule allows all if its Limit allows
// any.
type Rule struct {
	Limit  int
	Window time.Duration
}

// never is the wait when a rule allows no event at all.
const never = time.Duration(math.MaxInt64)

// Log holds the times of past events in Unix milliseconds, the oldest first. In JSON it is an array
// of numbers. The nil Log is empty.
//
// Times are rounded up to the millisecond: a limit holds exactly, and a wait is less than a
// millisecond too long. An event later than now, left behind by a clock that was set back, counts
// as one of now.
type Log []int64

// Wait returns how long it is until all rules allow an event: 0 if all allow it now, and the
// longest [time.Duration] if a rule never will. The event is allowed at exactly now plus the wait,
// unless the log holds events later than now: then ask again.
func (l Log) Wait(now time.Time, rules ...Rule) time.Duration {
	var wait time.Duration
	for _, rule := range rules {
		wait = max(wait, l.waitFor(now, rule))
	}
	return wait
}

// waitFor returns the wait of one rule. With Limit events in the window, the next event is allowed
// when the oldest of them leaves.
func (l Log) waitFor(now time.Time, rule Rule) time.Duration {
	if rule.Limit < 1 {
		return never
	}
	if rule.Window <= 0 || len(l) < rule.Limit {
		return 0
	}
	oldest := l[len(l)-rule.Limit]
	return max(0, leaves(oldest, now, rule.Window).Sub(now))
}

// Add returns a new log with an event at now and leaves l as it was. It drops events older than the
// longest window, and the oldest beyond the largest limit. It moves events later than now to now.
// Add does not ask whether the event is allowed: see [Log.Wait].
func (l Log) Add(now time.Time, rules ...Rule) Log {
	var longest time.Duration
	var largest int
	for _, rule := range rules {
		longest = max(longest, rule.Window)
		largest = max(largest, rule.Limit)
	}
	// The new event takes one place of the largest limit.
	keep := min(l.Count(now, longest), max(largest-1, 0))
	added := make(Log, 0, keep+1)
	present := ceilMilli(now)
	for _, event := range l[len(l)-keep:] {
		added = append(added, min(event, present))
	}
	return append(added, present)
}

// Count returns how many events of the log are in the window that ends with now.
func (l Log) Count(now time.Time, window time.Duration) int {
	n := 0
	for window > 0 && n < len(l) && leaves(l[len(l)-1-n], now, window).After(now) {
		n++
	}
	return n
}

// leaves returns the first instant at which the event no longer counts in the window.
func leaves(event int64, now time.Time, window time.Duration) time.Time {
	return time.UnixMilli(min(event, ceilMilli(now))).Add(window)
}

func ceilMilli(t time.Time) int64 {
	ms := t.UnixMilli()
	if time.UnixMilli(ms).Before(t) {
		ms++
	}
	return ms
}
