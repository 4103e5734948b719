// Package reverify holds the rules of Clerk's step-up: how old the proof of each factor may be before a sensitive change.
package reverify

import "time"

// Level says which factors a step-up asks for.
type Level string

// The levels of the wire protocol.
const (
	FirstFactor  Level = "first_factor"
	SecondFactor Level = "second_factor"
	MultiFactor  Level = "multi_factor"
)

// Valid says whether the level is one of the protocol's.
func (l Level) Valid() bool { return l == FirstFactor || l == SecondFactor || l == MultiFactor }

// never is the age of a factor that was not proved.
const never = -1

// Ages returns whole minutes since the first and the second factor were proved, -1 for never (a zero time). A
// clock that went back gives 0, not a negative age.
func Ages(now, first, second time.Time) [2]int {
	return [2]int{age(now, first), age(now, second)}
}

func age(now, proved time.Time) int {
	if proved.IsZero() {
		return never
	}
	return max(0, int(now.Sub(proved)/time.Minute))
}

// Requirement is how fresh which factors must be.
type Requirement struct {
	Level        Level
	AfterMinutes int
}

// Needed is the level that a user can be asked for: without a second factor only the first.
func (r Requirement) Needed(hasSecond bool) Level {
	if !hasSecond {
		return FirstFactor
	}
	return r.Level
}

// Met says whether ages satisfy the requirement. Other than Clerk's own rule it never falls back to the first factor for a
// user who has a second one: a factor enrolled by whoever stole a session would otherwise be worth as much as the owner's.
func (r Requirement) Met(ages [2]int, hasSecond bool) bool {
	first := r.fresh(ages[0])
	second := r.fresh(ages[1])
	switch r.Needed(hasSecond) {
	case FirstFactor:
		return first
	case SecondFactor:
		return second
	case MultiFactor:
		return first && second
	}
	return false
}

func (r Requirement) fresh(age int) bool { return age != never && age < r.AfterMinutes }

// Preset returns one of Clerk's named requirements: strict_mfa, strict, moderate or lax.
func Preset(name string) (Requirement, bool) {
	r, ok := map[string]Requirement{
		"strict_mfa": {MultiFactor, 10},
		"strict":     {SecondFactor, 10},
		"moderate":   {SecondFactor, 60},
		"lax":        {SecondFactor, 24 * 60},
	}[name]
	return r, ok
}
