package lambdahost_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/directory"
)

// TestTheCleanupPutsUsersIntoListsFirst: a run of the cleanup spends half of its time on users of
// an earlier release, says when more are left, and cleans whatever becomes of that.
func TestTheCleanupPutsUsersIntoListsFirst(t *testing.T) {
	broken := errors.New("store away")
	for name, c := range map[string]struct {
		event   string
		batches int
		fails   error
		moved   int
		cleaned bool
		more    bool
		err     error
	}{
		"all users are in the lists": {`{"execution_id":"1"}`, 0, nil, 0, true, false, nil},
		"some are not":               {`{"execution_id":"1"}`, 3, nil, 3, true, false, nil},
		"too many for one run":       {`{"execution_id":"1"}`, 100, nil, 5, true, true, nil},
		"the store is away":          {`{"execution_id":"1"}`, 3, broken, 0, true, false, broken},
		"an event of another form":   {`{}`, 3, nil, 0, false, false, lambdahost.ErrEvent},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), now.Add(100*time.Second))
			defer cancel()
			moved, cleaned := 0, false
			migrate := func(_ context.Context, more func(directory.Progress) bool) (directory.Progress, error) {
				for moved < c.batches && c.fails == nil && more(directory.Progress{}) {
					now = now.Add(10 * time.Second)
					moved++
				}
				return directory.Progress{Moved: moved, Complete: moved == c.batches}, c.fails
			}
			clean := func(context.Context, json.RawMessage) (admin.CleanupResult, error) {
				cleaned = true
				return admin.CleanupResult{}, nil
			}
			d := &lambdahost.Deployment{Log: slog.New(slog.DiscardHandler)}
			r, err := d.MigrateFirst(migrate, clean, func() time.Time { return now })(ctx, json.RawMessage(c.event))
			if moved != c.moved || cleaned != c.cleaned || r.More != c.more || !errors.Is(err, c.err) {
				t.Errorf("moved %d, cleaned %v, more %v, %v; want %+v", moved, cleaned, r.More, err, c)
			}
		})
	}
}

// TestTheCleanupMendsRecordsFirst: a run of the cleanup spends half of its time on records of an
// earlier release, and cleans whatever becomes of that.
func TestTheCleanupMendsRecordsFirst(t *testing.T) {
	broken := errors.New("store away")
	for name, c := range map[string]struct {
		event   string
		batches int
		fails   error
		mended  int
		cleaned bool
		err     error
	}{
		"all are mended":           {`{"execution_id":"1"}`, 0, nil, 0, true, nil},
		"some are not":             {`{"execution_id":"1"}`, 3, nil, 3, true, nil},
		"too many for one run":     {`{"execution_id":"1"}`, 100, nil, 5, true, nil},
		"the store is away":        {`{"execution_id":"1"}`, 3, broken, 0, true, broken},
		"an event of another form": {`{}`, 3, nil, 0, false, lambdahost.ErrEvent},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), now.Add(100*time.Second))
			defer cancel()
			mended, cleaned := 0, false
			mend := func(_ context.Context, more func(admin.EndsProgress) bool) (admin.EndsProgress, error) {
				for mended < c.batches && c.fails == nil && more(admin.EndsProgress{}) {
					now = now.Add(10 * time.Second)
					mended++
				}
				return admin.EndsProgress{Mended: mended}, c.fails
			}
			clean := func(context.Context, json.RawMessage) (admin.CleanupResult, error) {
				cleaned = true
				return admin.CleanupResult{}, nil
			}
			d := &lambdahost.Deployment{Log: slog.New(slog.DiscardHandler)}
			_, err := d.MendFirst(mend, clean, func() time.Time { return now })(ctx, json.RawMessage(c.event))
			if mended != c.mended || cleaned != c.cleaned || !errors.Is(err, c.err) {
				t.Errorf("mended %d, cleaned %v, %v; want %+v", mended, cleaned, err, c)
			}
		})
	}
}
