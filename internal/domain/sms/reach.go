package sms

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// CheckPhone refuses a number as a second factor that no code can reach, with the codes that adding such a number answers.
func CheckPhone(t *tx.Tx, p *account.Phone) error {
	n, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	_, err = CheckDestination(t, n)
	return err
}

// strandedAgain is how long a user whose second factors cannot be proved is told of once.
const strandedAgain = 24 * time.Hour

// ReportStranded tells the administrators of a user whose second factors cannot be proved, when a sign-in comes to need one.
func ReportStranded(t *tx.Tx, u *account.User) {
	if !u.Stranded(&t.State.Settings) || u.StrandedAt != 0 && t.Now.Sub(u.StrandedAt) < strandedAgain {
		return
	}
	u.StrandedAt = t.Now
	audit.Record(t, u, account.EventStranded, account.Subject{})
}
