package admin

import (
	"context"
	"encoding/json"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
)

// User returns a user.
func (s *Service) User(ctx context.Context, id string) (*account.User, error) {
	return s.AdminUser(ctx, id, func(*tx.Tx, *account.User) error { return nil })
}

// UserChange is the body of a change of a user; nil leaves a field as it is.
type UserChange struct {
	Username, FirstName, LastName, ExternalID *string
	Password                                  *secret.Value
	PasswordDigest, PasswordHasher            string
	SkipPasswordChecks, SignOutOthers         bool
	TOTPSecret                                *secret.Value
	BackupCodes                               []secret.Value
	Public, Private, Unsafe                   json.RawMessage
	Required                                  MFARequirement
}

// UpdateUser changes a user. A new password clears the failure log and the failures of first
// factors.
func (s *Service) UpdateUser(ctx context.Context, id string, in UserChange) (*account.User, error) {
	var imported UserInput
	imported.PasswordDigest, imported.PasswordHasher, imported.SkipPasswordChecks = in.PasswordDigest, in.PasswordHasher, in.SkipPasswordChecks
	if in.Password != nil {
		imported.Password = *in.Password
	}
	digest, err := s.importPassword(ctx, imported)
	if err != nil {
		return nil, err
	}
	return s.AdminUser(ctx, id, func(t *tx.Tx, u *account.User) error {
		if err := sessions.KeepClaims(t, u, func() error { return ChangeProfile(t, u, in) }); err != nil {
			return err
		}
		if digest != "" {
			u.Password, u.PasswordAt, u.FailureLog = digest, t.Now, nil
			u.FirstFailures.Clear()
			u.CancelEnrolments()
			audit.Record(t, u, eventtype.PasswordSet, account.Subject{})
			if in.SignOutOthers {
				sessions.SignOutAll(t, u)
			}
		}
		factors := UserInput{BackupCodes: in.BackupCodes}
		if in.TOTPSecret != nil {
			factors.TOTPSecret = *in.TOTPSecret
		}
		if err := importFactors(t, u, factors); err != nil {
			return err
		}
		if err := in.Required.apply(t, u); err != nil {
			return err
		}
		u.SettleFactors(t.Now)
		audit.Record(t, u, eventtype.UserUpdated, account.Subject{})
		return nil
	})
}

// ChangeProfile changes names, username, external id and metadata of a user. It stages the claims
// of the usernames, not the user. An error of the catalogue names the parameter at fault.
func ChangeProfile(t *tx.Tx, u *account.User, in UserChange) error {
	if in.Username != nil && *in.Username != u.Username {
		if err := changeUsername(t, u, *in.Username); err != nil {
			return err
		}
	}
	if in.ExternalID != nil {
		if err := changeIdentifier(t, u, identifier.ExternalID, u.ExternalID, *in.ExternalID, "external_id"); err != nil {
			return err
		}
	}
	set := func(to, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&u.Username, in.Username)
	set(&u.FirstName, in.FirstName)
	set(&u.LastName, in.LastName)
	set(&u.ExternalID, in.ExternalID)
	u.FirstName, u.LastName = typed.PlainName(u.FirstName), typed.PlainName(u.LastName)
	Metadata{in.Public, in.Private, in.Unsafe}.replaceIn(u)
	return checkProfile(u, in)
}

// changeUsername changes a username; "" removes it. An existing username may break the rules of
// [CheckUsername], a new one may not.
func changeUsername(t *tx.Tx, u *account.User, name string) error {
	if name != "" {
		if err := CheckUsername(name); err != nil {
			return err
		}
	}
	return changeIdentifier(t, u, identifier.Username, u.Username, name, "username")
}
