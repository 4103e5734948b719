package wire

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

// Recovery is a request to remove a user's second factors without an administrator.
type Recovery struct {
	Object      string `json:"object"`
	RequestedAt int64  `json:"requested_at"`
	CompletesAt int64  `json:"completes_at"`
}

// NewRecovery returns a request, or nil without one.
func NewRecovery(r *account.Recovery) *Recovery {
	if r == nil {
		return nil
	}
	return &Recovery{Object: "recovery", RequestedAt: int64(r.RequestedAt), CompletesAt: int64(r.CompletesAt)}
}

// RecoveryOffer says, in a sign-in that waits for a second factor, that the user may ask for a
// recovery, which waits for Days, or when one under way completes.
type RecoveryOffer struct {
	Days        int    `json:"days"`
	RequestedAt *int64 `json:"requested_at"`
	CompletesAt *int64 `json:"completes_at"`
}

// newRecoveryOffer returns nil while the settings have no recovery.
func newRecoveryOffer(u *account.User, s *account.Settings) *RecoveryOffer {
	if s.RecoveryDays == 0 {
		return nil
	}
	out := &RecoveryOffer{Days: s.RecoveryDays}
	if r := s.RecoveryOf(u); r != nil {
		out.RequestedAt, out.CompletesAt = Milliseconds(r.RequestedAt), Milliseconds(r.CompletesAt)
	}
	return out
}
