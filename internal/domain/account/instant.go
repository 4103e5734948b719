package account

import (
	"time"
)

// Instant is a moment in milliseconds since 1970 (UTC), the unit of the wire protocol; 0 means never.
type Instant int64

// At is the instant of t.
func At(t time.Time) Instant {
	if t.IsZero() {
		return 0
	}
	return Instant(t.UnixMilli())
}

// Time is the moment as a time; the zero time for 0.
func (i Instant) Time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(i)).UTC()
}

// Add is the instant d later.
func (i Instant) Add(d time.Duration) Instant { return i + Instant(d.Milliseconds()) }

// Sub is the time from j to i.
func (i Instant) Sub(j Instant) time.Duration { return time.Duration(i-j) * time.Millisecond }

// After moves a time of change on: to now, and by at least one millisecond, because Clerk's SDKs skip what looks unchanged.
func (i Instant) After(now Instant) Instant { return max(now, i+1) }
