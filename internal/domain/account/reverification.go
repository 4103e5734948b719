package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// ReverificationStatus is a step-up's status on the wire.
type ReverificationStatus string

// The statuses.
const (
	ReverifyFirstFactor  ReverificationStatus = "needs_first_factor"
	ReverifySecondFactor ReverificationStatus = "needs_second_factor"
	ReverifyComplete     ReverificationStatus = "complete"
)

// Status returns the factor that the step-up waits for.
func (r *Reverification) Status() ReverificationStatus {
	switch {
	case r.Level != authority.SecondFactor && r.First.Proved == 0:
		return ReverifyFirstFactor
	case r.Level != authority.FirstFactor && r.Second.Proved == 0:
		return ReverifySecondFactor
	}
	return ReverifyComplete
}

// Reverification is a step-up in progress.
type Reverification struct {
	Level      authority.Level `json:"l"`
	First      Attempt         `json:"f1,omitzero"`
	Second     Attempt         `json:"f2,omitzero"`
	Expires    Instant         `json:"e"`
	Generation uint32          `json:"g,omitempty"` // of the user when the step-up began
}

// ReverificationLife is the time in which a step-up must be completed.
const ReverificationLife = time.Hour
