package account

import (
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
