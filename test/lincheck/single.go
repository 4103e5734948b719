package lincheck

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

const (
	use    = "use"
	revoke = "revoke"
)

// beginTicket begins a scenario of one ticket, which is used, revoked or expires.
func beginTicket(ctx context.Context, w *World) (*scenarioRun, error) {
	p, err := newPerson(ctx, w)
	if err != nil {
		return nil, err
	}
	ticket, err := w.MFA.CreateTicket(ctx, p.id, time.Minute)
	if err != nil {
		return nil, err
	}
	sign := func(ctx context.Context) Answer {
		_, err := w.MFA.CreateSignIn(ctx, tx.Caller{}, mfa.SignInInput{Strategy: account.TicketCode, Ticket: ticket.Token})
		return verdictOf(err)
	}
	return &scenarioRun{
		initial: false, // whether the ticket was used or revoked
		next: func(rng *rand.Rand, _ int) scenarioStep {
			switch rng.IntN(8) {
			case 0:
				return scenarioStep{advance: 40 * time.Second}
			case 1:
				return scenarioStep{in: Input{Op: revoke}, ask: func(ctx context.Context) Answer {
					_, err := w.MFA.RevokeTicket(ctx, ticket.Ticket.WireID())
					return verdictOf(err)
				}}
			}
			return scenarioStep{in: Input{Op: use}, ask: sign}
		},
		apply: func(state any, _ Input, at time.Time, _ Answer) (Answer, any) {
			if state.(bool) || at.Sub(began) >= time.Minute {
				return Answer{Verdict: Closed}, state
			}
			return Answer{Verdict: Granted}, true
		},
		count: func(history []observation) error {
			if n := count(history, Input{Op: use}, Granted); n > 1 {
				return fmt.Errorf("a ticket was accepted %d times", n)
			}
			return nil
		},
	}, nil
}

func count(history []observation, in Input, kind Verdict) int {
	n := 0
	for _, t := range history {
		if t.in == in && t.out.Verdict == kind {
			n++
		}
	}
	return n
}

// reserved is the set of a user's numbers that are second factors, and the default among them, or
// -1.
type reserved struct {
	on    uint8
	first int
}

const (
	makeFirst = "make default"
	switchOn  = "reserve"
	switchOff = "give up"
	look      = "look"
)

// beginFactor begins a scenario of three numbers. Exactly one is the default while any is reserved.
func beginFactor(ctx context.Context, w *World) (*scenarioRun, error) {
	u, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "u" + w.number()[1:], ReservedPhones: []string{w.number(), w.number(), w.number()}})
	if err != nil {
		return nil, err
	}
	var phones []string
	for _, p := range u.Phones {
		phones = append(phones, p.ID)
	}
	yes, no := true, false
	change := func(in Input, c admin.PhoneChange) scenarioStep {
		return scenarioStep{in: in, ask: func(ctx context.Context) Answer {
			_, err := w.Admin.ChangeUserPhone(ctx, phones[in.N], c)
			return verdictOf(err)
		}}
	}
	return &scenarioRun{
		initial: reserved{0b111, 0},
		next: func(rng *rand.Rand, _ int) scenarioStep {
			in := Input{N: int64(rng.IntN(len(phones)))}
			switch rng.IntN(4) {
			case 0:
				in.Op = makeFirst
				return change(in, admin.PhoneChange{Default: &yes})
			case 1:
				in.Op = switchOn
				return change(in, admin.PhoneChange{Reserved: &yes})
			case 2:
				in.Op = switchOff
				return change(in, admin.PhoneChange{Reserved: &no})
			}
			return scenarioStep{in: Input{Op: look}, ask: func(ctx context.Context) Answer { return lookAt(ctx, w, u.WireID(), phones) }}
		},
		apply: reservedStep,
	}, nil
}

func lookAt(ctx context.Context, w *World, user string, phones []string) Answer {
	u, err := w.Admin.User(ctx, user)
	if err != nil {
		return verdictOf(err)
	}
	seen := reserved{first: -1}
	for _, p := range u.Phones {
		i := slices.Index(phones, p.ID)
		if p.Reserved {
			seen.on |= 1 << i
		}
		if p.Default && seen.first >= 0 {
			return Answer{Granted, "two are the default"}
		}
		if p.Default {
			seen.first = i
		}
	}
	return Answer{Granted, fmt.Sprint(seen)}
}

func reservedStep(state any, in Input, _ time.Time, _ Answer) (Answer, any) {
	s, bit := state.(reserved), uint8(1)<<in.N
	switch in.Op {
	case look:
		return Answer{Granted, fmt.Sprint(s)}, s
	case makeFirst:
		if s.on&bit != 0 {
			s.first = int(in.N)
		}
	case switchOn:
		s.on |= bit
	case switchOff:
		s.on &^= bit
	}
	if s.first >= 0 && s.on&(1<<s.first) == 0 {
		s.first = -1
	}
	for i := 0; i < 3 && s.first < 0; i++ {
		if s.on&(1<<i) != 0 {
			s.first = i
		}
	}
	return Answer{Verdict: Granted}, s
}

const (
	claim = "claim"
	free  = "give up"
)

// beginOwner begins a scenario of three users and one number, which at most one of them has
// verified.
func beginOwner(ctx context.Context, w *World) (*scenarioRun, error) {
	number := w.number()
	var users []string
	for range 3 {
		u, err := w.Admin.CreateUser(ctx, admin.UserInput{Username: "u" + w.number()[1:]})
		if err != nil {
			return nil, err
		}
		users = append(users, u.WireID())
	}
	yes := true
	return &scenarioRun{
		initial: int64(-1),
		next: func(rng *rand.Rand, _ int) scenarioStep {
			in := Input{Op: claim, N: int64(rng.IntN(len(users)))}
			if rng.IntN(2) == 0 {
				return scenarioStep{in: in, ask: func(ctx context.Context) Answer {
					_, err := w.Admin.AddUserPhone(ctx, users[in.N], number, admin.PhoneChange{Verified: &yes})
					return verdictOf(err)
				}}
			}
			in.Op = free
			return scenarioStep{in: in, ask: func(ctx context.Context) Answer { return giveUp(ctx, w, users[in.N]) }}
		},
		apply: func(state any, in Input, _ time.Time, _ Answer) (Answer, any) {
			owner := state.(int64)
			switch {
			case in.Op == claim && owner == -1:
				return Answer{Verdict: Granted}, in.N
			case in.Op == free && owner == in.N:
				return Answer{Verdict: Granted}, int64(-1)
			}
			return Answer{Verdict: Closed}, owner
		},
	}, nil
}

// giveUp removes the user's number. It takes two requests, and only the second one changes
// something.
func giveUp(ctx context.Context, w *World, user string) Answer {
	u, err := w.Admin.User(ctx, user)
	if err != nil || len(u.Phones) == 0 {
		if err == nil {
			return Answer{Verdict: Closed}
		}
		return verdictOf(err)
	}
	_, err = w.Admin.DeleteUserPhone(ctx, u.Phones[0].ID)
	return verdictOf(err)
}
