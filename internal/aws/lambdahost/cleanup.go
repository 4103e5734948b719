package lambdahost

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
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
		clean := d.MendFirst(service.Admin.MendEnds, d.Cleanup(service.Admin.Cleanup, time.Now), time.Now)
		return d.MigrateFirst(service.Migrator().Migrate, clean, time.Now), nil
	})
}

// MigrateFirst returns the handler of the cleanup that first spends at most half of its time on
// users of an earlier release: it puts them into the lists of users. The next run goes on. If
// this work fails, the cleanup runs all the same.
func (d *Deployment) MigrateFirst(migrate func(context.Context, func(directory.Progress) bool) (directory.Progress, error), clean Handler, now func() time.Time) Handler {
	return first(func(ctx context.Context, inTime func() bool) (more bool, err error) {
		p, err := migrate(ctx, func(directory.Progress) bool { return inTime() })
		if p.Moved+p.Unreadable > 0 || err != nil {
			d.Log.Info("lists of users", "seen", p.Seen, "moved", p.Moved, "unreadable", p.Unreadable, "identifiers of other users", p.Taken, "complete", p.Complete)
		}
		return err == nil && !p.Complete, err
	}, clean, now)
}

// MendFirst returns the handler of the cleanup that first spends at most half of its time on the
// times to live that an earlier release wrote, so that the table deletes no valid record. The next
// run goes on. If this work fails, the cleanup runs all the same.
func (d *Deployment) MendFirst(mend func(context.Context, func(admin.EndsProgress) bool) (admin.EndsProgress, error), clean Handler, now func() time.Time) Handler {
	return first(func(ctx context.Context, inTime func() bool) (more bool, err error) {
		worked := false
		p, err := mend(ctx, func(admin.EndsProgress) bool {
			worked = inTime()
			return worked
		})
		if worked || p.Mended > 0 || err != nil {
			d.Log.Info("times to live", "seen", p.Seen, "mended", p.Mended, "done", p.Done)
		}
		return false, err
	}, clean, now)
}

// first returns the handler that does other work before the cleanup, also when that work fails.
// inTime reports whether more than half of the run's time is left; more asks for another run.
func first(work func(ctx context.Context, inTime func() bool) (more bool, err error), clean Handler, now func() time.Time) Handler {
	return func(ctx context.Context, event json.RawMessage) (admin.CleanupResult, error) {
		if !Scheduled(event) {
			return admin.CleanupResult{}, ErrEvent
		}
		more, failed := work(ctx, untilLeft(ctx, 2, now))
		r, err := clean(ctx, event)
		r.More = r.More || more
		return r, errors.Join(failed, err)
	}
}

// untilLeft returns a function that reports whether more than one part in so many is left of the
// time from now to the deadline of ctx. Without a deadline it always reports true.
func untilLeft(ctx context.Context, parts time.Duration, now func() time.Time) func() bool {
	deadline, ok := ctx.Deadline()
	if !ok {
		return func() bool { return true }
	}
	until := deadline.Add(-deadline.Sub(now()) / parts)
	return func() bool { return now().Before(until) }
}

// Handler is the handler of the scheduled cleanup.
type Handler = func(context.Context, json.RawMessage) (admin.CleanupResult, error)

// Cleanup returns the handler of the scheduled cleanup. A run may stop, fail or overlap with
// another at any point: the next run finds what an earlier one left.
func (d *Deployment) Cleanup(clean func(context.Context, int) (admin.CleanupResult, error), now func() time.Time) Handler {
	return func(ctx context.Context, event json.RawMessage) (admin.CleanupResult, error) {
		var sum admin.CleanupResult
		if !Scheduled(event) {
			return sum, ErrEvent
		}
		inTime := untilLeft(ctx, cleanupSpare, now)
		for {
			r, err := clean(ctx, cleanupBatch)
			sum.Add(r)
			if err != nil {
				return sum, err
			}
			if !r.More || !inTime() {
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
