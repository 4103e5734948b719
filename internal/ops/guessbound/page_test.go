package guessbound_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

var update = flag.Bool("update", false, "rewrite golden files")

var within = fmt.Sprintf("failures in %d days", account.DefaultPolicy().FailureWindow/guessbound.Day)

// policyRows are the rules of a policy, each with its source and with what shows it.
var policyRows = []struct {
	name, source, shown string
	of                  func(account.Policy) any
}{
	{"wrong codes that end one verification", "*ours*; a resend adds none (SP 800-63B-4 3.1.3.2)", "`B01`, `B15`", func(p account.Policy) any { return p.Tries }},
	{"consecutive failures before waits", "*ours*", "`B02`, `B03`, `B04`", func(p account.Policy) any { return p.FreeFailures }},
	{"the wait, doubled by each failure", "SP 800-63B-4 3.2.2: 30 s to 1 h", "`domain.TestConsecutiveFailures`", waits},
	{"consecutive failures before locks", "Clerk's default", "`B07`", func(p account.Policy) any { return p.LockFailures }},
	{"length of a lock", "Clerk's default", "`B07`", func(p account.Policy) any { return p.LockTime }},
	{within + " that stop unknown devices", "*ours*: a patient password thief", "`domain.TestFailureLogStopsUnknownDevicesOnly`, `bruteforce.TestAYearOfGuessing`", func(p account.Policy) any { return p.UnknownDeviceFailures }},
	{within + " that stop known devices too", "*ours*: a thief at the owner's browser", "`domain.TestAStrangerCannotLockTheOwnerOut`, `guessbound.TestTargets`", func(p account.Policy) any { return p.KnownDeviceFailures }},
	{"consecutive failures that disable an authenticator", "SP 800-63B-4 3.2.2", "`domain.TestAHundredFailuresDisableTheAuthenticator`", func(account.Policy) any { return account.FailuresPerFactor }},
	{"wrong first factors that end a remembered device", "*ours*: a thief at a remembered browser", "`domain.TestPasswordsOnARememberedDevice`", func(p account.Policy) any { return guessbound.Passwords(p) }},
	{"authenticator codes valid at a moment", "RFC 6238 5.2", "`L02`, `totp.TestVerifyWindow`", func(p account.Policy) any { return p.TOTP.Codes() }},
}

// waits returns the first wait and the last one before the lock.
func waits(p account.Policy) any {
	longest, _ := p.Wait(p.LockFailures - 1)
	return figure(p.FirstWait) + " to " + figure(longest)
}

// figure returns a number or a duration as the page shows it.
func figure(v any) string {
	d, ok := v.(time.Duration)
	switch {
	case !ok:
		return fmt.Sprint(v)
	case d%time.Hour == 0:
		return fmt.Sprint(int64(d/time.Hour), " h")
	case d%time.Minute == 0:
		return fmt.Sprint(int64(d/time.Minute), " min")
	}
	return fmt.Sprint(int64(d/time.Second), " s")
}

// policyTable returns the table of the policies' rules.
func policyTable() string {
	var b strings.Builder
	b.WriteString("|rule|default|strict|source|shown by|\n|---|---|---|---|---|\n")
	for _, r := range policyRows {
		fmt.Fprintf(&b, "|%s|%v|%v|%s|%s|\n", r.name, figure(r.of(account.DefaultPolicy())), figure(r.of(account.StrictPolicy())), r.source, r.shown)
	}
	return b.String()
}

// chanceTable returns, for each attacker and policy, the number of compared guesses and the chance
// of a right one in a year.
func chanceTable() string {
	var b strings.Builder
	b.WriteString("|attacker|policy|guesses in one verification/day/30 days/year|SMS|authenticator|\n|---|---|---|---|---|\n")
	var greatest []string
	for i, a := range guessbound.Attackers {
		for _, p := range policies() {
			report := guessbound.Compute(p)
			cells, methods := report.Rows[i].Cells, len(report.Methods)
			var guesses []string
			for j := 0; j < len(cells); j += methods {
				guesses = append(guesses, fmt.Sprint(cells[j].Guesses))
			}
			year := cells[len(cells)-methods:]
			fmt.Fprintf(&b, "|%s|%s|%s|%.1e|%.1e|\n", a.Name, p.Name, strings.Join(guesses, "/"), year[0].Chance, year[1].Chance)
			if i == len(guessbound.Attackers)-1 {
				greatest = append(greatest, fmt.Sprintf("* %s: %.2e, target %.0e; backup codes %.0e\n", p.Name, report.Worst, report.Target, year[methods-1].Chance))
			}
		}
	}
	return b.String() + "\nThe greatest chance in a year:\n\n" + strings.Join(greatest, "")
}

// TestPage compares the tables of docs/security/guess-policy.md with the policies and what follows
// from them.
func TestPage(t *testing.T) {
	const file, end = "../../../docs/security/guess-policy.md", "<!-- end -->"
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	page := string(old)
	for begin, table := range map[string]string{"<!-- generated: rules -->\n": policyTable(), "<!-- generated: chances -->\n": chanceTable()} {
		head, rest, ok := strings.Cut(page, begin)
		_, tail, closed := strings.Cut(rest, end)
		if !ok || !closed {
			t.Fatalf("%s has no place for %s", file, begin)
		}
		page = head + begin + table + end + tail
	}
	if *update {
		if err := os.WriteFile(file, []byte(page), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(old), page); diff != "" {
		t.Errorf("%s (-page +computed), run make update:\n%s", file, diff)
	}
}
