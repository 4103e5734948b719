package migration

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/admin"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/eventtype"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// ImportUser makes a user as another instance exported it, with the same ids. It returns
// [ErrUserExists] and changes nothing when a user has that id. It returns
// [apierr.FormIdentifierExists] when another user has one of the identifiers, and else the name of
// a malformed field.
func (s *Service) ImportUser(ctx context.Context, p Export) error {
	id := account.BareID(account.PrefixUser, p.ID)
	if id == "" {
		return malformed("id")
	}
	return s.Update(ctx, []store.Key{{Kind: store.KindUser, ID: id}}, func(t *tx.Tx) error {
		there, err := tx.Load[*account.User](t, store.Key{Kind: store.KindUser, ID: id})
		if err != nil {
			return err
		}
		switch {
		case there != nil && there.Erasing != nil: // a deletion was interrupted
			return apierr.New(apierr.ResourceLocked)
		case there != nil:
			return ErrUserExists
		}
		u, err := p.user(id)
		if err != nil {
			return err
		}
		if err := importExported(t, u, p); err != nil {
			return err
		}
		if err := checkRPID(t, u); err != nil {
			return err
		}
		if err := admin.ClaimAll(t, u); err != nil {
			return err
		}
		audit.Record(t, u, eventtype.UserCreated, account.Subject{})
		return nil
	})
}

// ErrUserExists is the error of [Service.ImportUser] when a user has the id.
var ErrUserExists = errors.New("migration: a user with that id exists")

func malformed(field string) *apierr.Error {
	return apierr.New(apierr.FormParamValueInvalid).Param(field)
}

// user returns the user without the secrets. It checks every value that becomes a key or an address
// in the store: the file is input like any other.
func (p Export) user(id string) (*account.User, error) {
	u := &account.User{
		ID: id, Username: p.Username, FirstName: p.FirstName, LastName: p.LastName, ExternalID: p.ExternalID,
		Public: p.PublicMetadata, Private: p.PrivateMetadata, Unsafe: p.UnsafeMetadata, Password: p.PasswordDigest, PasswordAt: p.PasswordSetAt,
		FirstFailures: p.FirstFactor, SecondFailures: p.SecondFactor, FailureLog: p.FailureTimes, SMSLog: p.TextsSent, Notices: p.NoticesSent, NewNumberLog: p.NumbersAdded,
		Banned: p.Banned, LockedUntil: p.LockedUntil, RequiredFrom: p.MFARequiredFrom, SessionsEndedAt: p.SessionsEndedAt, LastSignInAt: p.LastSignInAt,
		RecoveryLog: p.Recoveries, RecoveryNotices: p.RecoveryNotices, Language: p.Language,
		StrandedAt: p.StrandedAt, MFAEnabledAt: p.MFAEnabledAt, MFADisabledAt: p.MFADisabledAt, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if err := p.checkImported(); err != nil {
		return nil, err
	}
	if err := p.checkDigests(); err != nil {
		return nil, err
	}
	for _, e := range p.EmailAddresses {
		address, err := identifier.ParseEmail(e.Address)
		random := account.EmailText(id, e.ID)
		if random == "" || err != nil {
			return nil, malformed("email_addresses")
		}
		added := account.NewEmail(u, random, address, e.CreatedAt)
		if u.Email(added.ID) != nil {
			return nil, malformed("email_addresses")
		}
		added.Unverified, added.Primary, added.UpdatedAt = e.Unverified, e.Primary, e.UpdatedAt
		u.Emails = append(u.Emails, added)
	}
	for _, n := range p.PhoneNumbers {
		tail, ok := strings.CutPrefix(n.ID, account.PrefixID+id)
		number, err := phone.Normalize(n.Number)
		if !ok || !account.IsID(tail) || err != nil || number != n.Number || u.PhoneBy(number) != nil || u.Phone(n.ID) != nil || !named(n.Name) {
			return nil, malformed("phone_numbers")
		}
		u.Phones = append(u.Phones, account.Phone{
			ID: n.ID, Tail: tail, Number: n.Number, Name: n.Name, Used: n.LastUsedAt, Country: n.Country, Line: n.Line, Verified: n.VerifiedAt, By: n.VerifiedBy, Reserved: n.Reserved, Default: n.Default, Lost: n.Lost,
			Primary: n.Primary, Failures: n.Failures, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
		})
	}
	return u, p.addPasskeys(u)
}

// named reports whether a text is a right name of a factor, as it is stored.
func named(text string) bool {
	name, err := mfa.ReadName(text)
	return err == nil && name == text
}

// checkDigests limits the cost of comparisons with the digests, as [Service.CreateUser] does.
func (p Export) checkDigests() error {
	if cost, err := password.Cost(p.PasswordDigest); p.PasswordDigest != "" && (err != nil || cost > password.MostImported) {
		return malformed("password_digest")
	}
	c := p.BackupCodes
	if c == nil {
		return nil
	}
	bcryptOnly := !slices.ContainsFunc(c.BCrypt, func(digest string) bool { return !strings.HasPrefix(digest, "$2") })
	if len(c.Unused)+len(c.Used)+len(c.BCrypt) > account.BackupCodesPerUser || !bcryptOnly || !tx.ImportableDigests(c.BCrypt) {
		return malformed("backup_codes")
	}
	return nil
}

// importExported seals the exported secrets under the keys of this instance.
func importExported(t *tx.Tx, u *account.User, p Export) error {
	if f := p.TOTP; f != nil {
		key, err := totp.ParseSecret(f.Secret.Reveal())
		id := account.BareID(account.PrefixTOTP, f.ID)
		if err != nil || id == "" || !named(f.Name) {
			return malformed("totp")
		}
		u.TOTP = &account.TOTP{ID: id, Name: f.Name, Used: f.LastUsedAt, Verified: f.VerifiedAt, LastStep: f.LastStep, Failures: f.Failures, CreatedAt: f.CreatedAt}
		if err := mfa.SealSecret(t, u, key); err != nil {
			return err
		}
	}
	c := p.BackupCodes
	if c == nil {
		return nil
	}
	id, named := strings.CutPrefix(c.ID, account.PrefixBackup)
	key, err := base64.StdEncoding.DecodeString(c.Key.Reveal())
	if err != nil || !named || id == "" || len(key) != len(seal.OwnerKey{}) {
		return malformed("backup_codes")
	}
	b := &account.BackupSet{ID: id, Imported: c.BCrypt, Foreign: c.Foreign, Failures: c.Failures, CreatedAt: c.CreatedAt}
	for _, tags := range []struct {
		from [][]byte
		to   *[]byte
	}{{c.Unused, &b.Tags}, {c.Used, &b.Used}} {
		for _, tag := range tags.from {
			if len(tag) != account.BackupTagSize {
				return malformed("backup_codes")
			}
			*tags.to = append(*tags.to, tag...)
		}
	}
	u.Backup = b
	return mfa.SealBackupKey(t.Engine, u, b, seal.OwnerKey(key))
}

// lastDate is the last date that the Backend API takes: in the year 2286.
const lastDate = account.Instant(9_999_999_999_999)

// checkImported refuses an exported user with more identifiers than one commit can claim, with a
// date that the Backend API refuses, or with a username that no sign-in finds.
func (p Export) checkImported() error {
	switch {
	case p.Language != "" && !language.Known(string(p.Language)):
		return malformed("language")
	case len(p.EmailAddresses) > account.ImportedPerUser:
		return account.TooMany("email_addresses")
	case len(p.EmailAddresses)+len(p.PhoneNumbers) > account.ImportedPerUser:
		return account.TooMany("phone_numbers")
	case p.MFARequiredFrom < 0 || p.MFARequiredFrom > lastDate:
		return malformed("mfa_required_from")
	case p.Username != "":
		return admin.CheckUsername(p.Username)
	}
	return nil
}
