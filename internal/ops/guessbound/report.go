package guessbound

import (
	"bytes"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// String returns the report as text, with the arithmetic.
func (r Report) String() string {
	var b bytes.Buffer
	p := r.policy
	longest, _ := p.Wait(p.LockFailures - 1)
	fmt.Fprintf(&b, "Policy %q\n\n", p.Name)
	columns(&b, 2, [][]string{
		{fmt.Sprint(p.Tries), "wrong tries end a verification: a sign-in or a step-up, whatever the methods"},
		{fmt.Sprint(p.FreeFailures), fmt.Sprintf("failures in a row, and every later one, cost a wait: %s, doubling up to %s", span(p.FirstWait), span(longest))},
		{fmt.Sprint(p.LockFailures), fmt.Sprintf("failures in a row, and every later one, lock for %s", span(p.LockTime))},
		{fmt.Sprint(p.UnknownDeviceFailures), fmt.Sprintf("failures in %s end the guesses of clients that never passed", span(p.FailureWindow))},
		{fmt.Sprint(p.KnownDeviceFailures), fmt.Sprintf("failures in %s end the guesses of all clients", span(p.FailureWindow))},
		{fmt.Sprint(account.FailuresPerFactor), "failures in a row disable an authenticator until it is bound again"},
		{fmt.Sprint(p.TOTP.Codes()), "codes of an app are good at a moment"},
		{fmt.Sprint(Passwords(p)), "wrong first factors on a remembered device end it"},
	})
	fmt.Fprint(&b, "\nOne guess is right with the chance\n\n")
	heads, each := []string{"within"}, [][]string{}
	for _, m := range r.Methods {
		heads = append(heads, m.Name)
		each = append(each, []string{m.Name, fmt.Sprintf("%.0f of %.0f", m.Live, m.Space), "= " + chance(m.Chance())})
	}
	columns(&b, 2, each)
	fmt.Fprint(&b, "\nAn attacker who knows the password succeeds with the chance (guesses × chance of each)\n")
	for _, row := range r.Rows {
		fmt.Fprintf(&b, "\n  %s\n\n", row.Attacker.Name)
		lines := [][]string{heads}
		for i, c := range row.Cells {
			if i%len(r.Methods) == 0 {
				lines = append(lines, []string{c.Horizon})
			}
			last := &lines[len(lines)-1]
			*last = append(*last, fmt.Sprintf("%d × %s = %s", c.Guesses, chance(c.Each), chance(c.Chance)))
		}
		columns(&b, 3, lines)
	}
	verdict := "met"
	if !r.Met {
		verdict = "MISSED"
	}
	fmt.Fprintf(&b, "\nThe greatest is %s a year, the target at most %s: %s.\n", chance(r.Worst), chance(r.Target), verdict)
	fmt.Fprintf(&b, "An administrator's unlock or a new password clears the failure log: up to %d more guesses each.\n", p.KnownDeviceFailures)
	return b.String()
}

// columns writes aligned lines.
func columns(b *bytes.Buffer, gap int, lines [][]string) {
	w := tabwriter.NewWriter(b, 0, 0, gap, ' ', 0)
	for _, line := range lines {
		_, _ = w.Write([]byte("  " + strings.Join(line, "\t") + "\n")) // a buffer does not fail
	}
	_ = w.Flush()
}

func chance(c float64) string { return strings.Replace(fmt.Sprintf("%.2e", c), "e-0", "e-", 1) }

// span returns a duration in its largest whole unit.
func span(d time.Duration) string {
	switch {
	case d >= 2*Day && d%Day == 0:
		return fmt.Sprintf("%d days", d/Day)
	case d == time.Hour:
		return "an hour"
	case d%time.Minute == 0:
		return fmt.Sprintf("%d min", d/time.Minute)
	}
	return fmt.Sprintf("%d s", d/time.Second)
}
