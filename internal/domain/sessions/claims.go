package sessions

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/claims"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
)

// customClaims returns the claims that the settings add to the tokens of a user, or nil. The error
// is session_claims_too_large if they are too large for a token.
func customClaims(set *account.Settings, u *account.User) (json.RawMessage, error) {
	if set.SessionClaims == nil {
		return nil, nil
	}
	template, err := claims.Parse(set.SessionClaims)
	if err != nil {
		return nil, fmt.Errorf("stored template of claims: %w", err)
	}
	made, err := template.Claims(claimsOf(u))
	if errors.Is(err, claims.ErrTooLarge) {
		return nil, apierr.New(apierr.SessionClaimsTooLarge)
	}
	return made, err
}

// claimsOf returns what a template may name of a user.
func claimsOf(u *account.User) claims.User {
	of := claims.User{
		ID: u.WireID(), ExternalID: u.ExternalID, Username: u.Username, FirstName: u.FirstName, LastName: u.LastName,
		TwoFactor: u.TwoFactorEnabled(), Public: u.Public, Unsafe: u.Unsafe,
	}
	if e := u.PrimaryEmail(); e != nil {
		of.PrimaryEmail, of.EmailVerified = e.Address, true
	}
	if p := u.FindPhone(func(p *account.Phone) bool { return p.Primary }); p != nil {
		of.PrimaryPhone, of.PhoneVerified = p.Number, p.Verified != 0
	}
	return of
}

// CheckClaims refuses a user whose claims are too large for a token.
func CheckClaims(t *tx.Tx, u *account.User) error {
	_, err := customClaims(&t.State.Settings, u)
	return err
}

// KeepClaims runs a change of a user, and refuses it if it makes the user's claims too large.
// Claims that are too large already stop no change: the template changed since.
func KeepClaims(t *tx.Tx, u *account.User, change func() error) error {
	before := CheckClaims(t, u)
	if err := change(); err != nil || before != nil {
		return err
	}
	return CheckClaims(t, u)
}
