package dynamo

import (
	"context"
	"time"
)

// SetPause replaces the waiting between the tries of a throttled transaction.
func (s *Store) SetPause(pause func(context.Context, time.Duration) error) { s.pause = pause }
