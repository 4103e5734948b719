// Package bruteforce attacks one account for a simulated year: somebody who knows the password guesses second factors against the real API, over every path there
// is, while the owner signs in daily. It counts the guesses that were judged. package guessbound says how many those may be.
//
// The clock jumps from one moment at which something happens to the next. A run is decided by its seed.
package bruteforce

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/countersign-mfa/countersign/internal/ops/guessbound"
)

// guessMethod is a way to guess. It returns the answer to one guess.
type guessMethod func(*attacker) answer

// Strategy is how an attacker goes about it.
type Strategy struct {
	Name     string
	Attacker guessbound.Attacker
	// Unlocks is how often an administrator unlocks the user, each time the attacker is locked for longer than a day.
	Unlocks int
	// ownerUsesSMS: the owner signs in with text messages instead of the app. A right code clears the count of its own authenticator only.
	ownerUsesSMS bool
	// patient attackers stop one failure before a wait, until the owner's next sign-in.
	patient bool
	// next is the path of the nth guess.
	next func(chance *rand.Rand, n int) guessMethod
}

func always(p guessMethod) func(*rand.Rand, int) guessMethod {
	return func(*rand.Rand, int) guessMethod { return p }
}

func inTurn(paths ...guessMethod) func(*rand.Rand, int) guessMethod {
	return func(_ *rand.Rand, n int) guessMethod { return paths[n%len(paths)] }
}

func anyOf(paths ...guessMethod) func(*rand.Rand, int) guessMethod {
	return func(r *rand.Rand, _ int) guessMethod { return paths[r.IntN(len(paths))] }
}

// Strategies are those that are tried. The kinds of attackers are guessbound's.
func Strategies() []Strategy {
	alone, helped, known := guessbound.Attackers[0], guessbound.Attackers[1], guessbound.Attackers[2]
	app, text, backup := (*attacker).app, (*attacker).sms, (*attacker).backupCode
	return []Strategy{
		{Name: "as fast as allowed, the app, nobody there", Attacker: alone, next: always(app)},
		{Name: "as fast as allowed, the app", Attacker: helped, next: always(app)},
		{Name: "as fast as allowed, text messages", Attacker: helped, ownerUsesSMS: true, next: always(text)},
		{Name: "as fast as allowed, backup codes", Attacker: helped, next: always(backup)},
		{Name: "just under each limit", Attacker: helped, patient: true, next: always(app)},
		{Name: "methods in turn, in one sign-in as long as it lasts", Attacker: helped, next: inTurn(app, text, backup)},
		{Name: "every path at random: sign-ins, tickets, the Backend API", Attacker: helped, next: anyOf(app, text, backup, (*attacker).ticket, (*attacker).backendAPI)},
		{Name: "as fast as allowed, unlocked three times by an administrator", Attacker: helped, Unlocks: 3, next: always(app)},
		{Name: "at a browser that the owner used", Attacker: known, next: always(app)},
		{Name: "at a browser that the owner used, just under each limit", Attacker: known, patient: true, next: always(app)},
		{Name: "step-ups in a stolen session", Attacker: known, patient: true, next: always((*attacker).stepUp)},
	}
}

// Result is the outcome of a simulation.
type Result struct {
	Strategy string `json:"strategy"`
	Seed     uint64 `json:"seed"`
	// Judged is how many guesses were compared, of all that were sent; Bound is how many guessbound allows.
	Judged int `json:"judged"`
	Sent   int `json:"sent"`
	Bound  int `json:"bound"`
	// SignIns are the owner's, Refused those that failed.
	SignIns int `json:"owner_sign_ins"`
	Refused int `json:"owner_refused"`
}

// Bound is how many guesses may be judged in a simulation of some days.
func Bound(strict bool, s Strategy, days int) int {
	p := policy(strict)
	n := guessbound.Guesses(p, s.Attacker, guessbound.Horizon{Time: time.Duration(days) * guessbound.Day})
	return n + s.Unlocks*guessbound.PerWindow(p, s.Attacker, 1)
}

// Simulate attacks an account for some days.
func Simulate(ctx context.Context, strict bool, s Strategy, seed uint64, days int) (Result, error) {
	r := Result{Strategy: s.Name, Seed: seed, Bound: Bound(strict, s, days)}
	w, err := newWorld(ctx, strict, s.ownerUsesSMS, seed)
	if err != nil {
		return r, err
	}
	a, err := newAttacker(w, s.Attacker.KnownDevice)
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
				guess, row = w.at.Add(time.Second), 0 // what was in a row is forgotten
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
		case got.judged():
			r.Judged++
			if row++; s.patient && row >= policy(strict).FreeFailures-1 {
				guess = owner.Add(time.Second)
			}
		case got.retry > guessbound.Day && unlocks > 0:
			unlocks--
			if err := w.unlock(); err != nil {
				return r, err
			}
		case got.retry == 0: // the method is gone, or the session: nothing but time can change that
			guess = w.at.Add(guessbound.Day)
		default:
			guess = w.at.Add(got.retry)
		}
	}
	return r, w.failure
}

// nextDay is a moment of the day after at.
func nextDay(at, began time.Time, chance *rand.Rand) time.Time {
	day := at.Sub(began)/guessbound.Day + 1
	return began.Add(day*guessbound.Day + time.Duration(chance.Int64N(int64(guessbound.Day/time.Second)))*time.Second)
}
