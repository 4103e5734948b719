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

// A Scenario is a kind of history: the operations of clients, with a sequential model of their
// meaning.
type Scenario struct {
	Name string
	// Clients and Steps bound a history. The checker takes too long to reject a larger one.
	Clients, Steps int
	// direct says that the clients call the store itself, which reports a conflict instead of trying
	// again.
	direct bool
	begin  func(ctx context.Context, w *World) (*scenarioRun, error)
}

// A scenarioRun is a scenario in one world.
type scenarioRun struct {
	initial any // comparable
	// next returns the next step of a client.
	next func(rng *rand.Rand, client int) scenarioStep
	// apply is the sequential model: it returns the answer to an input at a time, and the state
	// afterwards. It takes what it cannot know, such as a random code, from the given answer.
	apply func(state any, in Input, at time.Time, given Answer) (Answer, any)
	// count, unless nil, is an additional check of the history.
	count func(taken []observation) error
}

// A scenarioStep is an operation of a client or, if ask is nil, an advance of the clock.
type scenarioStep struct {
	in      Input
	ask     func(ctx context.Context) Answer
	advance time.Duration
}

// Input is a request.
type Input struct {
	Op  string
	Arg string
	N   int64
}

func (in Input) String() string { return fmt.Sprint(in.Op, " ", in.Arg, " ", in.N) }

// Answer is what a client received.
type Answer struct {
	Verdict Verdict
	Value   string
}

// Verdict is a kind of answer. Other tests check the error codes.
type Verdict string

// Kinds of answers.
const (
	Granted Verdict = "granted"
	Wrong   Verdict = "wrong"
	Closed  Verdict = "closed" // used, expired, replaced or removed: no code is accepted any more
	Wait    Verdict = "wait"   // too many failures
	Cool    Verdict = "cool"   // a message was sent less than 30 seconds ago
	Busy    Verdict = "busy"
	Unknown Verdict = "unknown" // no answer: the operation may have happened
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

// Scenarios returns every scenario.
func Scenarios() []Scenario {
	return []Scenario{
		{Name: "text message", Clients: 4, Steps: 8, begin: beginText},
		{Name: "authenticator app", Clients: 5, Steps: 7, begin: beginApp},
		{Name: "backup codes", Clients: 5, Steps: 7, begin: beginBackup},
		{Name: "every factor, clocks that jump", Clients: 4, Steps: 8, begin: beginEverything},
		{Name: "ticket", Clients: 6, Steps: 4, begin: beginTicket},
		{Name: "default factor", Clients: 5, Steps: 7, begin: beginFactor},
		{Name: "owner of a number", Clients: 5, Steps: 7, begin: beginOwner},
		{Name: "records and counters", Clients: 6, Steps: 8, direct: true, begin: beginStore},
	}
}
