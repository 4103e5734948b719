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

// A Scenario is one kind of history: what clients may ask, and what each question means when nobody
// else is there.
type Scenario struct {
	Name string
	// Clients and Steps bound a history: a wider one that cannot be explained takes the checker ages
	// to refuse.
	Clients, Steps int
	// direct says that the clients call the store themselves, which tells them of a lost race instead
	// of trying again.
	direct bool
	begin  func(ctx context.Context, w *World) (*scenarioRun, error)
}

// A scenarioRun is a scenario in one world.
type scenarioRun struct {
	initial any // comparable
	// nextStamp is what a client does next.
	next func(rng *rand.Rand, client int) scenarioStep
	// apply is the sequential meaning of an input at a time. It says what must be answered and what is
	// so afterwards. What nobody can know beforehand, such as a code that was drawn, it takes from the
	// answer that was given.
	apply func(state any, in Input, at time.Time, given Answer) (Answer, any)
	// count is a plain check beside the checker's; nil for none.
	count func(taken []observation) error
}

// A scenarioStep is what a client does: it asks, or, if ask is nil, it lets time pass.
type scenarioStep struct {
	in      Input
	ask     func(ctx context.Context) Answer
	advance time.Duration
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
	Verdict Verdict
	Value   string
}

// Verdict is a kind of answer. Kinds and not codes: which of several reasons a refusal names is
// held by other tests.
type Verdict string

// The kinds of answers.
const (
	Granted Verdict = "granted"
	Wrong   Verdict = "wrong"
	Closed  Verdict = "closed" // used up, expired, replaced, removed: nothing can be right any more
	Wait    Verdict = "wait"   // too many failures
	Cool    Verdict = "cool"   // a text went out a moment ago
	Busy    Verdict = "busy"
	Unknown Verdict = "unknown" // no answer: it happened or it did not
)

func verdictOf(err error) Answer { return Answer{Verdict: kindOf(err)} }

func kindOf(err error) Verdict {
	e := (*apierr.Error)(nil)
	switch {
	case err == nil:
		return Granted
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return Unknown
	case !errors.As(err, &e):
		return Verdict("unexpected: " + err.Error())
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

// Scenarios are all of them.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "text message", Clients: 4, Steps: 8, begin: beginText},
		{Name: "authenticator app", Clients: 5, Steps: 7, begin: beginApp},
		{Name: "backup codes", Clients: 5, Steps: 7, begin: beginBackup},
		{Name: "every factor, clocks that jump", Clients: 4, Steps: 8, begin: beginEverything},
		{Name: "ticket", Clients: 6, Steps: 4, begin: beginTicket},
		{Name: "default factor", Clients: 5, Steps: 7, begin: beginFactor},
		{Name: "owner of a number", Clients: 5, Steps: 7, begin: beginOwner},
		{Name: "records and budgets", Clients: 6, Steps: 8, direct: true, begin: beginStore},
	}
}
