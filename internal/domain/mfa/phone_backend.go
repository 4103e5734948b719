package mfa

import (
	"errors"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// backendChallenge is where a number's code of the Backend API waits. Its purpose is its own, so
// the code works in no session and no sign-in.
func backendChallenge(p *account.Phone) sms.Challenge {
	return sms.Challenge{Code: &p.Backend, Purpose: account.VerifyByBackend}
}

// PrepareBackend sends a code to a number for the team's server, and stages the user. The number
// may be verified already. No limit of an address applies, because the address is that of the
// team's server; all other limits do.
func PrepareBackend(t *tx.Tx, u *account.User, p *account.Phone, from tx.Caller) error {
	if err := checkNumberLimits(t, u, account.UnknownDevice, p); err != nil {
		return err
	}
	if p.Backend != nil && p.Backend.Accepted != 0 { // the next code is another verification
		p.Backend = nil
	}
	_, err := sms.SendCode(t, u, p, backendChallenge(p), tx.Caller{Language: from.Language}, account.UnknownDevice)
	return err
}

// AttemptBackend compares a code with the verification of the number that id names, and returns the
// verification. A wrong or an old code is no error: the status says so. A right code verifies the
// number, and works once. A repeat is refused with verification_already_verified.
func AttemptBackend(t *tx.Tx, u *account.User, p *account.Phone, id string, code secret.Value) (*account.Code, error) {
	if err := sms.CheckUser(t, u); err != nil {
		return nil, err
	}
	c := p.Backend
	digits, ok := sms.ReadCode(code.Reveal())
	switch {
	case c == nil || id != c.WireID():
		return nil, apierr.New(apierr.ResourceNotFound)
	case c.Accepted != 0:
		return nil, apierr.New(apierr.VerificationAlreadyVerified)
	case !ok || c.Failed() || c.Expires <= t.Now: // no guess
		return c, nil
	}
	if err := checkNumberLimits(t, u, account.UnknownDevice, p); err != nil {
		return nil, err
	}
	right, err := sms.Consume(t, u, backendChallenge(p), digits)
	switch {
	case errors.Is(err, apierr.New(apierr.VerificationExpired)): // the user's factors changed
		ended := *c
		ended.Expires = min(c.Expires, t.Now)
		return &ended, nil
	case err != nil:
		return nil, err
	case !right:
		audit.Record(t, u, eventtype.CodeWrong, p.Subject())
		recordFailure(t, u, account.UnknownDevice)
		return c, recordNumberFailure(t, p)
	}
	c.Former = nil
	c.Accepted, p.Backend = t.Now, c // it stays, so that a repeat is recognized
	t.Put(u)
	return c, acceptedByBackend(t, u, p)
}

// acceptedByBackend verifies a number whose right code the team's server gave. An enrolment as a
// second factor ends, because only the session that began it may complete it.
func acceptedByBackend(t *tx.Tx, u *account.User, p *account.Phone) error {
	if p.Verified != 0 {
		audit.Record(t, u, eventtype.FactorUsed, p.Subject())
		return nil
	}
	p.CancelEnrolment()
	p.Pending = nil
	return claimPhone(t, u, p, account.ByBackendCode)
}
