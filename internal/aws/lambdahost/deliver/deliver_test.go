package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/aws/lambdahost/deliver"
	"github.com/countersign-mfa/countersign/internal/domain/webhook"
)

func TestHandler(t *testing.T) {
	const input = `{"scheduled_time":"2026-11-24T13:00:00Z","execution_id":"1","attempt":"1"}`
	broken := errors.New("store away")
	for name, c := range map[string]struct {
		event string
		left  int           // batches in the store
		takes time.Duration // for each batch
		fails error
		want  int // batches delivered
		err   error
	}{
		"nothing to do":            {event: input, want: 1},
		"several batches":          {event: input, left: 5, want: 6},
		"half of the time is left": {event: input, left: 100, takes: 10 * time.Second, want: 5},
		"the store is away":        {event: input, left: 3, fails: broken, want: 1, err: broken},
		"an unknown event":         {event: `{"hello":"world"}`, err: lambdahost.ErrEvent},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), now.Add(100*time.Second))
			defer cancel()
			runs := 0
			run := func(context.Context, int) (webhook.DeliveryResult, error) {
				now = now.Add(c.takes)
				runs++
				return webhook.DeliveryResult{Found: 1, Delivered: 2, More: runs <= c.left}, c.fails
			}
			d := &lambdahost.Deployment{Log: slog.New(slog.DiscardHandler)}
			r, err := deliver.Handler(d, run, func() time.Time { return now })(ctx, json.RawMessage(c.event))
			if !errors.Is(err, c.err) || runs != c.want || r.Found != c.want || r.Delivered != 2*c.want {
				t.Errorf("%d batches, %+v, %v; want %d, %v", runs, r, err, c.want, c.err)
			}
		})
	}
}
