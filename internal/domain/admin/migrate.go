package admin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/countersign-mfa/countersign/internal/crypto/password"
	"github.com/countersign-mfa/countersign/internal/crypto/seal"
	"github.com/countersign-mfa/countersign/internal/crypto/secret"
	"github.com/countersign-mfa/countersign/internal/crypto/totp"
	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/audit"
	"github.com/countersign-mfa/countersign/internal/domain/mfa"
	"github.com/countersign-mfa/countersign/internal/domain/phone"
	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/domain/tx"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Export is all that another instance, or another program, needs to go on with a user: every factor with its secret, and every counter that
// a move must not reset. Sessions, sign-ins and codes under way stay behind. Its JSON is a format that others read (docs/use/moving-away.md), and it
// shows secrets: it belongs into encrypted files only.
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
	FirstFactor     account.FailureCounters `json:"first_factor,omitzero"`
	SecondFactor    account.FailureCounters `json:"second_factor,omitzero"`
	FailureTimes    []int64                 `json:"failures_from_unknown_clients,omitempty"` // seconds since 1970
	TextsSent       ratelimit.Log           `json:"texts_sent,omitempty"`
	NoticesSent     ratelimit.Log           `json:"notices_sent,omitempty"`
	NumbersAdded    ratelimit.Log           `json:"numbers_added,omitempty"`
	Banned          bool                    `json:"banned,omitempty"`
	LockedUntil     account.Instant         `json:"locked_until,omitempty"`
	SessionsEndedAt account.Instant         `json:"sessions_ended_at,omitempty"`
	StrandedAt      account.Instant         `json:"stranded_at,omitempty"`
	LastSignInAt    account.Instant         `json:"last_sign_in_at,omitempty"`
	MFAEnabledAt    account.Instant         `json:"mfa_enabled_at,omitempty"`
	MFADisabledAt   account.Instant         `json:"mfa_disabled_at,omitempty"`
	CreatedAt       account.Instant         `json:"created_at"`
	UpdatedAt       account.Instant         `json:"updated_at"`
}

// ExportedEmail is an e-mail address.
type ExportedEmail struct {
	ID        string          `json:"id"`
	Address   string          `json:"email_address"`
	CreatedAt account.Instant `json:"created_at"`
}

// ExportedPhone is a number.
type ExportedPhone struct {
	ID         string          `json:"id"`
	Number     string          `json:"phone_number"`
	Country    string          `json:"country,omitempty"`
	Line       phone.Line      `json:"line,omitempty"`
	VerifiedAt account.Instant `json:"verified_at,omitempty"`
	VerifiedBy string          `json:"verified_by,omitempty"`
	Reserved   bool            `json:"reserved_for_second_factor,omitempty"`
	Default    bool            `json:"default_second_factor,omitempty"`
	Primary    bool            `json:"primary,omitempty"`
	Failures   int             `json:"failures,omitempty"`
	CreatedAt  account.Instant `json:"created_at"`
	UpdatedAt  account.Instant `json:"updated_at"`
}

// ExportedTOTP is an authenticator app: RFC 6238 with SHA-1, six digits and 30 seconds.
type ExportedTOTP struct {
	ID         string          `json:"id"`
	Secret     Disclosed       `json:"secret"` // base 32
	VerifiedAt account.Instant `json:"verified_at,omitempty"`
	LastStep   int64           `json:"last_step,omitempty"` // no code of this time step or an earlier one may work again
	Failures   int             `json:"failures,omitempty"`
	CreatedAt  account.Instant `json:"created_at"`
}

// ExportedCodes is a set of backup codes. A tag is the first 96 bits of HMAC-SHA-256 of a code's ten lower-case characters under the key.
type ExportedCodes struct {
	ID        string          `json:"id"`
	Key       Disclosed       `json:"key"` // base 64
	Unused    [][]byte        `json:"unused,omitempty"`
	Used      [][]byte        `json:"used,omitempty"`
	BCrypt    []string        `json:"bcrypt,omitempty"` // unused ones that another service made
	Foreign   bool            `json:"foreign,omitempty"`
	Failures  int             `json:"failures,omitempty"`
	CreatedAt account.Instant `json:"created_at"`
}

// Disclosed is a secret that its JSON shows. Everything else prints it as the secret that it is.
type Disclosed struct{ secret.Value }

// MarshalJSON shows the secret.
func (d Disclosed) MarshalJSON() ([]byte, error) { return json.Marshal(d.Reveal()) }

// UnmarshalJSON takes it.
func (d *Disclosed) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return errors.New("a secret is no text")
	}
	d.Value = secret.New(text)
	return nil
}

// ErrOldBackupCodes is what [Engine.ExportUsers] passes, with all the rest, for a user whose set of backup codes is from before sets
// ReadFactors keys of their own: its codes cannot be checked anywhere else.
var ErrOldBackupCodes = errors.New("backup codes from before they could be moved")

// exportBatch is how many users are read at a time: some megabytes, and few times through a store that reads all of itself to list a part.
const exportBatch = 5000

// ExportUsers calls do for every user, in the order of ids. It holds a page of them at a time.
func (s *Service) ExportUsers(ctx context.Context, do func(Export, error) error) error {
	after := ""
	for {
		records, err := s.Store.List(ctx, store.KindUser, after, exportBatch)
		if err != nil {
			return fmt.Errorf("list users: %w", err)
		}
		for _, r := range records {
			after = r.Key.ID
			e, _, err := s.Decode(r)
			if err != nil {
				return err
			}
			u := e.(*account.User)
			if u.Erasing != nil {
				continue
			}
			if !s.RestoredAt.IsZero() {
				account.InvalidateBefore(u, account.At(s.RestoredAt))
			}
			p, err := s.exportUser(u)
			if err != nil && !errors.Is(err, ErrOldBackupCodes) {
				return fmt.Errorf("%s: %w", u.WireID(), err)
			}
			if err := do(p, err); err != nil {
				return err
			}
		}
		if len(records) < exportBatch {
			return nil
		}
	}
}

func (s *Service) exportUser(u *account.User) (Export, error) {
	p := Export{
		ID: u.WireID(), Username: u.Username, FirstName: u.FirstName, LastName: u.LastName, ExternalID: u.ExternalID,
		PublicMetadata: u.Public, PrivateMetadata: u.Private, UnsafeMetadata: u.Unsafe, PasswordDigest: u.Password, PasswordSetAt: u.PasswordAt,
		FirstFactor: u.FirstFailures, SecondFactor: u.SecondFailures, FailureTimes: u.FailureLog, TextsSent: u.SMSLog, NoticesSent: u.Notices, NumbersAdded: u.NewNumberLog,
		Banned: u.Banned, LockedUntil: u.LockedUntil, SessionsEndedAt: u.SessionsEndedAt, LastSignInAt: u.LastSignInAt,
		StrandedAt: u.StrandedAt, MFAEnabledAt: u.MFAEnabledAt, MFADisabledAt: u.MFADisabledAt, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt,
	}
	for _, e := range u.Emails {
		p.EmailAddresses = append(p.EmailAddresses, ExportedEmail(e))
	}
	for _, n := range u.Phones {
		p.PhoneNumbers = append(p.PhoneNumbers, ExportedPhone{
			ID: n.ID, Number: n.Number, Country: n.Country, Line: n.Line, VerifiedAt: n.Verified, VerifiedBy: n.By, Reserved: n.Reserved, Default: n.Default,
			Primary: n.Primary, Failures: n.Failures, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
		})
	}
	if f := u.TOTP; u.TOTPEnabled() {
		key, err := mfa.OpenSecret((&tx.Tx{Engine: s.Engine}), u)
		if err != nil {
			return p, err
		}
		p.TOTP = &ExportedTOTP{ID: f.WireID(), Secret: Disclosed{key}, VerifiedAt: f.Verified, LastStep: f.LastStep, Failures: f.Failures, CreatedAt: f.CreatedAt}
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

// ImportUser makes a user as another instance had it, with its ids. Errors: [ErrUserExists] when there is a user with that id, which stays
// as it is; [apierr.FormIdentifierExists] when another user has one of the identifiers; otherwise what is wrong with p.
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
		case there != nil && there.Erasing != nil: // its deletion was interrupted
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
		if err := claimAll(t, u); err != nil {
			return err
		}
		audit.Record(t, u, account.EventUserCreated, account.Subject{})
		return nil
	})
}

// ErrUserExists is what [Engine.ImportUser] returns when there is a user with the id.
var ErrUserExists = errors.New("mfa: there is a user with that id")

// claimAll makes a restored user's identifiers its own.
func claimAll(t *tx.Tx, u *account.User) error {
	if err := t.Read(claimsOf(t, u)...); err != nil {
		return err
	}
	if u.Username != "" {
		if err := t.Claim("username", strings.ToLower(u.Username), u, "username"); err != nil {
			return err
		}
	}
	for _, e := range u.Emails {
		if err := t.Claim("email", e.Address, u, "email_address"); err != nil {
			return err
		}
	}
	for i := range u.Phones {
		if u.Phones[i].Verified == 0 {
			continue
		}
		if err := t.Claim("phone", u.Phones[i].Number, u, "phone_number"); err != nil {
			return err
		}
	}
	return nil
}

func malformed(field string) error { return apierr.New(apierr.FormParamValueInvalid).Param(field) }

// User is the user without its secrets. What would be a key or an address in the store is checked; a file is input like any other.
func (p Export) user(id string) (*account.User, error) {
	u := &account.User{
		ID: id, Username: p.Username, FirstName: p.FirstName, LastName: p.LastName, ExternalID: p.ExternalID,
		Public: p.PublicMetadata, Private: p.PrivateMetadata, Unsafe: p.UnsafeMetadata, Password: p.PasswordDigest, PasswordAt: p.PasswordSetAt,
		FirstFailures: p.FirstFactor, SecondFailures: p.SecondFactor, FailureLog: p.FailureTimes, SMSLog: p.TextsSent, Notices: p.NoticesSent, NewNumberLog: p.NumbersAdded,
		Banned: p.Banned, LockedUntil: p.LockedUntil, SessionsEndedAt: p.SessionsEndedAt, LastSignInAt: p.LastSignInAt,
		StrandedAt: p.StrandedAt, MFAEnabledAt: p.MFAEnabledAt, MFADisabledAt: p.MFADisabledAt, CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt,
	}
	if err := p.checkImported(); err != nil {
		return nil, err
	}
	if err := p.checkDigests(); err != nil {
		return nil, err
	}
	for _, e := range p.EmailAddresses {
		if account.BareID(account.PrefixID, e.ID) == "" || !isEmail(e.Address) || e.Address != strings.ToLower(e.Address) {
			return nil, malformed("email_addresses")
		}
		u.Emails = append(u.Emails, account.Email(e))
	}
	for _, n := range p.PhoneNumbers {
		tail, ok := strings.CutPrefix(n.ID, account.PrefixID+id)
		number, err := phone.Normalize(n.Number)
		if !ok || !account.IsID(tail) || err != nil || number != n.Number || u.PhoneBy(number) != nil || u.Phone(n.ID) != nil {
			return nil, malformed("phone_numbers")
		}
		u.Phones = append(u.Phones, account.Phone{
			ID: n.ID, Tail: tail, Number: n.Number, Country: n.Country, Line: n.Line, Verified: n.VerifiedAt, By: n.VerifiedBy, Reserved: n.Reserved, Default: n.Default,
			Primary: n.Primary, Failures: n.Failures, CreatedAt: n.CreatedAt, UpdatedAt: n.UpdatedAt,
		})
	}
	return u, nil
}

// checkDigests bounds what comparisons with the digests would cost, as at an import.
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

// importExported seals what came along with the keys of this instance.
func importExported(t *tx.Tx, u *account.User, p Export) error {
	if f := p.TOTP; f != nil {
		key, err := totp.ParseSecret(f.Secret.Reveal())
		id := account.BareID(account.PrefixTOTP, f.ID)
		if err != nil || id == "" {
			return malformed("totp")
		}
		u.TOTP = &account.TOTP{ID: id, Verified: f.VerifiedAt, LastStep: f.LastStep, Failures: f.Failures, CreatedAt: f.CreatedAt}
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

// ImportSettings makes settings of another instance those of this one, unless it has some. It says whether it did.
func (s *Service) ImportSettings(ctx context.Context, from account.Settings) (bool, error) {
	restored := false
	err := s.Update(ctx, []store.Key{account.SettingsKey}, func(t *tx.Tx) error {
		stored := t.Seen[account.SettingsKey].(*account.Settings)
		if restored = stored.Version == 0; !restored {
			return nil
		}
		set, defaults := from, account.DefaultSettings()
		set.Base, set.Trail = stored.Base, nil
		audit.AppendEntry(t, &set, account.AuditEntry{Name: account.EventSettingsChanged, At: t.Now, Backend: true, Fields: set.Changed(&defaults)})
		return nil
	})
	s.Cache.Put(nil)
	return restored, err
}
