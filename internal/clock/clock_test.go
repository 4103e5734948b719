package clock_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/clock"
)

func TestPause(t *testing.T) {
	if err := clock.Pause(t.Context(), 0); err != nil {
		t.Errorf("no time at all: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := clock.Pause(ended, time.Hour); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end: %v", err)
	}
}

func TestClock(t *testing.T) {
	wall := time.Unix(1_800_000_000, 0)
	c := clock.Movable(func() time.Time { return wall })
	c.Advance(time.Hour)
	wall = wall.Add(time.Minute)
	c.Advance(time.Hour)
	if got, want := c.Now(), wall.Add(2*time.Hour); !got.Equal(want) {
		t.Errorf("%v, want %v", got, want)
	}
}
