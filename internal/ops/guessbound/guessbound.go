// Package guessbound computes how well an [account.Policy] protects: the chance that an attacker
// who knows a user's password guesses the second factor. The chance is the number of guesses that
// are compared, times the chance of each. Both follow from the numbers that the domain enforces.
// Package bruteforce simulates that no more guesses are compared.
package guessbound

import (
	"math"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// Method is a kind of second factor that can be guessed.
type Method struct {
	Name     string           `json:"name"`
	Strategy account.Strategy `json:"strategy"`
	// Live codes out of Space possible ones are right at any moment.
	Live  float64 `json:"live"`
	Space float64 `json:"space"`
}

// Chance returns the chance of one guess.
func (m Method) Chance() float64 { return m.Live / m.Space }

// Methods returns the methods under a policy. Backup codes are the server's own; imported ones are
// as strong as their source made them.
func Methods(p account.Policy) []Method {
	digits := math.Pow10(totp.Digits)
	return []Method{
		{"text message", account.PhoneCode, account.LiveCodes, digits},
		{"authenticator app", account.TOTPCode, float64(p.TOTP.Codes()), digits},
		{"backup code", account.BackupCode, backupcode.Count, math.Exp2(backupcode.Bits)},
	}
}

// Attacker is an attacker who knows the password, and the help that the attacker has.
type Attacker struct {
	Name string `json:"name"`
	// OwnerSignsIn means that the owner signs in every day, which clears consecutive failures.
	OwnerSignsIn bool `json:"helped"`
	// KnownDevice means that guesses come from a browser that passed this user's second factor
	// before: a shared computer or a stolen cookie.
	KnownDevice bool `json:"known"`
}

// Attackers are all attackers of the report.
var Attackers = []Attacker{
	{"owner is away", false, false},
	{"owner signs in daily", true, false},
	{"attacker on a known device", true, true},
}

// Horizon is the time that an attacker guesses for; the zero Time means one verification.
type Horizon struct {
	Name string        `json:"name"`
	Time time.Duration `json:"-"`
}

// Day is 24 hours.
const Day = 24 * time.Hour

// Horizons are all horizons of the report. The target applies to the last one.
var Horizons = []Horizon{{"one verification", 0}, {"a day", Day}, {"30 days", 30 * Day}, {"a year", 365 * Day}}

// Target returns the greatest chance in a year that a policy may allow.
func Target(p account.Policy) float64 {
	if p == account.StrictPolicy() {
		return 2e-4
	}
	return 1e-3
}

// PerWindow returns how many failures the failure log allows in a time. An attacker may fill the
// log at once, and again after each window.
func PerWindow(p account.Policy, a Attacker, d time.Duration) int {
	limit := p.UnknownDeviceFailures
	if a.KnownDevice {
		limit = p.KnownDeviceFailures
	}
	return limit * int((d+p.FailureWindow-1)/p.FailureWindow)
}

// Paced returns how many guesses, at most most, fit into a time with the wait after each failure in
// a row.
func Paced(p account.Policy, d time.Duration, most int) int {
	n := 0
	for at := time.Duration(0); at < d && n < most; n++ {
		wait, _ := p.Wait(n + 1)
		at += wait
	}
	return n
}

// Guesses returns the most guesses with one method that are compared in a time.
func Guesses(p account.Policy, a Attacker, h Horizon) int {
	if h.Time == 0 {
		return min(p.Tries, PerWindow(p, a, 1))
	}
	n := PerWindow(p, a, h.Time)
	if !a.OwnerSignsIn {
		n = min(Paced(p, h.Time, n), account.FailuresPerFactor)
	}
	return n
}

// Passwords returns the most passwords that are compared on a remembered device, after each proof
// of a second factor there, before it asks for a second factor again. Sign-ins of the owner do not
// raise it.
func Passwords(p account.Policy) int { return p.LockFailures }

// Cell is one chance with its computation.
type Cell struct {
	Horizon string  `json:"horizon"`
	Method  string  `json:"method"`
	Guesses int     `json:"guesses"`
	Each    float64 `json:"chance_of_each"`
	Chance  float64 `json:"chance"`
}

// Row holds the results for one attacker.
type Row struct {
	Attacker Attacker `json:"attacker"`
	Cells    []Cell   `json:"chances"`
}

// Rules are a policy in JSON.
type Rules struct {
	Name                  string `json:"name"`
	Tries                 int    `json:"tries_of_a_verification"`
	FreeFailures          int    `json:"failures_in_a_row_without_wait"`
	FirstWait             int    `json:"first_wait_seconds"`
	LongestWait           int    `json:"longest_wait_seconds"`
	LockFailures          int    `json:"failures_in_a_row_before_lock"`
	LockTime              int    `json:"lock_seconds"`
	UnknownDeviceFailures int    `json:"failures_unknown_devices"`
	KnownDeviceFailures   int    `json:"failures_all_devices"`
	WindowDays            int    `json:"failure_window_days"`
	FactorFailures        int    `json:"failures_in_a_row_of_an_authenticator"`
	TOTPCodes             int    `json:"codes_of_an_app_at_a_moment"`
	RememberedDevice      int    `json:"first_factors_on_a_remembered_device"`
}

func rules(p account.Policy) Rules {
	return Rules{
		p.Name, p.Tries, p.FreeFailures, int(p.FirstWait.Seconds()), int(p.LongestWait.Seconds()), p.LockFailures, int(p.LockTime.Seconds()),
		p.UnknownDeviceFailures, p.KnownDeviceFailures, int(p.FailureWindow / Day), account.FailuresPerFactor, p.TOTP.Codes(), Passwords(p),
	}
}

// Report holds the results for one policy.
type Report struct {
	policy  account.Policy
	Rules   Rules    `json:"policy"`
	Methods []Method `json:"methods"`
	Rows    []Row    `json:"attackers"`
	// Target is the greatest chance in a year that the policy may allow.
	Target float64 `json:"target"`
	// Worst is the greatest chance of a year; Met says whether it is within the target.
	Worst float64 `json:"worst"`
	Met   bool    `json:"met"`
}

// Compute returns a policy's report. A chance is the sum over the guesses (the union bound): never
// below the true chance, and above it by less than its square.
func Compute(p account.Policy) Report {
	r := Report{policy: p, Rules: rules(p), Methods: Methods(p), Target: Target(p)}
	for _, a := range Attackers {
		row := Row{Attacker: a}
		for _, h := range Horizons {
			for _, m := range r.Methods {
				n := Guesses(p, a, h)
				c := Cell{h.Name, m.Name, n, m.Chance(), min(1, float64(n)*m.Chance())}
				row.Cells = append(row.Cells, c)
				r.Worst = max(r.Worst, c.Chance)
			}
		}
		r.Rows = append(r.Rows, row)
	}
	r.Met = r.Worst <= r.Target
	return r
}
