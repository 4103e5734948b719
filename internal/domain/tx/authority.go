package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/authority"
)

// IsFuture reports whether a stored time lies so far ahead that a clock must be wrong. Such a time
// proves nothing and extends nothing.
func (t *Tx) IsFuture(at account.Instant) bool { return authority.Future(at.Time(), t.Now.Time()) }
