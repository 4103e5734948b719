// Package attack attacks a deployment from outside, over HTTP, with throw-away users that it
// creates and deletes through the Backend API. Every attack is a named probe. It says what is
// tried, what must be true, and which requirements of OWASP ASVS 5.0 and NIST SP 800-63B-4 it
// tests.
package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
)

// Config says what to attack.
type Config struct {
	URL       string
	SecretKey secret.Value
	Now       func() time.Time
	Out       io.Writer
	// Only selects probes by name or class letter; empty means all.
	Only []string
	// Found is called with the result of each probe when the probe ends. It may be nil.
	Found func(Result)
}

// need is a feature of the target that a probe requires.
type need uint

const (
	// outbox is the development server's list of sent SMS.
	outbox need = 1 << iota
	// moving is the rest of the development features: a clock that can be moved, sessions that can
	// be aged, open endpoints.
	moving
	// unlimited means that limits per address are off. They would answer before the limit that
	// the probe tests.
	unlimited
)

// Probe is one attack.
type Probe struct {
	// Name is the class letter and the number of the attack.
	Name string
	// Tries says what the attacker does; Must says what has to be true then.
	Tries, Must string
	// ASVS and NIST are the requirements of OWASP ASVS 5.0 and the section of SP 800-63B-4.
	ASVS, NIST string
	// After names the products in which this attack has worked.
	After string

	needs need
	run   func(*trial)
}

// Is reports whether a word is the probe's name or its class letter.
func (p Probe) Is(word string) bool { return word == p.Name || word == p.Name[:1] }

// Outcomes of a probe.
const (
	Passed  = "passed"
	Failed  = "failed"
	Skipped = "skipped"
	// NotRun means that the attack could not be prepared, which says nothing of the deployment.
	NotRun = "not run"
)

// Result is what a probe found.
type Result struct {
	Probe
	Outcome string
	Detail  string
	Took    time.Duration
}

// Report is what a run found.
type Report struct {
	URL     string
	At      time.Time
	Results []Result
}

// Count returns how many probes had an outcome.
func (r Report) Count(outcome string) int {
	n := 0
	for _, one := range r.Results {
		if one.Outcome == outcome {
			n++
		}
	}
	return n
}

// Errors of a run.
var (
	ErrFailed  = errors.New("the deployment is open to an attack")
	ErrNothing = errors.New("nothing was tried: every probe was skipped")
	ErrNotRun  = errors.New("could not be prepared; the others found no weakness")
)

// Probes returns all probes, in order.
func Probes() []Probe {
	return slices.Concat(onceProbes(), ticketProbes(), guessLimitProbes(), viewerProbes(), lockProbes(), smsProbes(), ownerProbes(), factorProbes(), authorityProbes(), sessionProbes(), tokenProbes(),
		originProbes(), bodyProbes(), pathProbes(), wireProbes(), pageProbes(), momentProbes(), answerProbes(), boundProbes(), passkeyProbes(), recoveryProbes())
}

// Run attacks the target. The error is ErrFailed, ErrNotRun or ErrNothing, or says why the target
// cannot be attacked at all.
func Run(ctx context.Context, c Config) (Report, error) {
	report := Report{URL: c.URL, At: c.Now().UTC()}
	t, err := aim(ctx, c)
	if err != nil {
		return report, err
	}
	_, _ = fmt.Fprintf(c.Out, "attacking %s (development server: %v, limits per address: %v, guess policy: %s)\n\n", c.URL, t.development, t.limited, t.policy.Name)
	for _, p := range Probes() {
		if len(c.Only) > 0 && !slices.ContainsFunc(c.Only, p.Is) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return report, fmt.Errorf("interrupted: %w", err)
		}
		r := t.attempt(ctx, p)
		report.Results = append(report.Results, r)
		_, _ = fmt.Fprintln(c.Out, line(r))
		if c.Found != nil {
			c.Found(r)
		}
	}
	err = t.restore(ctx)
	_, _ = fmt.Fprintf(c.Out, "\n%d passed, %d failed, %d not run, %d skipped\n", report.Count(Passed), report.Count(Failed), report.Count(NotRun), report.Count(Skipped))
	switch {
	case report.Count(Failed) > 0:
		err = errors.Join(ErrFailed, err)
	case report.Count(NotRun) > 0:
		err = errors.Join(fmt.Errorf("probes that %w: %d", ErrNotRun, report.Count(NotRun)), err)
	case report.Count(Passed) == 0:
		err = errors.Join(ErrNothing, err)
	}
	return report, err
}

// lacks returns the needs of a probe that the target does not meet.
func (t *target) lacks(n need) string {
	var out []string
	if n&outbox != 0 && !t.development {
		out = append(out, "SMS cannot be read here: only a development server has an outbox")
	}
	if n&moving != 0 && !t.development {
		out = append(out, "only a development server has endpoints that move the clock and age sessions")
	}
	if n&unlimited != 0 && t.limited {
		out = append(out, "the limits per address answer first: switch ip_limits off for the time of the attack")
	}
	return strings.Join(out, "; ")
}

// finding is the panic that ends a probe that found a weakness, so that a probe reads as a list of
// steps.
type finding string

// unprepared is the panic that ends a probe whose attack could not be prepared.
type unprepared string

// attempt runs one probe, and always deletes its users.
func (t *target) attempt(ctx context.Context, p Probe) (r Result) {
	r = Result{Probe: p, Outcome: Passed}
	if why := t.lacks(p.needs); why != "" {
		r.Outcome, r.Detail = Skipped, why
		return r
	}
	began := t.Now()
	one := &trial{target: t, ctx: ctx, name: p.Name}
	defer func() {
		r.Took = t.Now().Sub(began)
		switch found := recover().(type) {
		case nil:
		case finding:
			r.Outcome, r.Detail = Failed, string(found)
		case unprepared:
			r.Outcome, r.Detail = NotRun, string(found)
		default:
			panic(found)
		}
		if err := one.forget(); err != nil && r.Outcome == Passed {
			r.Outcome, r.Detail = Failed, "a throw-away user could not be deleted: "+err.Error()
		}
	}()
	p.run(one)
	return r
}
