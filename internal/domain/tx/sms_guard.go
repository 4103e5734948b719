package tx

import (
	"errors"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

func (t *Tx) Staged(counter string) *store.Increment {
	for i := range t.Increments {
		if t.Increments[i].Counter == counter {
			return &t.Increments[i]
		}
	}
	return nil
}

func HourOf(at account.Instant) string { return strconv.FormatInt(at.Time().Unix()/3600, 10) }

// asLimitReached returns the counter whose limit a commit found reached.
func asLimitReached(err error) (counter string, ok bool) {
	e := (*store.LimitReachedError)(nil)
	if !errors.As(err, &e) {
		return "", false
	}
	return e.Counter, true
}
