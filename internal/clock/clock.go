// Package clock has a clock that development can move, and waits. What decides by the time is given it; only what runs in real time imports
// this package.
package clock

import (
	"context"
	"sync"
	"time"
)

// Clock is another clock plus what it was moved by. It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	wall  func() time.Time
	ahead time.Duration
}

// Movable returns a clock that shows the time of wall.
func Movable(wall func() time.Time) *Clock { return &Clock{wall: wall} }

// Now is the time that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wall().Add(c.ahead)
}

// Advance moves the clock.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += by
}

// Pause waits for d, or until the context ends and then returns its error.
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
