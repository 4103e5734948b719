package takeover

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/countersign-mfa/countersign/test/browser"
)

// story is a journey in words. Secrets and ids have short names, such as app 1 or session 2.
type story struct {
	lines []string
	same  int    // repetitions of the last line
	key   string // the last line without its code
	known map[string]string
	count map[string]int
}

func newStory() *story { return &story{known: map[string]string{}, count: map[string]int{}} }

func (s *story) addLine(line string) {
	key := codeOf.ReplaceAllString(line, "code")
	if n := len(s.lines); n > 0 && key == s.key {
		s.same++
		s.lines[n-1] = fmt.Sprintf("%s And %d times more.", strings.Split(s.lines[n-1], " And ")[0], s.same)
		return
	}
	s.lines, s.key, s.same = append(s.lines, line), key, 0
}

var codeOf = regexp.MustCompile(`code \S+`)

func (s *story) wait(d time.Duration) { s.addLine(fmt.Sprintf("%v pass.", d)) }

func (s *story) add(p *person, format string, args ...any) {
	s.addLine(upper(names[p.role]) + " " + fmt.Sprintf(format, args...) + ".")
}

func upper(text string) string {
	r := []rune(text)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

// name returns the short name of a value of a kind.
func (s *story) name(kind, text string) string {
	if text == "" {
		return "none"
	}
	if s.known[text] == "" {
		s.count[kind]++
		s.known[text] = fmt.Sprintf("%s %d", kind, s.count[kind])
	}
	return s.known[text]
}

func (s *story) argument(name, value string) string {
	for prefix, kind := range map[string]string{"sess_": "session", "sia_": "sign-in", "idn_": "number", "user_": "user", "passkey_": "passkey"} {
		if strings.HasPrefix(value, prefix) {
			return s.name(kind, value)
		}
	}
	switch name {
	case "password":
		return s.name("password", value)
	case "ticket":
		return s.name("ticket", value)
	case "public_key_credential":
		return s.name("answer", value)
	}
	return name + " " + value
}

// request adds a request with its answer.
func (s *story) request(p *person, step Step, r *request, a browser.Answer, said facts) {
	var b strings.Builder
	b.WriteString(upper(names[p.role]))
	if p.role != admin {
		fmt.Fprintf(&b, ", browser %d", step.Tab%tabsEach+1)
	}
	if step.Behind {
		b.WriteString(", at the function whose clock is behind")
	}
	fmt.Fprintf(&b, ": %s", lower(r.op.Summary))
	var given []string
	for _, name := range slices.Sorted(maps.Keys(r.given)) {
		if name != "user_id" && r.given[name] != "" {
			given = append(given, s.argument(name, r.given[name]))
		}
	}
	if r.app != "" {
		given = append(given, "of "+s.name("app", r.app))
	}
	if len(given) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(given, ", "))
	}
	if !a.OK() {
		fmt.Fprintf(&b, " -> %d %s", a.Status, a.Code())
	} else {
		fmt.Fprintf(&b, " -> %d", a.Status)
	}
	if said.secret != "" {
		fmt.Fprintf(&b, ", is shown the secret of %s", s.name("app", said.secret))
	}
	for _, si := range said.signIns {
		if si.session != "" {
			fmt.Fprintf(&b, ", is in %s", s.name("session", si.session))
		}
	}
	seen := map[string]bool{}
	for _, tk := range said.tokens {
		if !seen[tk.Session] {
			fmt.Fprintf(&b, ", token of %s: %s, fva %v", s.name("session", tk.Session), tk.Status, tk.Ages)
		}
		seen[tk.Session] = true
	}
	b.WriteString(".")
	s.addLine(b.String())
}

func lower(text string) string {
	r := []rune(text)
	if len(r) > 1 && unicode.IsUpper(r[0]) && !unicode.IsUpper(r[1]) {
		r[0] = unicode.ToLower(r[0])
	}
	return string(r)
}

// String returns the numbered lines.
func (s *story) String() string {
	var b strings.Builder
	for i, line := range s.lines {
		fmt.Fprintf(&b, "%3d. %s\n", i+1, line)
	}
	return b.String()
}
