package attack

import (
	_ "embed" // the page
	"encoding/xml"
	"fmt"
	"html/template"
	"io"
	"strings"
	"time"
)

// line returns a result for the terminal. The words have one width.
func line(r Result) string {
	word := map[string]string{Passed: "ok     ", Failed: "FAILED ", NotRun: "NOT RUN", Skipped: "skipped"}[r.Outcome]
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
	Errors   int      `xml:"errors,attr"`
	Skipped  int      `xml:"skipped,attr"`
	Cases    []testCase
}

type testCase struct {
	XMLName xml.Name `xml:"testcase"`
	Class   string   `xml:"classname,attr"`
	Name    string   `xml:"name,attr"`
	Time    string   `xml:"time,attr"`
	Failure *note    `xml:"failure,omitempty"`
	Error   *note    `xml:"error,omitempty"`
	Skipped *note    `xml:"skipped,omitempty"`
}

type note struct {
	Message string `xml:"message,attr"`
}

// JUnit writes the report as JUnit XML for build servers.
func (r Report) JUnit(w io.Writer) error {
	s := suite{Name: "countersign-tools attack " + r.URL, At: r.At.Format(time.RFC3339), Tests: len(r.Results), Failures: r.Count(Failed), Errors: r.Count(NotRun), Skipped: r.Count(Skipped)}
	for _, one := range r.Results {
		c := testCase{Class: "attack." + one.Name[:1], Name: one.Name + " " + one.Tries, Time: fmt.Sprintf("%.3f", one.Took.Seconds())}
		switch one.Outcome {
		case Failed:
			c.Failure = &note{one.Detail}
		case NotRun:
			c.Error = &note{one.Detail}
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

//go:embed report.html
var reportPage string

var page = template.Must(template.New("report").Parse(reportPage))

// ASVSRows returns the requirements one by one.
func (p Probe) ASVSRows() []string { return strings.Split(p.ASVS, ", ") }

// NISTRows returns the sections one by one.
func (p Probe) NISTRows() []string { return strings.Split(p.NIST, ", ") }

// HTML writes the report as one page.
func (r Report) HTML(w io.Writer) error { return page.Execute(w, r) }
