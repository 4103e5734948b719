package deliver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
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
		none  bool
		err   error
		// counts are the metrics of the run: failed tries, targets given up, whether due deliveries are
		// left.
		counts string
	}{
		"nothing to do":            {event: input, want: 1, none: true},
		"several batches":          {event: input, left: 5, want: 6, counts: `"WebhooksFailed":6,"WebhooksGivenUp":12,"WebhooksLeft":0`},
		"half of the time is left": {event: input, left: 100, takes: 10 * time.Second, want: 5, counts: `"WebhooksFailed":5,"WebhooksGivenUp":10,"WebhooksLeft":1`},
		"the store is away":        {event: input, left: 3, fails: broken, want: 1, err: broken, counts: `"WebhooksFailed":1,"WebhooksGivenUp":2,"WebhooksLeft":1`},
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
				if c.none {
					return webhook.DeliveryResult{}, nil
				}
				return webhook.DeliveryResult{Found: 1, Delivered: 2, Failed: 1, GivenUp: 2, More: runs <= c.left}, c.fails
			}
			var lines bytes.Buffer
			log := slog.New(slog.NewJSONHandler(&lines, nil))
			d := &lambdahost.Deployment{Log: log, Meter: lambdahost.NewMeter(log, "table", time.Now)}
			r, err := deliver.Handler(d, run, func() time.Time { return now })(ctx, json.RawMessage(c.event))
			found := c.want
			if c.none {
				found = 0
			}
			if !errors.Is(err, c.err) || runs != c.want || r.Found != found || r.Delivered != 2*found {
				t.Errorf("%d batches, %+v, %v; want %d, %v", runs, r, err, c.want, c.err)
			}
			if c.counts == "" && lines.Len() > 0 || !strings.Contains(lines.String(), c.counts) {
				t.Errorf("the log is %s, want %q", lines.String(), c.counts)
			}
		})
	}
}
