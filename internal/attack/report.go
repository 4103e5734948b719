package attack

import (
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"time"
)

// line is a result for the terminal. A probe that was left out is as loud as one that failed.
func line(r Result) string {
	word := map[string]string{Passed: "ok     ", Failed: "FAILED ", Skipped: "SKIPPED"}[r.Outcome]
	s := fmt.Sprintf("%s %-5s %s", word, r.Name, r.Tries)
	if r.Detail != "" {
		s += "\n              " + r.Detail
	}
	return s
}

type suite struct {
	XMLName  xml.Name `xml:"testsuite"`
	Name     string   `xml:"name,attr"`
	At       string   `xml:"timestamp,attr"`
	Tests    int      `xml:"tests,attr"`
	Failures int      `xml:"failures,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Cases    []testCase
}

type testCase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *note    `xml:"failure,omitempty"`
	Skipped *note    `xml:"skipped,omitempty"`
}

type note struct {
	Message string `xml:"message,attr"`
}

// JUnit writes the report as XML that build servers read.
func (r Report) JUnit(w io.Writer) error {
	s := suite{Name: "countersign attack " + r.URL, At: r.At.Format(time.RFC3339), Tests: len(r.Results), Failures: r.Count(Failed), Skipped: r.Count(Skipped)}
	for _, one := range r.Results {
		c := testCase{Class: "attack." + one.Name[:1], Name: one.Name + " " + one.Tries, Time: fmt.Sprintf("%.3f", one.Took.Seconds())}
		switch one.Outcome {
		case Failed:
			c.Failure = &note{one.Detail}
		case Skipped:
			c.Skipped = &note{one.Detail}
		}
		s.Cases = append(s.Cases, c)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	return e.Encode(s)
}

var page = template.Must(template.New("report").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Attack on {{.URL}}</title>
<style>
body{font:15px/1.5 system-ui,sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;color:#1c1c1e;background:#fff}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.4rem .6rem;border-bottom:1px solid #ddd}
.passed{color:#0a6b2d}.failed{color:#b00020;font-weight:700}.skipped{color:#8a5a00;font-weight:700}small{color:#555}
</style>
<h1>Attack on {{.URL}}</h1>
<p>{{.At.Format "2 January 2006 15:04:05"}} UTC: <b class="passed">{{.Count "passed"}} passed</b>, <b class="failed">{{.Count "failed"}} failed</b>, <b class="skipped">{{.Count "skipped"}} skipped</b>.
A row of OWASP ASVS 5.0 or NIST SP 800-63B-4 says what the probe is evidence for; a probe alone does not fulfil a requirement.</p>
<table><thead><tr><th>Probe<th>What is tried<th>What must be true<th>ASVS 5.0<th>800-63B-4<th>Result</thead><tbody>
{{range .Results}}<tr><td>{{.Name}}<td>{{.Tries}}{{with .After}}<br><small>This worked against: {{.}}</small>{{end}}<td>{{.Must}}<td>{{.ASVS}}<td>{{.NIST}}<td class="{{.Outcome}}">{{.Outcome}}{{with .Detail}}<br><small>{{.}}</small>{{end}}
{{end}}</tbody></table></html>
`))

// HTML writes the report as one page.
func (r Report) HTML(w io.Writer) error { return page.Execute(w, r) }
