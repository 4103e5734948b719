package lambdahost

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Namespace holds the metrics that functions emit.
const Namespace = "Countersign"

// MetricDimension tells deployments apart: its value is the table's name.
const MetricDimension = "Table"

// Meter writes metrics as lines of CloudWatch's embedded metric format, which need no request and no permission. It is safe for concurrent use.
type Meter struct {
	mu    sync.Mutex
	to    io.Writer
	table string
	now   func() time.Time
}

// NewMeter returns a meter that writes to the function's log.
func NewMeter(to io.Writer, table string, now func() time.Time) *Meter {
	return &Meter{to: to, table: table, now: now}
}

// Count adds to a metric.
func (m *Meter) Count(name string, value float64) {
	line, err := json.Marshal(map[string]any{
		"_aws": map[string]any{
			"Timestamp": m.now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": Namespace, "Dimensions": [][]string{{MetricDimension}}, "Metrics": []any{map[string]string{"Name": name}},
			}},
		},
		MetricDimension: m.table, name: value,
	})
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	_, _ = m.to.Write(append(line, '\n')) // nobody is left to tell when the log cannot be written
}
