package account

import (
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// ReverificationStatus is a status of the wire protocol.
type ReverificationStatus string

// The statuses.
const (
	ReverifyFirstFactor  ReverificationStatus = "needs_first_factor"
	ReverifySecondFactor ReverificationStatus = "needs_second_factor"
	ReverifyComplete     ReverificationStatus = "complete"
)

// Status is how far the step-up is.
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

const ReverificationLife = time.Hour
