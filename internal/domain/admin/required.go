package admin

import (
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// MFARequirement says whether a user has to have a second factor, and from when on. A nil field
// leaves it as it is.
type MFARequirement struct {
	Required *bool
	From     *account.Instant
}

// apply changes the mark of a user. A mark without a date keeps the date that it has; a new one
// holds after the days of grace. A date without a mark is refused. Nothing is recorded if nothing
// changes.
func (r MFARequirement) apply(t *tx.Tx, u *account.User) error {
	from := u.RequiredFrom
	switch {
	case r.Required != nil && !*r.Required:
		from = 0
	case r.Required != nil && from == 0:
		from = t.Now.Add(t.State.Settings.Grace())
	}
	if r.From != nil {
		if from == 0 {
			return apierr.New(apierr.FormParamValueInvalid).Param("mfa_required_from").Explain("A date goes with mfa_required: true.")
		}
		from = *r.From
	}
	if from == u.RequiredFrom {
		return nil
	}
	u.RequiredFrom = from
	name := eventtype.MFARequired
	if from == 0 {
		name = eventtype.MFAOptional
	}
	audit.Record(t, u, name, account.Subject{})
	return nil
}
