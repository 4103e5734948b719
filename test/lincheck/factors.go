package lincheck

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/countersign-mfa/countersign/internal/crypto/totp"
)

// A draw is an operation of an account's clients, with its relative frequency.
type draw struct {
	weight int
	make   func(p *person, rng *rand.Rand) scenarioStep
}

func waits(d ...time.Duration) func(*person, *rand.Rand) scenarioStep {
	return func(_ *person, rng *rand.Rand) scenarioStep { return scenarioStep{advance: pick(rng, d...)} }
}

func asks(op string) func(*person, *rand.Rand) scenarioStep {
	return func(p *person, _ *rand.Rand) scenarioStep { return p.ask(Input{Op: op}) }
}

// wrongGuess sends a code that is correct one time in a million.
func wrongGuess(op string) func(*person, *rand.Rand) scenarioStep {
	return func(p *person, rng *rand.Rand) scenarioStep {
		if p.guesses.Add(1) > maxGuesses {
			return p.ask(Input{Op: left})
		}
		if op == backup {
			return p.ask(Input{Op: op, Arg: pick(rng, "00000-00000", "11111-11111")})
		}
		return p.ask(Input{Op: op, Arg: pick(rng, "000000", "111111", "222222")})
	}
}

// sentCode sends a code of a received message, mostly the last one.
func sentCode(p *person, rng *rand.Rand) scenarioStep {
	codes := p.w.codes()
	i := len(codes) - 1
	if i > 0 && rng.IntN(4) == 0 {
		i = rng.IntN(i)
		if p.guesses.Add(1) > maxGuesses {
			return p.ask(Input{Op: left})
		}
	}
	return p.ask(Input{Op: text, Arg: codes[i]})
}

func anotherMessage(p *person, _ *rand.Rand) scenarioStep {
	if p.messages.Add(1) > maxMessages-1 {
		return p.ask(Input{Op: left})
	}
	return p.ask(Input{Op: prepare})
}

// shownCode sends a code of the app of the current time step or a step beside it.
func shownCode(ops ...string) func(*person, *rand.Rand) scenarioStep {
	return func(p *person, rng *rand.Rand) scenarioStep {
		step := p.w.clock.now().Unix()/int64(totp.Period.Seconds()) + pick[int64](rng, -1, 0, 0, 0, 1)
		return p.ask(Input{Op: pick(rng, ops...), Arg: p.appCode(step)})
	}
}

func backupCode(p *person, rng *rand.Rand) scenarioStep {
	return p.ask(Input{Op: backup, Arg: pick(rng, pick(rng, p.sets...)...)})
}

func newBackupCodes(p *person, rng *rand.Rand) scenarioStep {
	return p.ask(Input{Op: replace, N: int64(rng.IntN(len(p.sets)))})
}

// beginAccount begins a scenario of one user.
func beginAccount(ctx context.Context, w *World, draws ...draw) (*scenarioRun, error) {
	p, err := newPerson(ctx, w)
	if err != nil {
		return nil, err
	}
	first := p.ask(Input{Op: prepare}).ask(ctx)
	if first.Verdict != Granted {
		return nil, fmt.Errorf("the first message: %v", first.Verdict)
	}
	total := 0
	for _, d := range draws {
		total += d.weight
	}
	return &scenarioRun{
		initial: accountModel{code: first.Value, issued: since(began), codeEnds: since(began) + codeLife, sent: since(began), app: true},
		next: func(rng *rand.Rand, _ int) scenarioStep {
			n := rng.IntN(total)
			for _, d := range draws {
				if n -= d.weight; n < 0 {
					return d.make(p, rng)
				}
			}
			panic("unreachable: the weights add up")
		},
		apply: func(state any, in Input, at time.Time, given Answer) (Answer, any) {
			return accountStep(p, state, in, at, given)
		},
		count: countAccount,
	}, nil
}

// countAccount checks the rules that hold in any order: no code is accepted twice, and no
// verification compares more than five codes. Backup codes may be accepted again after a new
// import.
func countAccount(history []observation) error {
	good, wrong, expired := map[Input]int{}, 0, 0
	for _, t := range history {
		switch {
		case t.out.Verdict == Granted && (t.in.Op == text || t.in.Op == appHere || t.in.Op == appThere):
			key := Input{Arg: t.in.Arg}
			if good[key]++; good[key] > 1 {
				return fmt.Errorf("%v was accepted twice", t.in)
			}
		case t.out.Verdict == Wrong && t.in.Op == text:
			wrong++
		}
		for _, at := range t.times {
			if at.Sub(began) >= codeLife {
				expired++
			}
		}
	}
	if wrong > codeTries && expired == 0 {
		return fmt.Errorf("%d wrong codes were compared with one message's", wrong)
	}
	return nil
}

func beginText(ctx context.Context, w *World) (*scenarioRun, error) {
	return beginAccount(ctx, w,
		draw{5, wrongGuess(text)}, draw{1, wrongGuess(appThere)}, draw{2, sentCode}, draw{4, anotherMessage}, draw{4, waits(31*time.Second, 31*time.Second, 31*time.Second, time.Minute, 9*time.Minute)}, draw{1, asks(left)})
}

func beginApp(ctx context.Context, w *World) (*scenarioRun, error) {
	return beginAccount(ctx, w,
		draw{8, shownCode(appThere, appThere, appHere)}, draw{4, wrongGuess(appThere)}, draw{3, waits(totp.Period, totp.Period, 20*time.Minute)}, draw{1, asks(left)},
		draw{1, asks(lock)}, draw{1, asks(unlock)}, draw{1, asks(remove)})
}

func beginBackup(ctx context.Context, w *World) (*scenarioRun, error) {
	return beginAccount(ctx, w,
		draw{8, backupCode}, draw{2, wrongGuess(backup)}, draw{2, newBackupCodes}, draw{1, waits(31*time.Second, time.Hour)}, draw{1, asks(left)})
}

func beginEverything(ctx context.Context, w *World) (*scenarioRun, error) {
	return beginAccount(ctx, w,
		draw{3, wrongGuess(text)}, draw{2, sentCode}, draw{2, anotherMessage}, draw{3, shownCode(appThere, appHere)}, draw{2, wrongGuess(appThere)}, draw{2, backupCode},
		draw{1, newBackupCodes}, draw{1, asks(left)}, draw{1, asks(unlock)},
		draw{3, waits(30*time.Second, -30*time.Second, -time.Hour, time.Hour, 31*time.Second)})
}
