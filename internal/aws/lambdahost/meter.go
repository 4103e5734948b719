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

// ReasonDimension divides a metric that has reasons. The metric without it is the sum.
const ReasonDimension = "Reason"

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

// Attrs returns the attributes that make a log line count for a metric.
func (m *Meter) Attrs(name string, value float64) []slog.Attr {
	return m.attrs(name, value, []string{MetricDimension})
}

func (m *Meter) attrs(name string, value float64, dimensions ...[]string) []slog.Attr {
	return []slog.Attr{
		slog.Any("_aws", map[string]any{
			"Timestamp": m.now().UnixMilli(),
			"CloudWatchMetrics": []any{map[string]any{
				"Namespace": Namespace, "Dimensions": dimensions, "Metrics": []any{map[string]string{"Name": name}},
			}},
		}),
		slog.String(MetricDimension, m.table), slog.Float64(name, value),
	}
}

// CountBy writes a log line that adds value to a metric and to the part of it that has a reason.
func (m *Meter) CountBy(name string, value float64, reason string) {
	attrs := append(m.attrs(name, value, []string{MetricDimension}, []string{MetricDimension, ReasonDimension}), slog.String(ReasonDimension, reason))
	m.log.LogAttrs(context.Background(), slog.LevelInfo, "metric", attrs...)
}

// Count writes a log line that adds value to a metric.
func (m *Meter) Count(name string, value float64) {
	m.log.LogAttrs(context.Background(), slog.LevelInfo, "metric", m.Attrs(name, value)...)
}
