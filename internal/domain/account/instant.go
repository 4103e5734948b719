package account

import (
	"time"
)

// Instant is a moment in milliseconds since 1970 (UTC), the unit of the wire protocol; 0 means
// never.
type Instant int64

// At returns the instant of t; 0 for the zero time.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time returns the instant as a time; the zero time for 0.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// Add returns the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub returns the duration from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// After returns the next time of a change: now, and at least one millisecond later than i, because
// Clerk's SDKs skip what looks unchanged.
func (i Instant) After(now Instant) Instant { return max(now, i+1) }
