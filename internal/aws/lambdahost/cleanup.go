package lambdahost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
)

const (
	// cleanupBatch bounds one pass; a run makes as many passes as its time allows.
	cleanupBatch = 5000
	// cleanupSpare is the part of a function's time that stays unused, so that the function ends by
	// itself.
	cleanupSpare = 5 // one fifth
)

// ErrUnreadable is returned by the cleanup, wrapped with a number, when it could not read so many
// records. It cleaned all others.
var ErrUnreadable = errors.New("lambdahost: records cannot be read")

// ErrEvent is returned by a scheduled function for an event of unknown form.
var ErrEvent = errors.New("lambdahost: unknown event")

// Schedule is the input of the schedule that runs the cleanup: the context attributes of
// EventBridge Scheduler.
type Schedule struct {
	ScheduledTime string `json:"scheduled_time"`
	ExecutionID   string `json:"execution_id"`
	Attempt       string `json:"attempt"`
}

// Scheduled reports whether an event is the schedule's input or comes from an EventBridge rule.
func Scheduled(event json.RawMessage) bool {
	var e struct {
		Schedule
		Source     string `json:"source"`
		DetailType string `json:"detail-type"`
	}
	if json.Unmarshal(event, &e) != nil {
		return false
	}
	return e.ExecutionID != "" || e.Source == "aws.events" && e.DetailType == "Scheduled Event"
}

// ServeCleanup is the main function of the scheduled cleanup.
func ServeCleanup() {
	Run(func(ctx context.Context, e Environment) (any, error) {
		d := Connect(e)
		service, err := d.Service(ctx, Deps{})
		if err != nil {
			return nil, err
		}
		return d.Cleanup(service.Admin.Cleanup, time.Now), nil
	})
}

// Cleanup returns the handler of the scheduled cleanup. A run may stop, fail or overlap with
// another at any point: the next run finds what an earlier one left.
func (d *Deployment) Cleanup(clean func(context.Context, int) (admin.CleanupResult, error), now func() time.Time) func(context.Context, json.RawMessage) (admin.CleanupResult, error) {
	return func(ctx context.Context, event json.RawMessage) (admin.CleanupResult, error) {
		var sum admin.CleanupResult
		if !Scheduled(event) {
			return sum, ErrEvent
		}
		var until time.Time
		if deadline, ok := ctx.Deadline(); ok {
			until = deadline.Add(-deadline.Sub(now()) / cleanupSpare)
		}
		for {
			r, err := clean(ctx, cleanupBatch)
			sum.Add(r)
			if err != nil {
				return sum, err
			}
			if !r.More || !until.IsZero() && !now().Before(until) {
				d.Meter.Count(MetricBehind, sum.Behind.Seconds())
				d.Log.Info("cleanup", "found", sum.Found, "changed", sum.Changed, "deleted", sum.Deleted, "unreadable", sum.Unreadable, "more", sum.More)
				if sum.Unreadable > 0 {
					return sum, fmt.Errorf("%w: %d", ErrUnreadable, sum.Unreadable)
				}
				return sum, nil
			}
		}
	}
}
