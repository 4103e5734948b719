package lincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/backupcode"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// accountModel models a user with every factor, and one sign-in of that user that waits for the
// second factor.
type accountModel struct {
	signedIn bool
	ended    bool // the sign-in ended, because the factors changed after its first factor

	// code is the code of the sign-in, and older the one that it replaced. "?" is a code that was
	// stored and never sent.
	code, older                       string
	tries                             int
	issued, codeEnds, olderEnds, sent time.Duration

	app      bool
	lastStep int64

	set  int // the set of backup codes
	used uint32

	wrong int // incorrect codes in the sign-in, by all methods

	// failures counts consecutive failures, charged those since the last unlock: a history is shorter
	// than the 30 days of the failure log.
	failures, charged      int
	wait, locked, byAnyone time.Duration // the ends of these periods
}

// since converts a time to one that the model can keep: comparable, and greater than zero even
// after the clock went back. Zero means never.
func since(at time.Time) time.Duration { return at.Sub(began.Add(-1000 * time.Hour)) }

// refuses says whether every guess is refused without a comparison.
func (a *accountModel) refuses(now time.Duration) bool {
	return a.byAnyone > now || a.locked > now || a.wait > now
}

func (a *accountModel) fail(now time.Duration) Answer {
	a.failures++
	a.charged++
	switch {
	case a.failures >= 10:
		a.wait, a.locked = 0, now+time.Hour
	case a.failures >= 5:
		a.wait = now + 30*time.Second<<(a.failures-5)
	}
	return Answer{Verdict: Wrong}
}

func (a *accountModel) clear() Answer {
	a.failures, a.wait, a.locked = 0, 0, 0
	return Answer{Verdict: Granted}
}

// The operations on an account.
const (
	prepare  = "prepare"
	text     = "text message"
	appHere  = "app, in the sign-in"
	appThere = "app, by the server"
	backup   = "backup code"
	replace  = "new backup codes"
	remove   = "remove the app"
	lock     = "lock"
	unlock   = "unlock"
	left     = "attempts left"
)

const (
	signInLife = time.Hour
	codeLife   = 10 * time.Minute
	coolDown   = 30 * time.Second
	repeated   = 5 * time.Minute // how long a resend repeats a code
	codeTries  = 5
	skew       = 30 * time.Second // a time further in the future is not accepted
)

// accountStep applies an operation to the model.
func accountStep(p *person, before any, in Input, at time.Time, given Answer) (Answer, any) {
	a, now := before.(accountModel), since(at)
	waiting := !a.signedIn && !a.ended && now < since(began)+signInLife && now >= since(began)-skew
	var answer Answer
	switch in.Op {
	case prepare:
		answer = a.prepare(waiting, now, given)
	case text:
		answer = a.text(waiting, in.Arg, now)
	case appHere, appThere:
		answer = a.totp(p, in, waiting, at)
	case backup:
		answer = a.backup(p, in, now)
	case replace:
		a.set, a.used, a.ended = int(in.N), 0, true
		answer = Answer{Verdict: Granted}
	case remove:
		answer = Answer{Verdict: Closed}
		if a.app {
			answer.Verdict, a.ended = Granted, true
		}
		a.app = false
	case lock:
		a.byAnyone = now + time.Hour
		answer = Answer{Verdict: Granted}
	case unlock:
		a.byAnyone, a.charged = 0, 0
		answer = a.clear()
	case left:
		answer = Answer{Granted, fmt.Sprint(max(0, min(10-a.failures, 20-a.charged)))}
	}
	if answer.Verdict == Closed && given.Verdict == Wait && a.refuses(now) && readsTwoRecords(in.Op) {
		answer.Verdict = Wait
	}
	return answer, a
}

// readsTwoRecords reports whether an operation reads the sign-in and the user. A store may read
// them at two moments, so of two refusals either may be answered.
func readsTwoRecords(op string) bool { return op == prepare || op == text || op == appHere }

func (a *accountModel) prepare(waiting bool, now time.Duration, given Answer) Answer {
	live := a.code != "" && a.codeEnds > now
	switch {
	case !waiting, a.wrong >= codeTries:
		return Answer{Verdict: Closed}
	case a.refuses(now):
		return Answer{Verdict: Wait}
	case live && a.tries >= codeTries:
		return Answer{Verdict: Closed}
	case now < a.sent+coolDown && live && a.sent <= now+skew:
		return Answer{Verdict: Granted} // the code is on its way
	case now < a.sent+coolDown:
		return Answer{Verdict: Cool}
	}
	if !live {
		a.tries = 0
	}
	usable := live && a.sent <= now+skew
	switch {
	case usable && now < a.issued+repeated:
	case usable:
		a.code, a.older, a.olderEnds, a.issued, a.codeEnds = "?", a.code, a.codeEnds, now, now+codeLife
	default:
		a.code, a.older, a.olderEnds, a.issued, a.codeEnds = "?", "", 0, now, now+codeLife
	}
	a.sent = now
	if a.code == "?" && given.Value != "" {
		a.code = given.Value
	}
	return Answer{Granted, a.code}
}

func (a *accountModel) text(waiting bool, code string, now time.Duration) Answer {
	switch {
	case !waiting, a.wrong >= codeTries:
		return Answer{Verdict: Closed}
	case a.refuses(now):
		return Answer{Verdict: Wait}
	case a.code == "" || a.tries >= codeTries || a.codeEnds <= now || a.sent > now+skew:
		return Answer{Verdict: Closed}
	case a.code != code && (a.older != code || a.olderEnds <= now):
		a.tries++
		a.wrong++
		return a.fail(now)
	}
	a.code, a.older, a.tries, a.signedIn = "", "", 0, true
	return a.clear()
}

func (a *accountModel) totp(p *person, in Input, waiting bool, at time.Time) Answer {
	now := since(at)
	switch {
	case in.Op == appHere && (!waiting || a.wrong >= codeTries), in.Op == appThere && !a.app:
		return Answer{Verdict: Closed}
	case a.refuses(now):
		return Answer{Verdict: Wait}
	case !a.app:
		return Answer{Verdict: Closed}
	}
	step := at.Unix() / int64(totp.Period.Seconds())
	known := false
	for s := step - 1; s <= step+1; s++ {
		if p.appCode(s) != in.Arg {
			continue
		}
		known = true
		if s > a.lastStep {
			a.lastStep, a.signedIn = s, a.signedIn || in.Op == appHere
			return a.clear()
		}
	}
	if known {
		return Answer{Verdict: Wrong} // a replay is refused and counts as no failure
	}
	if in.Op == appHere {
		a.wrong++
	}
	return a.fail(now)
}

func (a *accountModel) backup(p *person, in Input, now time.Duration) Answer {
	i := slices.Index(p.sets[a.set], in.Arg)
	switch {
	case a.refuses(now):
		return Answer{Verdict: Wait}
	case a.used == 1<<len(p.sets[a.set])-1:
		return Answer{Verdict: Closed}
	case i < 0:
		return a.fail(now)
	case a.used&(1<<i) != 0:
		return Answer{Verdict: Wrong}
	}
	a.used |= 1 << i
	return a.clear()
}

// person is the user of a scenario, with everything that the user knows.
type person struct {
	w      *World
	id     string
	key    secret.Value
	sets   [][]string
	from   tx.Caller
	signIn string

	guesses, messages atomic.Int64 // counts of wrong guesses and requested messages
}

// A history has fewer wrong guesses and messages than the limits whose periods are longer than the
// history.
const (
	maxGuesses  = 15
	maxMessages = 4
)

// newPerson creates a user with every factor, in a sign-in that waits for the second factor.
func newPerson(ctx context.Context, w *World) (*person, error) {
	p := &person{w: w}
	var err error
	if p.key, err = totp.Generate(&w.chance); err != nil {
		return nil, err
	}
	for range 2 {
		codes, err := backupcode.Generate(&w.chance, 4)
		if err != nil {
			return nil, err
		}
		p.sets = append(p.sets, []string{})
		for _, c := range codes {
			p.sets[len(p.sets)-1] = append(p.sets[len(p.sets)-1], c.Reveal())
		}
	}
	u, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "u" + w.number()[1:], ReservedPhones: []string{w.number()}, TOTPSecret: p.key, BackupCodes: secrets(p.sets[0])})
	if err != nil {
		return nil, err
	}
	p.id = u.WireID()
	ticket, err := w.MFA.CreateTicket(ctx, p.id, 0)
	if err != nil {
		return nil, err
	}
	r, err := w.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
	if err != nil {
		return nil, err
	}
	if r.SignIn.Status() != account.NeedsSecondFactor {
		return nil, errors.New("a ticket alone signed in a user with second factors")
	}
	p.from, p.signIn = tx.Caller{Credentials: []tx.Credential{{Transport: r.Snapshot.Transport, Token: r.Snapshot.Token}}}, r.SignIn.ID
	return p, nil
}

func secrets(texts []string) []secret.Value {
	values := make([]secret.Value, len(texts))
	for i, t := range texts {
		values[i] = secret.New(t)
	}
	return values
}

// appCode is the app's code of a time step.
func (p *person) appCode(step int64) string {
	code, err := totp.Code(p.key, time.Unix(step*int64(totp.Period.Seconds()), 0))
	if err != nil {
		panic(err) // the key is valid: newPerson generated it
	}
	return code
}

// ask returns the step that performs an operation.
func (p *person) ask(in Input) scenarioStep {
	w := p.w
	var do func(ctx context.Context) error
	switch in.Op {
	case prepare:
		return scenarioStep{in: in, ask: func(ctx context.Context) Answer {
			var code string
			_, err := w.MFA.PrepareSecondFactor(context.WithValue(ctx, sentKey{}, &code), p.from, p.signIn, account.PhoneCode, "")
			return Answer{kindOf(err), code}
		}}
	case left:
		return scenarioStep{in: in, ask: func(ctx context.Context) Answer {
			u, err := w.Admin.User(ctx, p.id)
			if err != nil {
				return verdictOf(err)
			}
			return Answer{Granted, fmt.Sprint(u.AttemptsLeft(account.At(w.Now())))}
		}}
	case text, appHere:
		by := map[string]account.Strategy{text: account.PhoneCode, appHere: account.TOTPCode}[in.Op]
		do = func(ctx context.Context) error {
			_, err := w.MFA.AttemptSecondFactor(ctx, p.from, p.signIn, mfa.Proof{Strategy: by, Code: secret.New(in.Arg)})
			return err
		}
	case appThere, backup:
		do = func(ctx context.Context) error {
			_, err := w.Admin.VerifyTOTP(ctx, p.id, secret.New(in.Arg))
			return err
		}
	case replace:
		do = func(ctx context.Context) error {
			_, err := w.Admin.UpdateUser(ctx, p.id, admin.UserChange{BackupCodes: secrets(p.sets[in.N])})
			return err
		}
	case remove:
		do = func(ctx context.Context) error { _, err := w.Admin.RemoveTOTP(ctx, p.id); return err }
	case lock:
		do = func(ctx context.Context) error { _, err := w.Admin.Lock(ctx, p.id); return err }
	case unlock:
		do = func(ctx context.Context) error { _, err := w.Admin.Unlock(ctx, p.id); return err }
	}
	return scenarioStep{in: in, ask: func(ctx context.Context) Answer { return verdictOf(do(ctx)) }}
}

func pick[T any](rng *rand.Rand, from ...T) T { return from[rng.IntN(len(from))] }
