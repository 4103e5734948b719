package authority

// Level says which factors a step-up asks for.
type Level string

// The levels of the wire protocol.
const (
	FirstFactor  Level = "first_factor"
	SecondFactor Level = "second_factor"
	MultiFactor  Level = "multi_factor"
)

// Valid reports whether the level is one of the protocol's.
func (l Level) Valid() bool { return l == FirstFactor || l == SecondFactor || l == MultiFactor }

// StepUp returns the level that a step-up asks the user for. A user without a second factor is
// asked for the first one only. A user who has one is never let through on the first alone when the
// second was asked for: a session thief may know the password.
func (a Account) StepUp(asked Level) Level {
	if !a.SecondFactor {
		return FirstFactor
	}
	return asked
}
