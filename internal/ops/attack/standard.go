package attack

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// classes are the titles of the classes, by the first letter of a probe's name.
var classes = map[string]string{
	"A": "Single use", "B": "Guessing", "C": "SMS and phone numbers", "D": "Authorization and order of steps", "E": "Factors and step-up",
	"F": "Sessions, tickets, tokens", "G": "HTTP", "H": "Backend API", "I": "Secrets", "J": "Denial of service", "K": "Deployment", "L": "Time", "M": "Passkeys", "N": "Recovery",
}

// asvsSections are the titles of the sections of OWASP ASVS 5.0 that probes test.
var asvsSections = map[string]string{
	"1.2": "Injection Prevention", "1.5": "Safe Deserialization", "2.2": "Input Validation", "2.3": "Business Logic Security", "2.4": "Anti-automation", "3.3": "Cookie Setup",
	"3.4": "Browser Security Mechanism Headers", "3.5": "Browser Origin Separation", "3.7": "Other Browser Security Considerations", "4.1": "Generic Web Service Security",
	"4.2": "HTTP Message Structure Validation", "6.1": "Authentication Documentation", "6.3": "General Authentication Security", "6.4": "Authentication Factor Lifecycle and Recovery",
	"6.5": "General Multi-factor Authentication Requirements", "6.6": "Out-of-Band Authentication Mechanisms", "7.2": "Fundamental Session Management Security", "7.4": "Session Termination",
	"7.5": "Defenses Against Session Abuse", "8.2": "General Authorization Design", "8.3": "Operation Level Authorization", "9.1": "Token Source and Integrity", "9.2": "Token Content",
	"11.4": "Hashing and Hash-based Functions", "13.2": "Backend Communication Configuration", "13.4": "Unintended Information Leakage", "14.2": "General Data Protection",
	"14.3": "Client-side Data Protection", "15.2": "Security Architecture and Dependencies", "15.3": "Defensive Coding", "15.4": "Safe Concurrency", "16.5": "Error Handling",
}

// nistSections are the titles of the sections of NIST SP 800-63B-4 that probes test.
var nistSections = map[string]string{
	"3.1": "Requirements by Authenticator Type", "3.2": "General Authenticator Requirements", "4.1": "Authenticator Binding", "4.2": "Account Recovery", "5.1": "Session Bindings", "5.2": "Reauthentication",
}

// A Class holds the results for one kind of attack.
type Class struct {
	Letter, Title string
	Results       []Result
}

// Classes returns the results by the letter of their names.
func (r Report) Classes() []Class {
	var out []Class
	for _, one := range r.Results {
		letter := one.Name[:1]
		i := slices.IndexFunc(out, func(c Class) bool { return c.Letter == letter })
		if i < 0 {
			i = len(out)
			out = append(out, Class{Letter: letter, Title: classes[letter]})
		}
		out[i].Results = append(out[i].Results, one)
	}
	slices.SortFunc(out, func(a, b Class) int { return cmp.Compare(a.Letter, b.Letter) })
	for _, c := range out {
		slices.SortStableFunc(c.Results, func(a, b Result) int { return cmp.Compare(a.Name, b.Name) })
	}
	return out
}

// A Requirement is a requirement of a standard with the probes that test it.
type Requirement struct {
	ID      string
	Results []Result
}

// A Section is a section of a standard.
type Section struct {
	Number, Title string
	Requirements  []Requirement
}

// A Standard is a document with requirements.
type Standard struct {
	Name     string
	Sections []Section
}

// Standards returns the results by the requirements that they test.
func (r Report) Standards() []Standard {
	return []Standard{
		{"OWASP ASVS 5.0", r.sections(asvsSections, func(p Probe) string { return p.ASVS })},
		{"NIST SP 800-63B-4", r.sections(nistSections, func(p Probe) string { return p.NIST })},
	}
}

func (r Report) sections(titles map[string]string, rows func(Probe) string) []Section {
	byRow := map[string][]Result{}
	for _, one := range r.Results {
		for row := range strings.SplitSeq(rows(one.Probe), ", ") {
			if row != "" {
				byRow[row] = append(byRow[row], one)
			}
		}
	}
	var out []Section
	for row, results := range byRow {
		number := strings.Join(strings.SplitN(row, ".", 3)[:2], ".")
		i := slices.IndexFunc(out, func(s Section) bool { return s.Number == number })
		if i < 0 {
			i = len(out)
			out = append(out, Section{Number: number, Title: titles[number]})
		}
		out[i].Requirements = append(out[i].Requirements, Requirement{row, results})
	}
	slices.SortFunc(out, func(a, b Section) int { return byNumber(a.Number, b.Number) })
	for _, s := range out {
		slices.SortFunc(s.Requirements, func(a, b Requirement) int { return byNumber(a.ID, b.ID) })
	}
	return out
}

// byNumber orders 6.5.2 before 6.5.10.
func byNumber(a, b string) int {
	numbers := func(s string) []int {
		var out []int
		for part := range strings.SplitSeq(s, ".") {
			n, _ := strconv.Atoi(part)
			out = append(out, n)
		}
		return out
	}
	return slices.Compare(numbers(a), numbers(b))
}
