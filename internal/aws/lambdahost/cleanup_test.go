package lambdahost_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/internal/aws/lambdahost"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
)

func TestCleanup(t *testing.T) {
	const input, rule = `{"scheduled_time":"2026-11-24T13:00:00Z","execution_id":"1","attempt":"1"}`, `{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`
	broken := errors.New("store away")
	for name, c := range map[string]struct {
		event string
		left  int           // batches in the store
		takes time.Duration // for each batch
		fails error
		want  int // batches cleaned
		err   error
		more  bool
		odd   int // records in each batch that cannot be read
		// behind is the metric of the run's log.
		behind string
	}{
		"nothing to do":               {event: input, want: 1},
		"what a rule sends":           {event: rule, left: 2, want: 3},
		"several batches":             {event: input, left: 5, want: 6},
		"a fifth of the time is left": {event: input, left: 100, takes: 10 * time.Second, want: 8, more: true, behind: `"CleanupBehindSeconds":7200`},
		"the store is away":           {event: input, left: 3, fails: broken, want: 1, err: broken},
		"records of another form":     {event: input, left: 2, odd: 1, want: 3, err: lambdahost.ErrUnreadable},
		"an event of another form":    {event: `{"hello":"world"}`, err: lambdahost.ErrEvent},
		"no JSON":                     {event: `x`, err: lambdahost.ErrEvent},
	} {
		t.Run(name, func(t *testing.T) {
			now := time.Now()
			ctx, cancel := context.WithDeadline(t.Context(), now.Add(100*time.Second))
			defer cancel()
			cleaned := 0
			clean := func(context.Context, int) (admin.CleanupResult, error) {
				now = now.Add(c.takes)
				cleaned++
				r := admin.CleanupResult{Found: 1, Changed: 2, Deleted: 3, Unreadable: c.odd, More: cleaned <= c.left}
				if r.More {
					r.Behind = 2 * time.Hour
				}
				return r, c.fails
			}
			var lines bytes.Buffer
			log := slog.New(slog.NewJSONHandler(&lines, nil))
			d := &lambdahost.Deployment{Log: log, Meter: lambdahost.NewMeter(log, "table", time.Now)}
			r, err := d.Cleanup(clean, func() time.Time { return now })(ctx, json.RawMessage(c.event))
			if !errors.Is(err, c.err) || cleaned != c.want || r.Found != c.want || r.Changed != 2*c.want || r.Deleted != 3*c.want || r.Unreadable != c.odd*c.want || (err == nil && r.More != c.more) {
				t.Errorf("%d batches, %+v, %v; want %d, more %v, %v", cleaned, r, err, c.want, c.more, c.err)
			}
			if metric := cmp.Or(c.behind, `"CleanupBehindSeconds":0`); c.err == nil && !strings.Contains(lines.String(), metric) {
				t.Errorf("the log has no %s: %s", metric, lines.String())
			}
		})
	}
}

// TestMeter: the line has the form from which CloudWatch makes a metric (Embedded Metric Format
// specification).
func TestMeter(t *testing.T) {
	var out bytes.Buffer
	m := lambdahost.NewMeter(slog.New(slog.NewJSONHandler(&out, nil)), "table", func() time.Time { return time.UnixMilli(1795525445000) })
	m.Count("CodesVerified", 2)
	var line struct {
		AWS struct {
			Timestamp         int64
			CloudWatchMetrics []struct {
				Namespace  string
				Dimensions [][]string
				Metrics    []struct{ Name string }
			}
		} `json:"_aws"`
		Table         string
		CodesVerified float64
	}
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatal(err)
	}
	metric := line.AWS.CloudWatchMetrics[0]
	if line.AWS.Timestamp != 1795525445000 || metric.Namespace != "Countersign" || metric.Dimensions[0][0] != "Table" || metric.Metrics[0].Name != "CodesVerified" ||
		line.Table != "table" || line.CodesVerified != 2 {
		t.Errorf("%s", out.Bytes())
	}
}
