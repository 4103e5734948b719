// Package bruteforce attacks one account of the real API for a simulated year. An attacker who
// knows the password guesses second factors over every path, while the owner signs in daily. The
// simulation counts the guesses that the server compared; package guessbound computes their bound.
//
// The clock jumps from event to event. The seed decides a run.
package bruteforce

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

// guessMethod sends one guess and returns the answer.
type guessMethod func(*attacker) answer

// Policy is a guess policy of Countersign, by name.
type Policy string

// The guess policies.
const (
	DefaultPolicy Policy = "default"
	StrictPolicy  Policy = "strict"
)

// Policies are all guess policies.
var Policies = []Policy{DefaultPolicy, StrictPolicy}

func (p Policy) limits() account.Policy {
	s := account.Settings{StrictGuessing: p == StrictPolicy}
	return s.Policy()
}

// Strategy is the plan of one attack.
type Strategy struct {
	Name     string
	Attacker guessbound.Attacker
	// Unlocks is how many locks of more than a day an administrator ends early.
	Unlocks int
	// ownerFactor is the second factor that the owner signs in with. A correct code clears the
	// failures of its own factor only.
	ownerFactor ownerFactor
	// underLimit attackers stop one failure before a wait, until the owner's next sign-in.
	underLimit bool
	// next returns the method of the nth guess.
	next func(chance *rand.Rand, n int) guessMethod
}

// ownerFactor is a second factor that the owner can sign in with.
type ownerFactor int

const (
	ownerUsesApp ownerFactor = iota
	ownerUsesSMS
)

func always(p guessMethod) func(*rand.Rand, int) guessMethod {
	return func(*rand.Rand, int) guessMethod { return p }
}

func inTurn(paths ...guessMethod) func(*rand.Rand, int) guessMethod {
	return func(_ *rand.Rand, n int) guessMethod { return paths[n%len(paths)] }
}

func anyOf(paths ...guessMethod) func(*rand.Rand, int) guessMethod {
	return func(r *rand.Rand, _ int) guessMethod { return paths[r.IntN(len(paths))] }
}

// Strategies returns every simulated attack. The kinds of attackers are those of package
// guessbound.
func Strategies() []Strategy {
	alone, helped, known := guessbound.Attackers[0], guessbound.Attackers[1], guessbound.Attackers[2]
	app, text, backup := (*attacker).app, (*attacker).sms, (*attacker).backupCode
	return []Strategy{
		{Name: "as fast as allowed, the app, the owner away", Attacker: alone, next: always(app)},
		{Name: "as fast as allowed, the app", Attacker: helped, next: always(app)},
		{Name: "as fast as allowed, text messages", Attacker: helped, ownerFactor: ownerUsesSMS, next: always(text)},
		{Name: "as fast as allowed, backup codes", Attacker: helped, next: always(backup)},
		{Name: "just under each limit", Attacker: helped, underLimit: true, next: always(app)},
		{Name: "methods in turn, in one sign-in as long as it lasts", Attacker: helped, next: inTurn(app, text, backup)},
		{Name: "every path at random: sign-ins, tickets, the Backend API", Attacker: helped, next: anyOf(app, text, backup, (*attacker).ticket, (*attacker).backendAPI)},
		{Name: "as fast as allowed, unlocked three times by an administrator", Attacker: helped, Unlocks: 3, next: always(app)},
		{Name: "at a browser that the owner used", Attacker: known, next: always(app)},
		{Name: "at a browser that the owner used, just under each limit", Attacker: known, underLimit: true, next: always(app)},
		{Name: "step-ups in a stolen session", Attacker: known, underLimit: true, next: always((*attacker).stepUp)},
	}
}

// Result holds the outcome of one simulated attack.
type Result struct {
	Strategy string `json:"strategy"`
	Seed     uint64 `json:"seed"`
	// Compared is how many of the Sent guesses the server compared. Bound is the most that
	// guessbound computes.
	Compared int `json:"compared"`
	Sent     int `json:"sent"`
	Bound    int `json:"bound"`
	// SignIns counts the owner's sign-ins, Refused those that failed.
	SignIns int `json:"owner_sign_ins"`
	Refused int `json:"owner_refused"`
}

// Bound returns the most guesses that the server may compare in so many days.
func Bound(policy Policy, s Strategy, days int) int {
	p := policy.limits()
	n := guessbound.Guesses(p, s.Attacker, guessbound.Horizon{Time: time.Duration(days) * guessbound.Day})
	return n + s.Unlocks*guessbound.PerWindow(p, s.Attacker, 1)
}

// Simulate attacks an account for so many days. The error is about the simulation: an answer that
// no guess may get, or a world that cannot be set up.
func Simulate(ctx context.Context, policy Policy, s Strategy, seed uint64, days int) (Result, error) {
	r := Result{Strategy: s.Name, Seed: seed, Bound: Bound(policy, s, days)}
	w, err := newWorld(ctx, policy, s.ownerFactor, seed)
	if err != nil {
		return r, err
	}
	a, err := newAttacker(w, s.Attacker)
	if err != nil {
		return r, err
	}
	began := w.at
	end, owner, guess := began.Add(time.Duration(days)*guessbound.Day), began, began
	unlocks, row := s.Unlocks, 0
	for {
		if s.Attacker.OwnerSignsIn && !owner.After(guess) {
			if w.at = owner; !w.at.Before(end) {
				break
			}
			r.SignIns++
			if err := w.ownerSignsIn(); err != nil {
				r.Refused++
			} else {
				guess, row = w.at.Add(time.Second), 0 // a correct code clears the row of failures
			}
			owner = nextDay(owner, began, w.chance)
			continue
		}
		if w.at = guess; !w.at.Before(end) {
			break
		}
		r.Sent++
		got := s.next(w.chance, r.Sent)(a)
		switch {
		case got.broken():
			return r, fmt.Errorf("guess %d: unexpected answer %d %s", r.Sent, got.Status, got.Code())
		case got.compared():
			r.Compared++
			if row++; s.underLimit && row >= policy.limits().FreeFailures-1 {
				guess = owner.Add(time.Second)
			}
		case got.retry > guessbound.Day && unlocks > 0:
			unlocks--
			if err := w.unlock(); err != nil {
				return r, err
			}
		case got.retry == 0: // the method or the session is gone: try again a day later
			guess = w.at.Add(guessbound.Day)
		default:
			guess = w.at.Add(got.retry)
		}
	}
	return r, w.failure
}

// nextDay returns a random time on the day after at.
func nextDay(at, began time.Time, chance *rand.Rand) time.Time {
	day := at.Sub(began)/guessbound.Day + 1
	return began.Add(day*guessbound.Day + time.Duration(chance.Int64N(int64(guessbound.Day/time.Second)))*time.Second)
}
