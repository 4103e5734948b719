package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// IsFuture reports whether a time is too far ahead to be believed: a clock went back, or another
// function's clock is wrong. Such a time proves nothing and extends nothing.
func (t *Tx) IsFuture(at account.Instant) bool { return authority.Future(at.Time(), t.Now.Time()) }
