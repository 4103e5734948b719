package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/sms"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
	"github.com/countersign-mfa/countersign/internal/store"
)

// UserInput is the body of a new user.
type UserInput struct {
	Username, FirstName, LastName, ExternalID string
	Emails                                    []string
	Phones                                    []string // verified from the start
	ReservedPhones                            []string // verified and reserved for the second factor
	Region                                    string   // of numbers without a country code
	Password                                  secret.Value
	PasswordDigest, PasswordHasher            string
	SkipPasswordChecks                        bool
	TOTPSecret                                secret.Value
	BackupCodes                               []secret.Value // plain, or bcrypt digests
	Public, Private, Unsafe                   json.RawMessage
	CreatedAt                                 account.Instant // elsewhere; 0 is now
	Banned, Locked                            bool
	Required                                  MFARequirement
}

// CreateUser makes a user, with the factors and state that another service had.
func (s *Service) CreateUser(ctx context.Context, in UserInput) (*account.User, error) {
	if err := in.checkInput(); err != nil {
		return nil, err
	}
	digest, err := s.importPassword(ctx, in)
	if err != nil {
		return nil, err
	}
	var out *account.User
	err = s.Update(ctx, in.claims(s.Engine), func(t *tx.Tx) error {
		id, err := s.RandomID()
		if err != nil {
			return err
		}
		u := &account.User{
			ID: id, Username: in.Username, FirstName: typed.PlainName(in.FirstName), LastName: typed.PlainName(in.LastName), ExternalID: in.ExternalID,
			Public: in.Public, Private: in.Private, Unsafe: in.Unsafe, CreatedAt: t.Now, UpdatedAt: t.Now, Banned: in.Banned,
		}
		if err := importState(u, in, t.Now); err != nil {
			return err
		}
		if err := checkProfile(u, UserChange{FirstName: &in.FirstName, LastName: &in.LastName, ExternalID: &in.ExternalID, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe}); err != nil {
			return err
		}
		if digest != "" {
			u.Password, u.PasswordAt = digest, t.Now
		}
		t.Attach(u)
		t.ByBackend = true
		audit.Record(t, u, eventtype.UserCreated, account.Subject{})
		if err := in.Required.apply(t, u); err != nil {
			return err
		}
		if err := importIdentifiers(t, u, in); err != nil {
			return err
		}
		if err := importFactors(t, u, in); err != nil {
			return err
		}
		if err := sessions.CheckClaims(t, u); err != nil {
			return err
		}
		u.SettleFactors(t.Now)
		t.Put(u)
		out = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// claims returns the claims of a new user's identifiers, so that one read finds them all. It leaves
// out a malformed number.
func (in UserInput) claims(s *tx.Engine) []store.Key {
	keys := append(s.ClaimKeys(identifier.Username, in.Username), s.ClaimKeys(identifier.ExternalID, in.ExternalID)...)
	for _, address := range in.Emails {
		keys = append(keys, s.ClaimKeys(identifier.Email, address)...)
	}
	for _, text := range slices.Concat(in.Phones, in.ReservedPhones) {
		if number, err := s.Number(text, in.Region); err == nil {
			keys = append(keys, s.ClaimKey(identifier.Phone, number.E164()))
		}
	}
	return keys
}

// importState takes over the creation time and the lock of another service.
func importState(u *account.User, in UserInput, now account.Instant) error {
	if in.CreatedAt < 0 || in.CreatedAt > now {
		return apierr.New(apierr.FormParamValueInvalid).Param("created_at")
	}
	if in.CreatedAt != 0 {
		u.CreatedAt = in.CreatedAt
	}
	if in.Locked {
		u.LockedUntil = now.Add(account.LockTime)
	}
	return nil
}

func (s *Service) importPassword(ctx context.Context, in UserInput) (string, error) {
	if in.PasswordDigest != "" {
		digest, err := password.ParseDigest(in.PasswordHasher, in.PasswordDigest)
		if err != nil {
			return "", apierr.New(apierr.FormParamValueInvalid).Param("password_digest").Explain("The right value is: " + password.Imported + ".")
		}
		return digest, nil
	}
	if in.Password.IsZero() {
		return "", nil
	}
	if !in.SkipPasswordChecks {
		if err := password.Check(in.Password); err != nil {
			return "", mfa.PasswordError(err, "password")
		}
	}
	digest, err := s.Passwords.Hash(ctx, in.Password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return digest, nil
}

func importIdentifiers(t *tx.Tx, u *account.User, in UserInput) error {
	for _, address := range in.Emails {
		if err := addEmail(t, u, address); err != nil {
			return err
		}
	}
	if u.Username != "" {
		if err := t.Claim(identifier.Username, u.Username, u, "username"); err != nil {
			return err
		}
	}
	if u.ExternalID != "" {
		if err := t.Claim(identifier.ExternalID, u.ExternalID, u, "external_id"); err != nil {
			return err
		}
	}
	for _, n := range in.Phones {
		p, err := importPhone(t, u, n, in.Region)
		if err != nil {
			return err
		}
		p.Primary = len(u.Phones) == 1
	}
	for _, n := range in.ReservedPhones {
		p, err := importPhone(t, u, n, in.Region)
		if err != nil {
			return err
		}
		if err := sms.CheckPhone(t, p); err != nil {
			return err
		}
		p.Reserved = true
		audit.Record(t, u, eventtype.FactorAdded, p.Subject())
	}
	return nil
}

// addEmail claims an e-mail address in any spelling and adds it in its normal form, verified.
func addEmail(t *tx.Tx, u *account.User, text string) error {
	address, err := identifier.ParseEmail(text)
	if err != nil {
		return apierr.New(apierr.FormParamFormatInvalid).Param("email_address")
	}
	if _, err := listEmail(t, u, address); err != nil {
		return err
	}
	return t.Claim(identifier.Email, address, u, "email_address")
}

// listEmail adds an address in its normal form to the user's record, verified, and claims nothing.
// The result points into the user's list. An address that the user has is refused.
func listEmail(t *tx.Tx, u *account.User, address string) (*account.Email, error) {
	if slices.ContainsFunc(u.Emails, func(e account.Email) bool { return identifier.Normal(identifier.Email, e.Address) == address }) {
		return nil, apierr.New(apierr.FormIdentifierExists).Param("email_address")
	}
	id, err := t.Engine.RandomID()
	if err != nil {
		return nil, err
	}
	u.Emails = append(u.Emails, account.NewEmail(u, id, address, t.Now))
	return &u.Emails[len(u.Emails)-1], nil
}

// importPhone adds a number as verified. The result points into the user's list.
func importPhone(t *tx.Tx, u *account.User, text, region string) (*account.Phone, error) {
	n, err := t.Engine.Number(text, region)
	if err != nil {
		return nil, err
	}
	if u.PhoneBy(n.E164()) != nil {
		return nil, apierr.New(apierr.FormIdentifierExists).Param("phone_number")
	}
	if err := t.Claim(identifier.Phone, n.E164(), u, "phone_number"); err != nil {
		return nil, err
	}
	added := t.Engine.NewPhone(u, n, t.Now)
	added.Verified = t.Now
	u.Phones = append(u.Phones, added)
	audit.Record(t, u, eventtype.NumberVerified, added.Subject())
	return &u.Phones[len(u.Phones)-1], nil
}

func importFactors(t *tx.Tx, u *account.User, in UserInput) error {
	if !in.TOTPSecret.IsZero() {
		key, err := totp.ParseSecret(in.TOTPSecret.Reveal())
		if err != nil {
			return apierr.New(apierr.InvalidTOTPSecretCode).Param("totp_secret")
		}
		if u.TOTPEnabled() {
			audit.Record(t, u, eventtype.FactorRemoved, u.TOTP.Subject())
		}
		if err := mfa.BindSecret(t, u, key); err != nil {
			return err
		}
		u.TOTP.Verified = t.Now
		audit.Record(t, u, eventtype.FactorAdded, u.TOTP.Subject())
	}
	if len(in.BackupCodes) > 0 {
		return importBackupCodes(t, u, in.BackupCodes)
	}
	return nil
}

func importBackupCodes(t *tx.Tx, u *account.User, codes []secret.Value) error {
	invalid := apierr.New(apierr.FormParamValueInvalid).Param("backup_codes")
	if len(codes) > account.BackupCodesPerUser {
		return invalid
	}
	var plain, digests []string
	for _, c := range codes {
		text := c.Reveal()
		if strings.HasPrefix(text, "$2") {
			digest, err := password.ParseDigest("bcrypt", text)
			if err != nil {
				return invalid
			}
			digests = append(digests, digest)
			continue
		}
		if !mfa.Importable(text) {
			return invalid
		}
		plain = append(plain, text)
	}
	if !tx.ImportableDigests(digests) {
		return invalid
	}
	if !u.TwoFactorEnabled() { // backup codes replace a factor, so none are kept without one
		return nil
	}
	if err := mfa.BindBackupCodes(t, u, plain); err != nil {
		return err
	}
	u.Backup.Imported, u.Backup.Foreign = digests, u.Backup.Foreign || len(digests) > 0
	audit.Record(t, u, eventtype.BackupMade, u.Backup.Subject())
	return nil
}
