package sms

import (
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/factors"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// checkDestination refuses the countries and kinds of line that no SMS goes to.
func checkDestination(t *tx.Tx, n phone.Number) (account.Reason, error) {
	switch {
	case !t.State.Settings.SendsSMSTo(n.Country()):
		return ReasonCountry, apierr.New(apierr.UnsupportedCountryCode).Param("phone_number")
	case !n.TextAllowed():
		return ReasonLine, apierr.New(apierr.FormParamFormatInvalid).Param("phone_number")
	}
	return "", nil
}

// CheckPhone refuses a stored phone that no SMS goes to, with the error codes of adding its number.
func CheckPhone(t *tx.Tx, p *account.Phone) error {
	n, err := phone.New(p.Number, p.Country, p.Line)
	if err != nil {
		return fmt.Errorf("stored number: %w", err)
	}
	_, err = checkDestination(t, n)
	return err
}

// CheckNumber refuses a user or a number that no code may go to.
func CheckNumber(t *tx.Tx, u *account.User, n phone.Number) error {
	if err := CheckUser(t, u); err != nil {
		return err
	}
	_, err := checkDestination(t, n)
	return err
}

// CheckUser refuses codes while SMS are switched off, and for a banned user.
func CheckUser(t *tx.Tx, u *account.User) error {
	switch {
	case !t.State.Settings.SMSCode:
		return apierr.New(apierr.FeatureNotEnabled)
	case u.Banned:
		return apierr.New(apierr.UserBanned)
	}
	return nil
}

// strandedPeriod is how long administrators are not told again of the same stranded user.
const strandedPeriod = 24 * time.Hour

// ReportStranded records that a sign-in needs a second factor and the user can prove none of those
// that the account has.
func ReportStranded(t *tx.Tx, u *account.User) {
	if !factors.Stranded(u, &t.State.Settings) || u.StrandedAt != 0 && t.Now.Sub(u.StrandedAt) < strandedPeriod {
		return
	}
	u.StrandedAt = t.Now
	audit.Record(t, u, eventtype.Stranded, account.Subject{})
}
