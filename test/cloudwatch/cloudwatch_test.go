package cloudwatch

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestMissingData has the tables of alarms-and-missing-data.html, the oldest data point first: 0 is
// within the threshold, X is not, - is missing. A state "keep" is the one before. The last rows of
// each table are those of an earlier edition, in the public source of the guide.
func TestMissingData(t *testing.T) {
	for _, c := range []struct {
		points                              string
		m, n                                int
		missing, ignore, breaching, notBrea State
	}{
		{"0 - X - X", 3, 3, OK, OK, OK, OK},
		{"- - - - 0", 3, 3, OK, OK, OK, OK},
		{"- - - - -", 3, 3, Insufficient, "keep", Alarming, OK},
		{"0 X X - X", 3, 3, Alarming, Alarming, Alarming, Alarming},
		{"- - X - -", 3, 3, Alarming, "keep", Alarming, OK},
		{"0 - - - -", 3, 3, OK, OK, OK, OK},
		{"- - - - X", 3, 3, Insufficient, "keep", Alarming, OK},
		{"X - - - -", 3, 3, Alarming, "keep", Alarming, OK},

		{"0 - X - X", 2, 3, Alarming, Alarming, Alarming, Alarming},
		{"0 0 X 0 X", 2, 3, Alarming, Alarming, Alarming, Alarming},
		{"0 - X - -", 2, 3, OK, OK, Alarming, OK},
		{"- - - - 0", 2, 3, OK, OK, Alarming, OK},
		{"- - - X -", 2, 3, Alarming, "keep", Alarming, OK},
		{"- - - - X", 2, 3, Insufficient, "keep", Alarming, OK},
	} {
		var s series
		for _, p := range strings.Fields(c.points) {
			s = append(s, map[string]point{"0": {0, true}, "X": {9, true}}[p])
		}
		for treatment, want := range map[Missing]State{AsMissing: c.missing, Ignore: c.ignore, Breaching: c.breaching, NotBreaching: c.notBrea} {
			a := Alarm{Threshold: 1, Comparison: Greater, Periods: c.n, Datapoints: c.m, Missing: treatment}
			if got := a.judge(s, "keep", Reading{}); got != want {
				t.Errorf("%s, %d of %d, %s: %s, want %s", c.points, c.m, c.n, treatment, got, want)
			}
		}
	}
}

// TestDynamoDBKeepsItsState: in one reading such an alarm stays where it is without data, whatever
// it says of missing data.
func TestDynamoDBKeepsItsState(t *testing.T) {
	a := Alarm{Threshold: 1, Comparison: Greater, Periods: 1, Datapoints: 1, Missing: NotBreaching, Queries: []Query{{ID: "m", Metric: &Metric{Namespace: "AWS/DynamoDB"}}}}
	for keeps, want := range map[bool]State{true: Alarming, false: OK} {
		if got := a.judge(make(series, 3), Alarming, Reading{KeepsDynamoDB: keeps}); got != want {
			t.Errorf("%v: %s, want %s", keeps, got, want)
		}
	}
}

func seriesOf(text string) series {
	var s series
	for _, f := range strings.Fields(text) {
		var p point
		if _, err := fmt.Sscan(f, &p.v); err == nil {
			p.ok = true
		}
		s = append(s, p)
	}
	return s
}

// TestMetricMath has the examples of using-metric-math.html, and both readings of what it leaves
// open.
func TestMetricMath(t *testing.T) {
	env := map[string]series{
		"m1": seriesOf("30 20 0 0"), "m2": seriesOf("20 - 20 -"), "none": seriesOf("- - - -"),
		"c": seriesOf("1 1 0 0 -")[:4], "a": seriesOf("30 - 0 0"), "b": seriesOf("0 0 20 -"),
	}
	for _, c := range []struct{ expression, strict, lenient string }{
		{"m1 < m2", "0 0 1 0", "0 0 1 0"},
		{"m1 >= 30", "1 0 0 0", "1 0 0 0"},
		{"m1 > 15 && m2 > 15", "1 0 0 0", "1 0 0 0"},
		{"IF(c, a, b)", "30 0 20 -", "30 0 20 -"},
		{"IF(c, 5, b)", "5 5 20 -", "5 5 20 -"},
		{"IF(c, a, 5)", "30 0 5 5", "30 0 5 5"},
		{"m1+m2", "50 - 20 -", "50 20 20 0"},
		{"m1/m2", "1.5 - 0 -", "1.5 - 0 -"},
		{"100*m1", "3000 2000 0 0", "3000 2000 0 0"},
		{"FILL(m2, 7)", "20 7 20 7", "20 7 20 7"},
		{"FILL(none, 7)", "- - - -", "7 7 7 7"},
		{"m1+FILL(none, 0)", "- - - -", "30 20 0 0"},
	} {
		for lenient, want := range map[bool]string{false: c.strict, true: c.lenient} {
			got, err := environment{env, 4, Reading{ZeroForMissing: lenient, FillsEmpty: lenient}}.eval(c.expression)
			if err != nil || fmt.Sprint(got) != fmt.Sprint(seriesOf(want)) {
				t.Errorf("%s, lenient %v: %v (%v), want %s", c.expression, lenient, got, err, want)
			}
		}
	}
	for _, wrong := range []string{"1", "MAX([m1,1])", "SUM(m1)", `SEARCH("x")`, "m3", "m1 +", "FILL(1, 0)", "IF(1, m1, m2)", "m1 % m2", "FILL(m1)"} {
		if got, err := (environment{env, 4, Reading{}}).eval(wrong); err == nil {
			t.Errorf("%s is %v", wrong, got)
		}
	}
}

var noon = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

// TestStatistics: a period's samples become one value, and a period without samples has none.
func TestStatistics(t *testing.T) {
	d := &Data{}
	m := Metric{Namespace: "X", Name: "y", Dimensions: map[string]string{"a": "1", "b": "2"}}
	for i, v := range []float64{1, 2, 3, 10} {
		d.Add(m, noon.Add(time.Duration(i)*time.Minute), v)
	}
	for statistic, want := range map[Statistic]string{"Sum": "- 16 -", "Maximum": "- 10 -", "Minimum": "- 1 -", "Average": "- 4 -", "SampleCount": "- 4 -", "p50": "- 2 -", "p99": "- 10 -"} {
		m.Statistic = statistic
		if got := d.series(m, noon.Add(10*time.Minute), 5*time.Minute, 3); fmt.Sprint(got) != fmt.Sprint(seriesOf(want)) {
			t.Errorf("%s: %v, want %s", statistic, got, want)
		}
	}
	m.Dimensions = map[string]string{"a": "1"}
	if got := d.series(m, noon.Add(10*time.Minute), 5*time.Minute, 3); !got.empty() {
		t.Errorf("fewer dimensions are another metric: %v", got)
	}
}

// TestInsights: a query has a series for each group with data, and with a schema only of metrics
// with exactly its dimensions.
func TestInsights(t *testing.T) {
	d := &Data{}
	add := func(v float64, dimensions map[string]string) {
		d.Add(Metric{Namespace: "N", Name: "e", Dimensions: dimensions}, noon.Add(-time.Minute), v)
	}
	add(1, map[string]string{"Api": "x", "Route": "a"})
	add(2, map[string]string{"Api": "x", "Route": "b"})
	add(4, map[string]string{"Api": "y", "Route": "a"})
	add(8, map[string]string{"Api": "x"})
	for text, want := range map[string]string{
		`SELECT SUM(e) FROM SCHEMA("N", Api, Route) WHERE Api = 'x'`:                                    "[[{3 true}]]",
		`SELECT SUM(e) FROM SCHEMA("N", Api, Route) WHERE Api = 'x' GROUP BY Route ORDER BY SUM() DESC`: "[[{1 true}] [{2 true}]]",
		`SELECT SUM(e) FROM N WHERE Api = 'x'`:                                                          "[[{11 true}]]",
		`SELECT SUM(e) FROM SCHEMA(N, Api)`:                                                             "[[{8 true}]]",
		`SELECT SUM(e) FROM SCHEMA(N, Api) WHERE Api = 'z'`:                                             "[]",
	} {
		in, err := parseInsights(text)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		if got := fmt.Sprint(in.run(d, noon, 5*time.Minute, 1)); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for _, wrong := range []string{
		`SELECT e FROM N`, `SELECT SUM(e) FROM N WHERE Api LIKE 'x'`, `SELECT SUM(e) FROM N WHERE Api = 'x' GROUP BY Api`, `SELECT SUM(e) FROM A/B`, `SELECT SUM(e) FROM SCHEMA(N, Api) WHERE Route = 'x'`, `SELECT SUM(e) FROM SCHEMA(N, Api) WHERE Api LIKE 'x%'`,
		`SELECT SUM(e) FROM SCHEMA(N, Api) GROUP BY Api`, `SELECT SUM(e) FROM SCHEMA(N, Api) GROUP BY Route ORDER BY SUM()`,
	} {
		if _, err := parseInsights(wrong); err == nil {
			t.Errorf("a query: %s", wrong)
		}
	}
}

// TestCheck: alarms that CloudWatch refuses.
func TestCheck(t *testing.T) {
	m := &Metric{Namespace: "N", Name: "m", Statistic: "Sum"}
	good := Alarm{Name: "a", Queries: []Query{{ID: "m", Metric: m, Returned: true}}, Period: time.Hour, Periods: 3, Datapoints: 3, Comparison: Greater, Missing: NotBreaching}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Alarm){
		"nothing returned": func(a *Alarm) { a.Queries = []Query{{ID: "m", Metric: m}} },
		"a capital id":     func(a *Alarm) { a.Queries = []Query{{ID: "M", Metric: m, Returned: true}} },
		"no such statistic": func(a *Alarm) {
			a.Queries = []Query{{ID: "m", Metric: &Metric{Namespace: "N", Name: "m", Statistic: "Total"}, Returned: true}}
		},
		"half a minute":         func(a *Alarm) { a.Period = 30 * time.Second },
		"more of fewer":         func(a *Alarm) { a.Datapoints = 4 },
		"eight days":            func(a *Alarm) { a.Period = day; a.Periods = 8 },
		"a day of five minutes": func(a *Alarm) { a.Period = 5 * time.Minute; a.Periods = 289 },
		"four hours of a query": func(a *Alarm) {
			a.Periods = 4
			a.Queries[0] = Query{ID: "q", Expression: "SELECT SUM(e) FROM SCHEMA(N, Api)", Returned: true}
		},
		"a broken expression": func(a *Alarm) { a.Queries = append(a.Queries[:0:0], Query{ID: "q", Expression: "m +", Returned: true}) },
		"a query that is broken": func(a *Alarm) {
			a.Queries = append(a.Queries[:0:0], Query{ID: "q", Expression: "SELECT m", Returned: true})
		},
	} {
		a := good
		a.Queries = append([]Query(nil), good.Queries...)
		change(&a)
		if a.Check() == nil {
			t.Errorf("%s: accepted", name)
		}
		if _, err := a.Watch(&Data{}, noon, noon.Add(time.Hour), Reading{}); err == nil {
			t.Errorf("%s: evaluated", name)
		}
	}
}

// TestLog: an embedded metric becomes a sample of its metric; other lines become nothing.
func TestLog(t *testing.T) {
	d := &Data{}
	line := `{"_aws":{"Timestamp":1795867200000,"CloudWatchMetrics":[{"Namespace":"N","Dimensions":[["Table"]],"Metrics":[{"Name":"a"},{"Name":"b"}]}]},"Table":"t","a":1,"b":0}`
	if err := d.Log("plain text\n{\"msg\":\"x\"}\n" + line + "\n"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"a": "[{1 true}]", "b": "[{0 true}]", "c": "[{0 false}]"} {
		m := Metric{Namespace: "N", Name: name, Dimensions: map[string]string{"Table": "t"}, Statistic: "Sum"}
		if got := fmt.Sprint(d.series(m, time.UnixMilli(1795867200001), time.Minute, 1)); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	for _, wrong := range []string{strings.Replace(line, `"Table":"t"`, `"Table":1`, 1), strings.Replace(line, `"a":1`, `"a":"1"`, 1), strings.Replace(line, "1795867200000", `"now"`, 1)} {
		if d.Log(wrong) == nil {
			t.Errorf("taken: %s", wrong)
		}
	}
}
