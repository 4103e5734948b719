// Package cloudwatch evaluates metric alarms as AWS documents them, so that a test can ask whether
// an alarm would have gone off. Each rule names its source. Where AWS's documents leave a rule open
// or contradict each other, a [Reading] holds one answer, and a test demands its result under all.
package cloudwatch

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// State is the state of an alarm:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
type State string

// The states of an alarm. A new alarm has too little data.
const (
	OK           State = "OK"
	Alarming     State = "ALARM"
	Insufficient State = "INSUFFICIENT_DATA"
)

// Missing says how an alarm treats missing data.
type Missing string

// The treatments of missing data, in the words of CloudFormation.
const (
	Breaching    Missing = "breaching"
	NotBreaching Missing = "notBreaching"
	Ignore       Missing = "ignore"
	AsMissing    Missing = "missing"
)

// Comparison is the operator between a data point and the threshold.
type Comparison string

// The operators, in the words of CloudFormation.
const (
	Greater Comparison = "GreaterThanThreshold"
	Less    Comparison = "LessThanThreshold"
)

// Query is one entry of an alarm's metrics: a metric, or an expression over the others.
type Query struct {
	ID         string
	Metric     *Metric
	Expression string
	Returned   bool
}

// Alarm is a metric alarm. Period is that of all its metrics, and of a Metrics Insights query.
type Alarm struct {
	Name                string
	Queries             []Query
	Period              time.Duration
	Threshold           float64
	Comparison          Comparison
	Periods, Datapoints int // N and M of "M out of N"
	Missing             Missing
}

// Reading is one answer to each question that AWS's documents leave open.
type Reading struct {
	// Extra is the number of periods that the evaluation range has beyond those that the alarm
	// evaluates: "CloudWatch attempts to retrieve a higher number of data points than the number
	// specified as Evaluation Periods. The exact number … depends on the length of the alarm period"
	// (alarms-and-missing-data.html). Its examples have two.
	Extra int
	// ZeroForMissing: "Missing values in a time series are treated as 0" in arithmetic
	// (using-metric-math.html). Users report that a sum with a missing part has no value.
	ZeroForMissing bool
	// FillsEmpty: FILL gives a value to a series without any data point in the range. The documents
	// are silent; users report both.
	FillsEmpty bool
	// KeepsDynamoDB: "Alarms that evaluate metrics in the AWS/DynamoDB namespace always ignore missing
	// data even if you choose a different option" (PutMetricAlarm). alarms-and-missing-data.html says
	// that this is the default only.
	KeepsDynamoDB bool
}

// Readings returns all combinations.
func Readings() []Reading {
	var all []Reading
	for _, extra := range []int{1, 2, 4} {
		for i := range 8 {
			all = append(all, Reading{Extra: extra, ZeroForMissing: i&1 > 0, FillsEmpty: i&2 > 0, KeepsDynamoDB: i&4 > 0})
		}
	}
	return all
}

var idForm = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)

const (
	day = 24 * time.Hour
	// insightsData bounds a query: "Only the latest 3 hours of data can be used for evaluating the
	// alarm's conditions" (alarm-limits.html).
	insightsData = 3 * time.Hour
	// mostMetrics: "A math expression used for an alarm can include as many as 10 metrics"
	// (alarm-data-queries.html).
	mostMetrics = 10
)

// Check returns an error for an alarm that CloudWatch would refuse. PutMetricAlarm has the limits:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
func (a Alarm) Check() error {
	var wrong []error
	rule := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(a.Name+": "+format, args...))
		}
	}
	returned, metrics, insights := 0, 0, false
	for _, q := range a.Queries {
		rule(idForm.MatchString(q.ID), "%q is no id", q.ID)
		if q.Returned {
			returned++
		}
		if q.Metric != nil {
			metrics++
			rule(q.Metric.Namespace != "" && q.Metric.Name != "", "%s names no metric", q.ID)
			rule(q.Metric.Statistic.valid(), "%s: there is no statistic %s", q.ID, q.Metric.Statistic)
			continue
		}
		if isInsights(q.Expression) {
			insights = true
			_, err := parseInsights(q.Expression)
			rule(err == nil, "%v", err)
			continue
		}
		_, err := parse(q.Expression)
		rule(err == nil, "%v", err)
	}
	rule(returned == 1, "%d queries return data, and an alarm watches one", returned)
	rule(metrics <= mostMetrics, "%d metrics", metrics)
	rule(a.Period >= time.Minute && a.Period%time.Minute == 0, "a period of %v", a.Period)
	rule(a.Datapoints >= 1 && a.Datapoints <= a.Periods, "%d of %d data points", a.Datapoints, a.Periods)
	// "EvaluationPeriods multiplied by Period can't exceed 7 days if Period is at least an hour, and 1
	// day otherwise" (PutMetricAlarm).
	span, most := a.Period*time.Duration(a.Periods), day
	if a.Period >= time.Hour {
		most = 7 * day
	}
	if insights {
		most = insightsData
	}
	rule(span <= most, "it evaluates %v, and %v is the most", span, most)
	return errors.Join(wrong...)
}

// Watch evaluates the alarm at the end of every period from start to end, as a new alarm, and
// returns its states.
func (a Alarm) Watch(d *Data, start, end time.Time, r Reading) ([]State, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	state, all := Insufficient, []State{}
	for now := start.Add(a.Period); !now.After(end); now = now.Add(a.Period) {
		series, err := a.values(d, now, r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.Name, err)
		}
		state = a.together(series, state, r)
		all = append(all, state)
	}
	return all, nil
}

// together returns the state of an alarm with one series, or with several: "The alarm activates
// when any contributor enters the ALARM state" (Create_Metrics_Insights_Alarm.html).
func (a Alarm) together(all []series, before State, r Reading) State {
	if len(all) == 0 {
		return a.judge(nil, before, r)
	}
	result := Insufficient
	for _, s := range all {
		switch a.judge(s, before, r) {
		case Alarming:
			return Alarming
		case OK:
			result = OK
		}
	}
	return result
}

func (a Alarm) breaches(v float64) bool {
	if a.Comparison == Less {
		return v < a.Threshold
	}
	return v > a.Threshold
}

// judge decides the state by the data points found in the evaluation range, the oldest first:
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
// TestMissingData has the tables of that page.
func (a Alarm) judge(found series, before State, r Reading) State {
	real, bad, oldestBad := 0, 0, 0 // oldestBad is an age in periods
	for age := 1; age <= len(found) && real < a.Periods; age++ {
		p := found[len(found)-age]
		if !p.ok {
			continue
		}
		real++
		if a.breaches(p.v) {
			bad++
			oldestBad = age
		}
	}
	filled := a.Periods - real
	treatment := a.Missing
	if r.KeepsDynamoDB && a.ofDynamoDB() {
		treatment = Ignore
	}
	switch {
	case bad >= a.Datapoints, treatment == Breaching && bad+filled >= a.Datapoints:
		return Alarming
	case filled == 0 || treatment == Breaching || treatment == NotBreaching || real > bad:
		return OK
	case treatment == Ignore:
		return before
	// "the alarm always goes into ALARM state when the oldest available breaching datapoint … is at
	// least as old as the value of Datapoints to Alarm, and all other more recent data points are
	// breaching or missing"
	case bad > 0 && oldestBad >= a.Datapoints:
		return Alarming
	}
	return Insufficient
}

func (a Alarm) ofDynamoDB() bool {
	for _, q := range a.Queries {
		if q.Metric != nil && q.Metric.Namespace == "AWS/DynamoDB" || strings.Contains(q.Expression, `"AWS/DynamoDB"`) {
			return true
		}
	}
	return false
}
