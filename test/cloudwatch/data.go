package cloudwatch

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Statistic is how the samples of a period become one value.
type Statistic string

var percentile = regexp.MustCompile(`^p([0-9]{1,2}(\.[0-9]+)?)$`)

func (s Statistic) valid() bool {
	return slices.Contains([]Statistic{"Sum", "Maximum", "Minimum", "Average", "SampleCount"}, s) || percentile.MatchString(string(s))
}

// of returns the statistic of one or more samples.
func (s Statistic) of(samples []float64) float64 {
	sum := 0.0
	for _, v := range samples {
		sum += v
	}
	switch s {
	case "Maximum":
		return slices.Max(samples)
	case "Minimum":
		return slices.Min(samples)
	case "Average":
		return sum / float64(len(samples))
	case "SampleCount":
		return float64(len(samples))
	}
	if m := percentile.FindStringSubmatch(string(s)); m != nil {
		p, _ := strconv.ParseFloat(m[1], 64)
		sorted := slices.Sorted(slices.Values(samples))
		return sorted[max(int(math.Ceil(p/100*float64(len(sorted))))-1, 0)]
	}
	return sum
}

// Metric names a metric: a namespace, a name, and exactly these dimensions. A metric with other
// dimensions is another one:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
type Metric struct {
	Namespace, Name string
	Dimensions      map[string]string
	Statistic       Statistic
}

func (m Metric) key() string {
	var b strings.Builder
	b.WriteString(m.Namespace + "/" + m.Name)
	for _, name := range slices.Sorted(maps.Keys(m.Dimensions)) {
		b.WriteString("\x00" + name + "=" + m.Dimensions[name])
	}
	return b.String()
}

type sample struct {
	at time.Time
	v  float64
}

type recorded struct {
	metric  Metric
	samples []sample
}

// Data holds metrics with their samples. The zero value is empty.
type Data struct{ all map[string]*recorded }

// Add adds a sample to a metric.
func (d *Data) Add(m Metric, at time.Time, v float64) {
	if d.all == nil {
		d.all = map[string]*recorded{}
	}
	key := m.key()
	if d.all[key] == nil {
		d.all[key] = &recorded{metric: m}
	}
	d.all[key].samples = append(d.all[key].samples, sample{at, v})
}

// Log adds the metrics of log lines in the embedded metric format (the page
// CloudWatch_Embedded_Metric_Format_Specification.html of the guide). Other lines add nothing. A
// line whose metrics CloudWatch would drop is an error.
func (d *Data) Log(lines string) error {
	for line := range strings.Lines(lines) {
		var root map[string]any
		if json.Unmarshal([]byte(line), &root) != nil || root["_aws"] == nil {
			continue
		}
		var embedded struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []struct {
					Namespace  string
					Dimensions [][]string
					Metrics    []struct{ Name string }
				}
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(line), &embedded); err != nil {
			return fmt.Errorf("%s: %w", line, err)
		}
		for _, directive := range embedded.AWS.CloudWatchMetrics {
			for _, names := range directive.Dimensions {
				if err := d.embedded(root, directive.Namespace, names, directive.Metrics, time.UnixMilli(embedded.AWS.Timestamp)); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (d *Data) embedded(root map[string]any, namespace string, names []string, metrics []struct{ Name string }, at time.Time) error {
	of := map[string]string{}
	for _, name := range names {
		text, ok := root[name].(string)
		if !ok {
			return fmt.Errorf("the dimension %s is no text of the line", name)
		}
		of[name] = text
	}
	for _, m := range metrics {
		v, ok := root[m.Name].(float64)
		if !ok {
			return fmt.Errorf("the metric %s is no number of the line", m.Name)
		}
		d.Add(Metric{Namespace: namespace, Name: m.Name, Dimensions: of}, at, v)
	}
	return nil
}

// point is one data point, or none.
type point struct {
	v  float64
	ok bool
}

type series []point

func (s series) empty() bool { return !slices.ContainsFunc(s, func(p point) bool { return p.ok }) }

// series returns the last n periods of a metric before now.
func (d *Data) series(m Metric, now time.Time, period time.Duration, n int) series {
	found := d.all[m.key()]
	if found == nil {
		return make(series, n)
	}
	return points(found.samples, m.Statistic, now, period, n)
}

func points(samples []sample, of Statistic, now time.Time, period time.Duration, n int) series {
	buckets := make([][]float64, n)
	for _, s := range samples {
		if ago := now.Sub(s.at); ago > 0 && ago <= period*time.Duration(n) {
			i := n - 1 - int((ago-1)/period)
			buckets[i] = append(buckets[i], s.v)
		}
	}
	out := make(series, n)
	for i, b := range buckets {
		if len(b) > 0 {
			out[i] = point{of.of(b), true}
		}
	}
	return out
}

// values returns the alarm's series over the evaluation range that ends now: one, or those of a
// Metrics Insights query.
func (a Alarm) values(d *Data, now time.Time, r Reading) ([]series, error) {
	n := a.Periods + r.Extra
	env := environment{named: map[string]series{}, n: n, reading: r}
	for _, q := range a.Queries {
		if q.Metric != nil {
			env.named[q.ID] = d.series(*q.Metric, now, a.Period, n)
		}
	}
	for _, q := range a.Queries {
		if !q.Returned {
			continue
		}
		switch {
		case q.Metric != nil:
			return []series{env.named[q.ID]}, nil
		case isInsights(q.Expression):
			in, err := parseInsights(q.Expression)
			if err != nil {
				return nil, err
			}
			return in.run(d, now, a.Period, min(n, int(insightsData/a.Period))), nil
		}
		s, err := env.eval(q.Expression)
		return []series{s}, err
	}
	return nil, fmt.Errorf("nothing is returned")
}
