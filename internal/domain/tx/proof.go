package tx

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
)

func (t *Tx) Policy() account.Policy { return t.State.Settings.Policy() }
