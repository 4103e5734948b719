// Package clock provides a clock that development can move, and pauses. Code that makes time-based
// decisions takes the time as an argument; only code that runs in real time imports this package.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock is a clock that can be moved. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	wall  func() time.Time
	ahead time.Duration
}

// Movable returns a clock that shows the time of wall until it is moved.
func Movable(wall func() time.Time) *Clock { return &Clock{wall: wall} }

// Now returns the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall().Add(c.ahead)
}

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

// Pause waits for d. If the context ends first, it returns the context's error.
func Pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
