package lambdalocal_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/countersign-mfa/countersign/infra/cost"
	"github.com/countersign-mfa/countersign/infra/plan"
)

// bill computes the months of docs/operate/cost.md from what a test measured.
type bill struct {
	testing.TB
	cost.Template
	operations map[string]measured
	log        string
}

func newBill(t *testing.T, operations map[string]measured, log string) *bill {
	t.Helper()
	files, err := filepath.Glob("../../infra/testdata/*.golden.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no template: %v", err)
	}
	var texts [][]byte
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	template, err := cost.ReadTemplate(texts...)
	if err != nil {
		t.Fatal(err)
	}
	return &bill{t, template, operations, log}
}

// Assumptions that no test can measure. They stand in docs/operate/cost.md.
const (
	tableMillis = 5    // one request to the table, from a function
	ownMillis   = 2    // the function's own work
	userBytes   = 3500 // of a user in the table: countersign-tools scale, a million users
	users       = 10_000
)

// operation returns the use of an operation.
func (b *bill) operation(name string) cost.Use {
	m, ok := b.operations[name]
	if !ok {
		b.Fatalf("%s was not measured", name)
	}
	use := cost.Lambda(b.MemoryMB, float64(ownMillis+tableMillis*(m.reads+m.writes)))
	return use.Plus(1, cost.Use{cost.Read: m.read, cost.Write: m.written, cost.Text: float64(m.messages)})
}

// request returns the use of an operation that a client calls through the gateway, with its two log
// lines.
func (b *bill) request(name string) cost.Use {
	function, _, _ := strings.Cut(name, ",")
	use := b.operation(name).Plus(1, cost.Use{cost.Request: 1, cost.Transfer: cost.GB(float64(b.operations[name].answer))})
	return use.Plus(1, cost.Logged(2, float64(b.line(function)+b.access())))
}

// line returns the length of the longest log line of a function's right answer. The name of a table
// in AWS is longer than here.
func (b *bill) line(function string) int {
	const tableName = len("countersign-data-Table710B521B-") + 13
	longest := 0
	for line := range strings.Lines(b.log) {
		if !strings.Contains(line, `"operation":"`+function+`"`) || !strings.Contains(line, `"status":200`) {
			continue
		}
		if m := tableField.FindStringSubmatch(line); m != nil {
			line = strings.Replace(line, m[1], strings.Repeat("x", tableName), 1)
		}
		// The time here depends on the load of this machine; in AWS it has five digits.
		line = timeField.ReplaceAllString(line, fmt.Sprintf(`"us":%d`, 1000*(ownMillis+2*tableMillis)))
		longest = max(longest, len(line))
	}
	if longest == 0 {
		b.Errorf("the log has no line of %s", function)
	}
	return longest
}

var (
	tableField = regexp.MustCompile(`"Table":"([^"]*)"`)
	timeField  = regexp.MustCompile(`"us":\d+`)
	variable   = regexp.MustCompile(`\$context\.[A-Za-z.]+`)
)

// access returns the length of a line of the gateway's log. Variables without a value are a hyphen.
func (b *bill) access() int {
	values := map[string]string{
		"$context.requestId": "JKJaXmPLvHcESHA=", "$context.requestTimeEpoch": "1795836677770", "$context.routeKey": "POST /v1/users/{user_id}/verify_totp",
		"$context.status": "200", "$context.responseLatency": "14", "$context.integrationLatency": "12", "$context.identity.sourceIp": "203.0.113.10",
	}
	return len(variable.ReplaceAllStringFunc(b.AccessLog, func(name string) string {
		if v := values[name]; v != "" {
			return v
		}
		return "-"
	}))
}

// fixed returns the use of an idle month: what the template has, and the scheduled runs. An
// environment of the cleanup asks for the table's key again after five idle minutes
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html).
func (b *bill) fixed() cost.Use {
	use := cost.Use{}.Plus(1, b.Fixed)
	for logical, n := range b.Runs {
		use = use.Plus(n, cost.Use{cost.Schedule: 1})
		switch {
		case strings.HasPrefix(logical, "Cleanup"):
			use = use.Plus(n, b.operation("cleanup, idle")).Plus(n, cost.Use{cost.KeyRequest: 1})
		case strings.HasPrefix(logical, "EventsDeliver"):
			use = use.Plus(n, b.operation("events-deliver, idle"))
		default: // keys-rotate, once a day
			use = use.Plus(n, cost.Lambda(b.MemoryMB, 1000)).Plus(n, cost.Use{cost.KeyRequest: 1})
		}
	}
	return use
}

// counted returns the use of statistics-count in a month in which notes come all the time.
func (b *bill) counted() cost.Use {
	return cost.Use{}.Plus(cost.Month/b.BatchSeconds, b.operation("statistics-count, a batch")).Plus(1, cost.Use{cost.Metric: 2})
}

// month is a column of the table.
type month struct {
	name string
	use  cost.Use
	// traced is the number of requests that X-Ray may trace.
	traced float64
}

const (
	checks = "user-totp-verify, app code"
	// tokens is the number of session tokens of a month: the users' tabs are open for 8 hours on 22
	// days, and clerk-js renews the token every 50 s.
	tokens = users * 22 * 8 * 60 * 60 / 50
	texts  = 10_000
)

func (b *bill) months() []month {
	stored := cost.Stored(users * userBytes)
	check, token := b.request(checks), b.request("session-token-create")
	text := b.request("me-phone-number-prepare").Plus(1, b.request("me-phone-number-attempt"))
	return []month{
		{"idle", b.fixed(), b.fixed()[cost.Invocation]},
		{"a million checks", b.counted().Plus(1e6, check).Plus(1, stored), 1e6},
		{"100 million checks", b.counted().Plus(100e6, check).Plus(1, stored), 100e6},
		{"10,000 open tabs", token.Plus(tokens-1, token).Plus(1, stored), tokens},
		{"10,000 texts", b.counted().Plus(texts, text).Plus(1, stored), 2 * texts},
	}
}

// table returns the table of the months, a row for each price. It fails where a million checks cost
// more than they may.
func (b *bill) table() string {
	const most = 2.40
	each := b.request(checks).Plus(1e6-1, b.request(checks))
	if got := each.Total(); got > most {
		b.Errorf("a million checks cost $%.4f, and may cost $%.2f", got, most)
	}
	if token := b.operations["session-token-create"]; token.reads != 1 || token.read > 2 || token.writes != 0 {
		b.Errorf("a session token costs %d requests and %g units to read, and %d writes", token.reads, token.read, token.writes)
	}
	months := b.months()
	var out strings.Builder
	head, rule := "|dollars a month|", "|---|"
	for _, m := range months {
		head, rule = head+m.name+"|", rule+"--:|"
	}
	out.WriteString(head + "each million checks|\n" + rule + "--:|\n")
	for _, p := range cost.Prices() {
		fmt.Fprintf(&out, "|%s|", p.What)
		for _, m := range months {
			use := m.use
			if p == cost.Trace {
				use = cost.Traced(m.traced)
			}
			fmt.Fprintf(&out, "%s|", dollars(use.Dollars(p)))
		}
		if p == cost.Trace {
			out.WriteString("|\n")
			continue
		}
		fmt.Fprintf(&out, "%s|\n", dollars(each.Dollars(p)))
	}
	out.WriteString("|**all, without X-Ray**|")
	for _, m := range months {
		fmt.Fprintf(&out, "**$%.2f**|", m.use.Total())
	}
	fmt.Fprintf(&out, "**$%.2f**|\n", each.Total())
	warm := cost.Lambda(b.MemoryMB, ownMillis).Plus(1, cost.Use{cost.Schedule: 1})
	warm = cost.Use{}.Plus(float64(len(plan.SignIn))*cost.Month/(5*60), warm)
	rotated := cost.Use{cost.Key: b.Fixed[cost.Key]}
	fmt.Fprintf(&out, "\n`keep_warm: true` adds $%.2f. KMS rotates the keys each year: the first two rotations each add\n$%.2f a month.\n", warm.Total(), rotated.Total())
	edge, edgeRequests := cost.Edge()
	fmt.Fprintf(&out, "CloudFront with WAF (`edge`) adds $%.2f, and $%.2f for each million requests.\n", edge.Total(), edgeRequests.Total())
	return out.String()
}

// dollars returns an amount to the cent; less than half a cent is empty.
func dollars(amount float64) string {
	if amount < 0.005 {
		return ""
	}
	return fmt.Sprintf("%.2f", amount)
}
