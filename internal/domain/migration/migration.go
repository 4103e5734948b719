// Package migration moves users and settings between instances: it exports them with their secrets
// and imports them.
package migration

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/language"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/sessions"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Service exports and imports users and settings. It is safe for concurrent use.
type Service struct{ *sessions.Service }

// Export is everything that another instance or program needs to take over a user: the factors with
// their secrets, and the counters that a move must not reset. Sessions, sign-ins and pending codes
// stay behind.
//
// Its JSON is a public format (docs/use/moving-away.md). It shows secrets, so it belongs only into
// encrypted files.
type Export struct {
	ID              string                  `json:"id"`
	Username        string                  `json:"username,omitempty"`
	FirstName       string                  `json:"first_name,omitempty"`
	LastName        string                  `json:"last_name,omitempty"`
	ExternalID      string                  `json:"external_id,omitempty"`
	PublicMetadata  json.RawMessage         `json:"public_metadata,omitempty"`
	PrivateMetadata json.RawMessage         `json:"private_metadata,omitempty"`
	UnsafeMetadata  json.RawMessage         `json:"unsafe_metadata,omitempty"`
	PasswordDigest  string                  `json:"password_digest,omitempty"`
	PasswordSetAt   account.Instant         `json:"password_set_at,omitempty"`
	EmailAddresses  []ExportedEmail         `json:"email_addresses,omitempty"`
	PhoneNumbers    []ExportedPhone         `json:"phone_numbers,omitempty"`
	TOTP            *ExportedTOTP           `json:"totp,omitempty"`
	BackupCodes     *ExportedCodes          `json:"backup_codes,omitempty"`
	Passkeys        []ExportedPasskey       `json:"passkeys,omitempty"`
	FirstFactor     account.FailureCounters `json:"first_factor,omitzero"`
	SecondFactor    account.FailureCounters `json:"second_factor,omitzero"`
	// FailureTimes are in Unix seconds.
	FailureTimes    []int64         `json:"failures_from_unknown_clients,omitempty"`
	TextsSent       ratelimit.Log   `json:"texts_sent,omitempty"`
	NoticesSent     ratelimit.Log   `json:"notices_sent,omitempty"`
	Recoveries      ratelimit.Log   `json:"recoveries_requested,omitempty"`
	RecoveryNotices ratelimit.Log   `json:"recovery_notices_sent,omitempty"`
	Language        language.Tag    `json:"language,omitempty"`
	NumbersAdded    ratelimit.Log   `json:"numbers_added,omitempty"`
	Banned          bool            `json:"banned,omitempty"`
	LockedUntil     account.Instant `json:"locked_until,omitempty"`
	MFARequiredFrom account.Instant `json:"mfa_required_from,omitempty"`
	SessionsEndedAt account.Instant `json:"sessions_ended_at,omitempty"`
	StrandedAt      account.Instant `json:"stranded_at,omitempty"`
	LastSignInAt    account.Instant `json:"last_sign_in_at,omitempty"`
	MFAEnabledAt    account.Instant `json:"mfa_enabled_at,omitempty"`
	MFADisabledAt   account.Instant `json:"mfa_disabled_at,omitempty"`
	CreatedAt       account.Instant `json:"created_at"`
	UpdatedAt       account.Instant `json:"updated_at"`
}

// ExportedEmail is an e-mail address.
type ExportedEmail struct {
	ID      string `json:"id"`
	Address string `json:"email_address"`
	// Unverified is set for an address that the user does not sign in with.
	Unverified bool            `json:"unverified,omitempty"`
	Primary    bool            `json:"primary,omitempty"`
	CreatedAt  account.Instant `json:"created_at"`
	UpdatedAt  account.Instant `json:"updated_at,omitempty"`
}

// ExportedPhone is a phone number.
type ExportedPhone struct {
	ID         string          `json:"id"`
	Number     string          `json:"phone_number"`
	Name       string          `json:"name,omitempty"`
	LastUsedAt account.Instant `json:"last_used_at,omitempty"`
	Country    string          `json:"country,omitempty"`
	Line       phone.Line      `json:"line,omitempty"`
	VerifiedAt account.Instant `json:"verified_at,omitempty"`
	VerifiedBy string          `json:"verified_by,omitempty"`
	Reserved   bool            `json:"reserved_for_second_factor,omitempty"`
	Default    bool            `json:"default_second_factor,omitempty"`
	Primary    bool            `json:"primary,omitempty"`
	Lost       bool            `json:"lost,omitempty"` // by a recovery: no first factor
	Failures   int             `json:"failures,omitempty"`
	CreatedAt  account.Instant `json:"created_at"`
	UpdatedAt  account.Instant `json:"updated_at"`
}

// ExportedTOTP is an authenticator app: RFC 6238 with SHA-1, six digits and 30 seconds.
type ExportedTOTP struct {
	ID         string          `json:"id"`
	Secret     Disclosed       `json:"secret"` // base 32
	Name       string          `json:"name,omitempty"`
	LastUsedAt account.Instant `json:"last_used_at,omitempty"`
	VerifiedAt account.Instant `json:"verified_at,omitempty"`
	LastStep   int64           `json:"last_step,omitempty"` // codes up to this time step are used
	Failures   int             `json:"failures,omitempty"`
	CreatedAt  account.Instant `json:"created_at"`
}

// ExportedCodes is a set of backup codes. A tag is the first 96 bits of HMAC-SHA-256 of a code's
// ten lower-case characters under the key.
type ExportedCodes struct {
	ID        string          `json:"id"`
	Key       Disclosed       `json:"key"` // base 64
	Unused    [][]byte        `json:"unused,omitempty"`
	Used      [][]byte        `json:"used,omitempty"`
	BCrypt    []string        `json:"bcrypt,omitempty"` // unused codes of another service
	Foreign   bool            `json:"foreign,omitempty"`
	Failures  int             `json:"failures,omitempty"`
	CreatedAt account.Instant `json:"created_at"`
}

// Disclosed is a secret that JSON shows. All other printing hides it.
type Disclosed struct{ secret.Value }

// MarshalJSON shows the secret.
func (d Disclosed) MarshalJSON() ([]byte, error) { return json.Marshal(d.Reveal()) }

// UnmarshalJSON reads the secret.
func (d *Disclosed) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return errors.New("a secret is no text")
	}
	d.Value = secret.New(text)
	return nil
}

// ErrOldBackupCodes is what [Service.ExportUsers] passes with a user whose backup codes are from
// before sets had keys of their own. No other instance can check those codes; all else is exported.
var ErrOldBackupCodes = errors.New("backup codes from before they could be moved")

// exportBatch is how many users are read at a time at most: some megabytes.
const exportBatch = 5000

// ExportUsers calls do for every user after a position, in the store's order, until at least most
// of them are exported. It returns the position to go on from, "" at the end. It holds one batch of
// users in memory.
func (s *Service) ExportUsers(ctx context.Context, after store.Position, most int, do func(Export, error) error) (store.Position, error) {
	for n := 0; n < most; {
		records, next, err := s.Store.List(ctx, store.KindUser, after, min(exportBatch, most-n))
		if err != nil {
			return "", fmt.Errorf("list users: %w", err)
		}
		for _, r := range records {
			if err := s.exportRecord(r, do); err != nil {
				return "", err
			}
		}
		n += len(records)
		if after = next; after == "" {
			break
		}
	}
	return after, nil
}

// exportRecord calls do for the user of a record, unless the user is being deleted.
func (s *Service) exportRecord(r store.Record, do func(Export, error) error) error {
	e, _, err := s.Decode(r)
	if err != nil {
		return err
	}
	u := e.(*account.User)
	if u.Erasing != nil {
		return nil
	}
	if !s.RestoredAt.IsZero() {
		tx.InvalidateBefore(u, account.At(s.RestoredAt))
	}
	p, err := s.exportUser(u)
	if err != nil && !errors.Is(err, ErrOldBackupCodes) {
		return fmt.Errorf("%s: %w", u.WireID(), err)
	}
	return do(p, err)
}

func (s *Service) exportUser(u *account.User) (Export, error) {
	p := Export{
		ID: u.WireID(), Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, ExternalID: u.ExternalID,
		PublicMetadata: u.Public, PrivateMetadata: u.Private, UnsafeMetadata: u.Unsafe, PasswordDigest: u.Password, PasswordSetAt: u.PasswordAt,
		FirstFactor: u.FirstFailures, SecondFactor: u.SecondFailures, FailureTimes: u.FailureLog, TextsSent: u.SMSLog, NoticesSent: u.Notices, NumbersAdded: u.NewNumberLog,
		Banned: u.Banned, LockedUntil: u.LockedUntil, MFARequiredFrom: u.RequiredFrom, SessionsEndedAt: u.SessionsEndedAt, LastSignInAt: u.LastSignInAt,
		Recoveries: u.RecoveryLog, RecoveryNotices: u.RecoveryNotices, Language: u.Language,
		StrandedAt: u.StrandedAt, MFAEnabledAt: u.MFAEnabledAt, MFADisabledAt: u.MFADisabledAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	for _, e := range u.Emails {
		p.EmailAddresses = append(p.EmailAddresses, ExportedEmail{ID: e.ID, Address: e.Address, Unverified: e.Unverified, Primary: e.Primary, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt})
	}
	for _, n := range u.Phones {
		p.PhoneNumbers = append(p.PhoneNumbers, ExportedPhone{
			ID: n.ID, Number: n.Number, Name: n.Name, LastUsedAt: n.Used, Country: n.Country, Line: n.Line, VerifiedAt: n.Verified, VerifiedBy: n.By, Reserved: n.Reserved, Default: n.Default, Lost: n.Lost,
			Primary: n.Primary, Failures: n.Failures, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
		})
	}
	p.Passkeys = exportPasskeys(u)
	if f := u.TOTP; u.TOTPEnabled() {
		key, err := mfa.OpenSecret((&tx.Tx{Engine: s.Engine}), u)
		if err != nil {
			return p, err
		}
		p.TOTP = &ExportedTOTP{ID: f.WireID(), Secret: Disclosed{key}, Name: f.Name, LastUsedAt: f.Used, VerifiedAt: f.Verified, LastStep: f.LastStep, Failures: f.Failures, CreatedAt: f.CreatedAt}
	}
	return p, s.exportCodes(u, &p)
}

func (s *Service) exportCodes(u *account.User, p *Export) error {
	b := u.Backup
	switch {
	case b == nil:
		return nil
	case !b.HasKey():
		return ErrOldBackupCodes
	}
	key, err := mfa.BackupKey(s.Engine, u, b)
	if err != nil {
		return fmt.Errorf("key of backup codes: %w", err)
	}
	p.BackupCodes = &ExportedCodes{
		ID: mfa.WireID(b), Key: Disclosed{secret.New(base64.StdEncoding.EncodeToString(key[:]))}, Unused: split(b.Tags, b.TagSize()), Used: split(b.Used, b.TagSize()),
		BCrypt: b.Imported, Foreign: b.Foreign, Failures: b.Failures, CreatedAt: b.CreatedAt,
	}
	return nil
}

func split(tags []byte, size int) (out [][]byte) {
	for i := 0; i+size <= len(tags); i += size {
		out = append(out, tags[i:i+size])
	}
	return out
}
