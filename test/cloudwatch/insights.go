package cloudwatch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// insights is a Metrics Insights query of the form
//
//	SELECT SUM(name) FROM SCHEMA("namespace", Dimension, …)
//	WHERE Dimension = 'value' AND … GROUP BY Dimension ORDER BY SUM() DESC
//
// or of the form
//
//	SELECT SUM(name) FROM "namespace" WHERE Dimension = 'value' AND …
//
// which "matches all … metrics in the … namespace, no matter their dimensions"
// (the page cloudwatch-metrics-insights-querylanguage.html of the guide). WHERE knows no pattern,
// so no query selects the functions of one stack by their names' beginning.
type insights struct {
	statistic       Statistic
	name, namespace string
	dimensions      []string // exactly these, because SCHEMA matches no others; nil without SCHEMA
	where           map[string]string
	by              string
}

var (
	plainForm    = regexp.MustCompile(`^SELECT SUM\((\w+)\) FROM ("[^"]+"|\w+)(?: WHERE (.+))?$`)
	insightsForm = regexp.MustCompile(`^SELECT (SUM|MAX|MIN|AVG|COUNT)\((\w+)\) FROM SCHEMA\(("[^"]+"|\w+)((?:, \w+)+)\)(?: WHERE (.+?))?(?: GROUP BY (\w+))?(?: ORDER BY (SUM|MAX|MIN|AVG|COUNT)\(\)(?: DESC| ASC)?)?$`)
	conditionOf  = regexp.MustCompile(`^(\w+) = '([^']*)'$`)
)

func isInsights(expression string) bool { return strings.HasPrefix(expression, "SELECT ") }

func parseInsights(text string) (insights, error) {
	if m := plainForm.FindStringSubmatch(text); m != nil && !strings.Contains(m[3], " BY ") {
		in := insights{statistic: "Sum", name: m[1], namespace: strings.Trim(m[2], `"`), where: map[string]string{}}
		return in, in.conditions(m[3])
	}
	m := insightsForm.FindStringSubmatch(text)
	if m == nil {
		return insights{}, fmt.Errorf("not a query: %s", text)
	}
	in := insights{
		statistic: map[string]Statistic{"SUM": "Sum", "MAX": "Maximum", "MIN": "Minimum", "AVG": "Average", "COUNT": "SampleCount"}[m[1]],
		name:      m[2], namespace: strings.Trim(m[3], `"`), dimensions: strings.Split(strings.TrimPrefix(m[4], ", "), ", "), where: map[string]string{}, by: m[6],
	}
	if err := in.conditions(m[5]); err != nil {
		return insights{}, err
	}
	if in.by != "" && !slices.Contains(in.dimensions, in.by) {
		return insights{}, fmt.Errorf("%s is not in the schema", in.by)
	}
	// "When creating multi-time series alarms, you must include two key clauses": GROUP BY and ORDER
	// BY (Create_Metrics_Insights_Alarm.html).
	if (in.by == "") != (m[7] == "") {
		return insights{}, fmt.Errorf("GROUP BY needs ORDER BY: %s", text)
	}
	return in, nil
}

// conditions reads the conditions of WHERE.
func (in insights) conditions(text string) error {
	for _, text := range strings.Split(text, " AND ") {
		if text == "" {
			break
		}
		c := conditionOf.FindStringSubmatch(text)
		if c == nil || in.dimensions != nil && !slices.Contains(in.dimensions, c[1]) {
			return fmt.Errorf("not a condition of the schema: %s", text)
		}
		in.where[c[1]] = c[2]
	}
	return nil
}

// run returns a series for each group that has data.
func (in insights) run(d *Data, now time.Time, period time.Duration, n int) []series {
	groups, order := map[string][]sample{}, []string{}
	for _, r := range d.all {
		if r.metric.Namespace != in.namespace || r.metric.Name != in.name || !in.selects(r.metric.Dimensions) {
			continue
		}
		group := r.metric.Dimensions[in.by]
		if groups[group] == nil {
			order = append(order, group)
		}
		groups[group] = append(groups[group], r.samples...)
	}
	slices.Sort(order)
	var all []series
	for _, group := range order {
		if s := points(groups[group], in.statistic, now, period, n); !s.empty() {
			all = append(all, s)
		}
	}
	return all
}

func (in insights) selects(dimensions map[string]string) bool {
	if in.dimensions == nil {
		for name, want := range in.where {
			if dimensions[name] != want {
				return false
			}
		}
		return true
	}
	if len(dimensions) != len(in.dimensions) {
		return false
	}
	for _, name := range in.dimensions {
		value, ok := dimensions[name]
		if want, bound := in.where[name]; !ok || bound && want != value {
			return false
		}
	}
	return true
}
