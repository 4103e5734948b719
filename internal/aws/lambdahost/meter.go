package lambdahost

import (
	"context"
	"log/slog"
	"time"
)

// Namespace holds the metrics that functions emit.
const Namespace = "Countersign"

// MetricDimension distinguishes deployments; its value is the table's name.
const MetricDimension = "Table"

// reasonDimension divides a metric that has reasons. The metric without it is the sum.
const reasonDimension = "Reason"

// Meter makes metrics in CloudWatch's embedded metric format: attributes of a log line, which need
// no request and no permission.
type Meter struct {
	log   *slog.Logger
	table string
	now   func() time.Time
}

// NewMeter returns a meter for the deployment with this table.
func NewMeter(log *slog.Logger, table string, now func() time.Time) *Meter {
	return &Meter{log: log, table: table, now: now}
}

// Value is what a log line adds to a metric.
type Value struct {
	Metric string
	Number float64
}

// Attrs returns the attributes that make a log line count for metrics.
func (m *Meter) Attrs(values ...Value) []slog.Attr {
	return m.attrs([][]string{{MetricDimension}}, values)
}

func (m *Meter) attrs(dimensions [][]string, values []Value) []slog.Attr {
	metrics := make([]any, 0, len(values))
	attrs := make([]slog.Attr, 0, len(values)+2)
	for _, v := range values {
		metrics = append(metrics, map[string]string{"Name": v.Metric})
		attrs = append(attrs, slog.Float64(v.Metric, v.Number))
	}
	return append(attrs,
		slog.Any("_aws", map[string]any{
			"Timestamp":         m.now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{"Namespace": Namespace, "Dimensions": dimensions, "Metrics": metrics}},
		}),
		slog.String(MetricDimension, m.table))
}

// CountBy writes a log line that adds value to a metric and to the part of it that has a reason.
func (m *Meter) CountBy(name string, value float64, reason string) {
	attrs := m.attrs([][]string{{MetricDimension}, {MetricDimension, reasonDimension}}, []Value{{name, value}})
	m.log.LogAttrs(context.Background(), slog.LevelInfo, "metric", append(attrs, slog.String(reasonDimension, reason))...)
}

// Count writes a log line that adds value to a metric.
func (m *Meter) Count(name string, value float64) { m.Add(Value{name, value}) }

// Add writes a log line that adds values to metrics.
func (m *Meter) Add(values ...Value) {
	m.log.LogAttrs(context.Background(), slog.LevelInfo, "metric", m.Attrs(values...)...)
}
