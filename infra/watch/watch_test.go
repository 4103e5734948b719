package watch

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/countersign-mfa/countersign/test/cloudwatch"
)

const budget = 50.0

// evaluated returns an alarm as CloudWatch has it.
func evaluated(a Alarm) cloudwatch.Alarm {
	out := cloudwatch.Alarm{
		Name: a.Name, Period: a.Period, Threshold: a.Threshold, Comparison: cloudwatch.Greater, Periods: a.Periods, Datapoints: a.Datapoints, Missing: cloudwatch.Missing(a.NoData),
	}
	if a.Under {
		out.Comparison = cloudwatch.Less
	}
	for id, m := range a.Metrics {
		out.Queries = append(out.Queries, cloudwatch.Query{ID: id, Metric: recorded(m), Returned: a.Expression == ""})
	}
	if a.Expression != "" {
		out.Queries = append(out.Queries, cloudwatch.Query{ID: "result", Expression: a.Expression, Returned: true})
	}
	return out
}

func recorded(m Metric) *cloudwatch.Metric {
	return &cloudwatch.Metric{Namespace: m.Namespace, Name: m.Name, Dimensions: m.Dimensions, Statistic: cloudwatch.Statistic(m.Statistic)}
}

// series is a metric with one sample for each period, or none.
type series struct {
	metric Metric
	every  time.Duration
	values []float64
}

const none = -1

// repeat returns a value n times.
func repeat(v float64, n int) []float64 { return slices.Repeat([]float64{v}, n) }

func join(parts ...[]float64) []float64 { return slices.Concat(parts...) }

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func record(all ...series) *cloudwatch.Data {
	d := &cloudwatch.Data{}
	for _, s := range all {
		for i, v := range s.values {
			if v != none {
				d.Add(*recorded(s.metric), noon.Add(time.Duration(i)*s.every+time.Second), v)
			}
		}
	}
	return d
}

// mails returns how often an alarm notifies: on its way into ALARM, and for one that tells silence
// on its way from OK to too little data.
func mails(a Alarm, states []cloudwatch.State) int {
	n, before := 0, cloudwatch.Insufficient
	for _, s := range states {
		if s == cloudwatch.Alarming && before != s || a.NoData == Silence && s == cloudwatch.Insufficient && before == cloudwatch.OK {
			n++
		}
		before = s
	}
	return n
}

func named(t *testing.T, name string) Alarm {
	t.Helper()
	for _, a := range Alarms(budget) {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no alarm %s", name)
	return Alarm{}
}

// TestWouldItHaveRung: each alarm notifies in the stories that it is for, and in no other, in every
// reading of AWS's documents.
func TestWouldItHaveRung(t *testing.T) {
	rung := map[string]bool{}
	for _, s := range stories() {
		a := named(t, s.alarm)
		d := record(s.series...)
		longest := time.Duration(0)
		for _, r := range s.series {
			longest = max(longest, r.every*time.Duration(len(r.values)))
		}
		for _, reading := range cloudwatch.Readings() {
			states, err := evaluated(a).Watch(d, noon, noon.Add(longest+a.Period), reading)
			if err != nil {
				t.Fatal(err)
			}
			if got := mails(a, states) > 0; got != s.notifies {
				t.Errorf("%s, %s: notifies %v, want %v; %v in %+v", s.alarm, s.what, got, s.notifies, states, reading)
				break
			}
		}
		rung[s.alarm] = rung[s.alarm] || s.notifies
	}
	for _, a := range Alarms(budget) {
		if !rung[a.Name] {
			t.Errorf("no story in which %s goes off", a.Name)
		}
	}
}

// TestTheFirstDayIsQuiet: without any data, and with one data point of 0 in each metric, no alarm
// notifies. So a new deployment sends no mail.
func TestTheFirstDayIsQuiet(t *testing.T) {
	for _, a := range Alarms(budget) {
		var firsts []series
		for _, m := range a.Metrics {
			v := 0.0
			if a.Under {
				v = 1
			}
			firsts = append(firsts, series{m, a.Period, []float64{v}})
		}
		for what, d := range map[string]*cloudwatch.Data{"no data": {}, "one data point": record(firsts...)} {
			for _, reading := range cloudwatch.Readings() {
				states, err := evaluated(a).Watch(d, noon, noon.Add(a.Period*time.Duration(a.Periods)), reading)
				if err != nil {
					t.Fatal(err)
				}
				if n := mails(a, states); n > 0 {
					t.Errorf("%s, %s: %d mails: %v", a.Name, what, n, states)
					break
				}
			}
		}
	}
}

// TestAlarmsEnd: when it is over an alarm returns to OK, so the next one is seen. In the strictest
// reading an alarm on DynamoDB may not, because AWS may keep its state without data.
func TestAlarmsEnd(t *testing.T) {
	for _, s := range stories() {
		a := named(t, s.alarm)
		if !s.notifies || a.NoData == Silence {
			continue
		}
		longest := time.Duration(0)
		for _, r := range s.series {
			longest = max(longest, r.every*time.Duration(len(r.values)))
		}
		for _, reading := range cloudwatch.Readings() {
			if reading.KeepsDynamoDB && (!reading.FillsEmpty || a.Metrics == nil) {
				continue
			}
			states, err := evaluated(a).Watch(record(s.series...), noon, noon.Add(longest+12*a.Period), reading)
			if err != nil {
				t.Fatal(err)
			}
			if last := states[len(states)-1]; last != cloudwatch.OK {
				t.Errorf("%s, %s: ends as %s in %+v", s.alarm, s.what, last, reading)
				break
			}
		}
	}
}

// TestAlarmsAreAccepted: CloudWatch accepts each alarm, and no two have one name.
func TestAlarmsAreAccepted(t *testing.T) {
	seen := map[string]bool{}
	for _, a := range Alarms(budget) {
		if err := evaluated(a).Check(); err != nil {
			t.Error(err)
		}
		if seen[a.Name] || a.About == "" || strings.HasSuffix(a.About, ".") {
			t.Errorf("%s: twice, or without a sentence: %q", a.Name, a.About)
		}
		seen[a.Name] = true
	}
}

func runbook(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operate/runbook.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheRunbook has a section for each alarm and no other in an alarm's form, and it names each
// saved query and no other.
func TestTheRunbook(t *testing.T) {
	book := runbook(t)
	sections, used := map[string]bool{}, map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^## ([a-z][a-z0-9-]+)$`).FindAllStringSubmatch(book, -1) {
		sections[m[1]] = true
	}
	for _, a := range Alarms(budget) {
		if !sections[a.In()] {
			t.Errorf("docs/operate/runbook.md has no section %s for %s", a.In(), a.Name)
		}
		used[a.In()] = true
	}
	for name := range sections {
		if !used[name] {
			t.Errorf("docs/operate/runbook.md has a section %s, and no alarm leads there", name)
		}
	}
	saved := map[string]bool{}
	for _, q := range Queries() {
		saved[q.Name] = true
		if !regexp.MustCompile("query\\s`" + q.Name + "`").MatchString(book) {
			t.Errorf("docs/operate/runbook.md does not name the query `%s`", q.Name)
		}
	}
	for _, m := range regexp.MustCompile("query\\s`([^`]+)`").FindAllStringSubmatch(book, -1) {
		if !saved[m[1]] {
			t.Errorf("docs/operate/runbook.md names the query `%s`, which is not saved", m[1])
		}
	}
}

// TestTheDashboard begins with the alarms, explains each row in words, and shows metrics that an
// alarm or a function has. Its expressions are metric math over their metrics.
func TestTheDashboard(t *testing.T) {
	rows := Dashboard(512)
	if !rows[0].Status {
		t.Error("the first row is not the state of the alarms")
	}
	text, err := json.Marshal(rows)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Title == "" || !strings.HasSuffix(row.Text, ".") || row.Status == (len(row.Graphs) > 0) || len(row.Graphs) > 4 {
			t.Errorf("%s: %q, %d graphs", row.Title, row.Text, len(row.Graphs))
		}
		for _, g := range row.Graphs {
			if g.Title == "" || len(g.Metrics) == 0 {
				t.Errorf("%s has an empty graph", row.Title)
			}
			if g.Expression == "" {
				continue
			}
			a := cloudwatch.Alarm{Name: g.Title, Period: time.Hour, Periods: 1, Datapoints: 1, Queries: []cloudwatch.Query{{ID: "x", Expression: g.Expression, Returned: true}}}
			for i, m := range g.Metrics {
				a.Queries = append(a.Queries, cloudwatch.Query{ID: string(rune('a' + i)), Metric: recorded(m)})
			}
			if _, err := a.Watch(&cloudwatch.Data{}, noon, noon.Add(time.Hour), cloudwatch.Reading{}); err != nil {
				t.Error(err)
			}
		}
	}
	for _, q := range []string{"failed-requests", "gateway-errors", "codes"} {
		if !strings.Contains(string(text), q) {
			t.Errorf("no row names the query %s", q)
		}
	}
}
