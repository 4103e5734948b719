package mfa

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
)

// UserInput is the body of a new user.
type UserInput struct {
	Username, FirstName, LastName, ExternalID string
	Emails                                    []string
	Phones                                    []string // verified from the start
	ReservedPhones                            []string // verified and reserved for the second factor
	Password                                  secret.Value
	PasswordDigest, PasswordHasher            string
	SkipPasswordChecks                        bool
	TOTPSecret                                secret.Value
	BackupCodes                               []secret.Value // plain, or bcrypt digests
	Public, Private, Unsafe                   json.RawMessage
	CreatedAt                                 Instant // elsewhere; 0 is now
	Banned, Locked                            bool
}

// admin runs an operation of the team's own servers on one user.
func (s *Service) admin(ctx context.Context, id string, do func(*txn, *User) error) error {
	k := Key{KindUser, bareID(prefixUser, id)}
	return s.update(ctx, []Key{k}, func(t *txn) error {
		u, err := t.user(k.ID)
		if err != nil {
			return err
		}
		if u == nil {
			return apierr.New(apierr.ResourceNotFound)
		}
		t.byBackend = true
		return do(t, u)
	})
}

func (s *Service) adminUser(ctx context.Context, id string, do func(*txn, *User) error) (*User, error) {
	var out *User
	err := s.admin(ctx, id, func(t *txn, u *User) error {
		out = u
		return do(t, u)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// CreateUser makes a user, with everything that another service knew of it.
func (s *Service) CreateUser(ctx context.Context, in UserInput) (*User, error) {
	if err := in.checkInput(); err != nil {
		return nil, err
	}
	digest, err := s.importPassword(ctx, in)
	if err != nil {
		return nil, err
	}
	var out *User
	err = s.update(ctx, nil, func(t *txn) error {
		id, err := s.randomID()
		if err != nil {
			return err
		}
		u := &User{
			ID: id, Username: in.Username, FirstName: in.FirstName, LastName: in.LastName, ExternalID: in.ExternalID,
			Public: in.Public, Private: in.Private, Unsafe: in.Unsafe, CreatedAt: t.now, UpdatedAt: t.now, Banned: in.Banned, policy: t.policy(),
		}
		if err := u.importState(in, t.now); err != nil {
			return err
		}
		if err := u.checkProfile(UserChange{FirstName: &in.FirstName, LastName: &in.LastName, ExternalID: &in.ExternalID, Public: in.Public, Private: in.Private, Unsafe: in.Unsafe}); err != nil {
			return err
		}
		if digest != "" {
			u.Password, u.PasswordAt = digest, t.now
		}
		t.byBackend = true
		t.record(u, EventUserCreated, subject{})
		if err := t.importIdentifiers(u, in); err != nil {
			return err
		}
		if err := t.importFactors(u, in); err != nil {
			return err
		}
		u.settleFactors(t.now)
		t.put(u)
		out = u
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// importState takes over since when a user is there and whether somebody keeps it out.
func (u *User) importState(in UserInput, now Instant) error {
	if in.CreatedAt < 0 || in.CreatedAt > now {
		return apierr.New(apierr.FormParamValueInvalid).Param("created_at")
	}
	if in.CreatedAt != 0 {
		u.CreatedAt = in.CreatedAt
	}
	if in.Locked {
		u.LockedUntil = now.Add(lockTime)
	}
	return nil
}

func (s *Service) importPassword(ctx context.Context, in UserInput) (string, error) {
	if in.PasswordDigest != "" {
		digest, err := password.ParseDigest(in.PasswordHasher, in.PasswordDigest)
		if err != nil {
			return "", apierr.New(apierr.FormParamValueInvalid).Param("password_digest")
		}
		return digest, nil
	}
	if in.Password.IsZero() {
		return "", nil
	}
	return s.hashPassword(ctx, in.Password, in.SkipPasswordChecks)
}

func (s *Service) hashPassword(ctx context.Context, pw secret.Value, skip bool) (string, error) {
	if !skip {
		if err := password.Check(pw); err != nil {
			return "", passwordError(err)
		}
	}
	digest, err := s.passwords.Hash(ctx, pw)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return digest, nil
}

func (t *txn) importIdentifiers(u *User, in UserInput) error {
	for _, address := range in.Emails {
		if err := t.addEmail(u, address); err != nil {
			return err
		}
	}
	if u.Username != "" {
		if err := t.claim("username", strings.ToLower(u.Username), u, "username"); err != nil {
			return err
		}
	}
	for _, n := range in.Phones {
		if err := t.importPhone(u, n, false); err != nil {
			return err
		}
	}
	for _, n := range in.ReservedPhones {
		if err := t.importPhone(u, n, true); err != nil {
			return err
		}
	}
	return nil
}

func (t *txn) addEmail(u *User, address string) error {
	address = strings.ToLower(strings.TrimSpace(address))
	if !isEmail(address) {
		return apierr.New(apierr.FormParamFormatInvalid).Param("email_address")
	}
	if err := t.claim("email", address, u, "email_address"); err != nil {
		return err
	}
	id, err := t.s.randomID()
	if err != nil {
		return err
	}
	u.Emails = append(u.Emails, Email{ID: prefixID + id, Address: address, CreatedAt: t.now})
	return nil
}

func (t *txn) importPhone(u *User, text string, reserved bool) error {
	n, err := t.s.number(text)
	if err != nil {
		return err
	}
	if u.phoneBy(n.E164()) != nil {
		return apierr.New(apierr.FormIdentifierExists).Param("phone_number")
	}
	if err := t.claim("phone", n.E164(), u, "phone_number"); err != nil {
		return err
	}
	if reserved {
		if _, err := t.checkDestination(n); err != nil {
			return err
		}
	}
	p := t.s.newPhone(u, n, t.now)
	p.Verified, p.Reserved, p.Primary = t.now, reserved, !reserved && len(u.Phones) == 0
	u.Phones = append(u.Phones, p)
	t.record(u, EventNumberVerified, p.subject())
	if reserved {
		t.record(u, EventFactorAdded, p.subject())
	}
	return nil
}

func (t *txn) importFactors(u *User, in UserInput) error {
	if !in.TOTPSecret.IsZero() {
		key, err := totp.ParseSecret(in.TOTPSecret.Reveal())
		if err != nil {
			return apierr.New(apierr.InvalidTOTPSecretCode).Param("totp_secret")
		}
		if u.TOTPEnabled() {
			t.record(u, EventFactorRemoved, u.TOTP.subject())
		}
		if err := t.bindSecret(u, key); err != nil {
			return err
		}
		u.TOTP.Verified = t.now
		t.record(u, EventFactorAdded, u.TOTP.subject())
	}
	if len(in.BackupCodes) > 0 {
		return t.importBackupCodes(u, in.BackupCodes)
	}
	return nil
}

// backupCodesPerUser bounds an import.
const backupCodesPerUser = 20

func (t *txn) importBackupCodes(u *User, codes []secret.Value) error {
	invalid := apierr.New(apierr.FormParamValueInvalid).Param("backup_codes")
	if len(codes) > backupCodesPerUser {
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
		if !importable(text) {
			return invalid
		}
		plain = append(plain, text)
	}
	if !importableDigests(digests) {
		return invalid
	}
	if !u.TwoFactorEnabled() { // they stand in for a factor, and none is kept without one
		return nil
	}
	if err := t.bindBackupCodes(u, plain); err != nil {
		return err
	}
	u.Backup.Imported, u.Backup.Foreign = digests, u.Backup.Foreign || len(digests) > 0
	t.record(u, EventBackupMade, u.Backup.subject())
	return nil
}

// User returns a user.
func (s *Service) User(ctx context.Context, id string) (*User, error) {
	return s.adminUser(ctx, id, func(*txn, *User) error { return nil })
}

// UserChange is the body of a change; nil leaves a field as it is.
type UserChange struct {
	Username, FirstName, LastName, ExternalID *string
	Password                                  *secret.Value
	PasswordDigest, PasswordHasher            string
	SkipPasswordChecks, SignOutOthers         bool
	TOTPSecret                                *secret.Value
	BackupCodes                               []secret.Value
	Public, Private, Unsafe                   json.RawMessage
}

// UpdateUser changes a user. A new password clears the failure log and the password's own budget.
func (s *Service) UpdateUser(ctx context.Context, id string, in UserChange) (*User, error) {
	var imported UserInput
	imported.PasswordDigest, imported.PasswordHasher, imported.SkipPasswordChecks = in.PasswordDigest, in.PasswordHasher, in.SkipPasswordChecks
	if in.Password != nil {
		imported.Password = *in.Password
	}
	digest, err := s.importPassword(ctx, imported)
	if err != nil {
		return nil, err
	}
	return s.adminUser(ctx, id, func(t *txn, u *User) error {
		if err := t.rename(u, in); err != nil {
			return err
		}
		if digest != "" {
			u.Password, u.PasswordAt, u.FailureLog = digest, t.now, nil
			u.FirstFailures.clear()
			u.cancelEnrolments()
			t.record(u, EventPasswordSet, subject{})
			if in.SignOutOthers {
				t.signOutAll(u)
			}
		}
		factors := UserInput{BackupCodes: in.BackupCodes}
		if in.TOTPSecret != nil {
			factors.TOTPSecret = *in.TOTPSecret
		}
		if err := t.importFactors(u, factors); err != nil {
			return err
		}
		u.settleFactors(t.now)
		t.record(u, EventUserUpdated, subject{})
		return nil
	})
}

func (t *txn) rename(u *User, in UserChange) error {
	if in.Username != nil && *in.Username != u.Username {
		if err := t.changeUsername(u, *in.Username); err != nil {
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
	for _, m := range []struct{ to, from *json.RawMessage }{{&u.Public, &in.Public}, {&u.Private, &in.Private}, {&u.Unsafe, &in.Unsafe}} {
		if *m.from != nil {
			*m.to = *m.from
		}
	}
	return u.checkProfile(in)
}

// changeUsername gives a user another username; "" takes it away. One from before the rules of [checkUsername] may stay, but not change.
func (t *txn) changeUsername(u *User, name string) error {
	if name != "" {
		if err := checkUsername(name); err != nil {
			return err
		}
	}
	was, is := strings.ToLower(u.Username), strings.ToLower(name)
	if was == is {
		return nil
	}
	if err := t.release("username", was, u); err != nil {
		return err
	}
	if name == "" {
		return nil
	}
	return t.claim("username", is, u, "username")
}
