package lincheck

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/store"
)

// A Script is one kind of history: what clients may ask, and what each question means when nobody else is there.
type Script struct {
	Name string
	// Clients and Moves bound a history: a wider one that cannot be explained takes the checker ages to refuse.
	Clients, Moves int
	// direct says that the clients call the store themselves, which tells them of a lost race instead of trying again.
	direct bool
	begin  func(ctx context.Context, w *World) (*play, error)
}

// A play is a script in one world.
type play struct {
	initial any // comparable
	// next is what a client does next.
	next func(rng *rand.Rand, client int) move
	// step is the sequential meaning of an input at a time. It says what must be answered and what is so afterwards. What nobody can know
	// beforehand, such as a code that was drawn, it takes from the answer that was given.
	step func(state any, in Input, at time.Time, given Answer) (Answer, any)
	// count is a plain check beside the checker's; nil for none.
	count func(taken []taken) error
}

// A move is what a client does: it asks, or, if ask is nil, it lets time pass.
type move struct {
	in    Input
	ask   func(ctx context.Context) Answer
	waits time.Duration
}

// Input is a question.
type Input struct {
	Op  string
	Arg string
	N   int64
}

func (in Input) String() string { return fmt.Sprint(in.Op, " ", in.Arg, " ", in.N) }

// Answer is what a client was told.
type Answer struct {
	Told  Told
	Value string
}

// Told is a kind of answer. Kinds and not codes: which of several reasons a refusal names is held by other tests.
type Told string

// The kinds of answers.
const (
	Granted Told = "granted"
	Wrong   Told = "wrong"
	Closed  Told = "closed" // used up, expired, replaced, removed: nothing can be right any more
	Wait    Told = "wait"   // too many failures
	Cool    Told = "cool"   // a text went out a moment ago
	Busy    Told = "busy"
	Unknown Told = "unknown" // no answer: it happened or it did not
)

func told(err error) Answer { return Answer{Told: kindOf(err)} }

func kindOf(err error) Told {
	e := (*apierr.Error)(nil)
	switch {
	case err == nil:
		return Granted
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unknown
	case !errors.As(err, &e):
		return Told("unexpected: " + err.Error())
	}
	switch e.Code() {
	case apierr.FormCodeIncorrect:
		return Wrong
	case apierr.TooManyRequests, apierr.UserLocked:
		return Wait
	case apierr.VerificationCodeTooManyRequests:
		return Cool
	case apierr.ResourceLocked:
		return Busy
	}
	return Closed
}

// Scripts are all of them.
func Scripts() []Script {
	return []Script{
		{Name: "text message", Clients: 4, Moves: 8, begin: beginText},
		{Name: "authenticator app", Clients: 5, Moves: 7, begin: beginApp},
		{Name: "backup codes", Clients: 5, Moves: 7, begin: beginBackup},
		{Name: "every factor, clocks that jump", Clients: 4, Moves: 8, begin: beginEverything},
		{Name: "ticket", Clients: 6, Moves: 4, begin: beginTicket},
		{Name: "default factor", Clients: 5, Moves: 7, begin: beginFactor},
		{Name: "owner of a number", Clients: 5, Moves: 7, begin: beginOwner},
		{Name: "records and budgets", Clients: 6, Moves: 8, direct: true, begin: beginStore},
	}
}
