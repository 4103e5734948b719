package account

import (
	"encoding/json"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Entity is a decoded record. The JSON of these types is the stored form; a golden test freezes it.
type Entity interface {
	Key() store.Key
	SetKey(store.Key, uint64)
	StoredVersion() uint64
	// NextExpiry returns when the first part of the record expires; the zero time means never.
	NextExpiry() time.Time
	// EndsAt returns when the whole record has expired, so that the cleanup deletes it; the zero
	// time means never.
	EndsAt() time.Time
}

// Base is what the small records have in common.
type Base struct {
	ID      store.Key `json:"-"`
	Version uint64    `json:"-"`
}

// Key implements [Entity].
func (b *Base) Key() store.Key { return b.ID }

// SetKey implements [Entity].
func (b *Base) SetKey(k store.Key, v uint64) { b.ID, b.Version = k, v }

// StoredVersion implements [Entity].
func (b *Base) StoredVersion() uint64 { return b.Version }

// NextExpiry implements [Entity].
func (b *Base) NextExpiry() time.Time { return time.Time{} }

// EndsAt implements [Entity].
func (b *Base) EndsAt() time.Time { return time.Time{} }

// Claim makes an identifier unique over all users: its key is the identifier's keyed hash. A claim
// without a user counts wrong passwords for an identifier without an account, so that neither
// answers nor their cost tell that there is no account.
type Claim struct {
	Base
	User     string         `json:"u,omitempty"`
	Failures FailureCounter `json:"b1,omitzero"`
	Expires  Instant        `json:"e,omitempty"`
}

// UnclaimedKept is how long wrong passwords for an identifier without an account are remembered.
const UnclaimedKept = failureWindow

// NextExpiry implements [Entity].
func (c *Claim) NextExpiry() time.Time { return c.EndsAt() }

// EndsAt implements [Entity]: never while the claim has a user.
func (c *Claim) EndsAt() time.Time {
	if c.User != "" {
		return time.Time{}
	}
	return c.Expires.Time()
}

// Ticket is a sign-in token of the Backend API. It stands for the first factor only.
type Ticket struct {
	Base
	User       string  `json:"us"`
	SecretHash []byte  `json:"h"`
	Used       Instant `json:"ud,omitempty"`
	Revoked    Instant `json:"r,omitempty"`
	CreatedAt  Instant `json:"c"`
	UpdatedAt  Instant `json:"u"`
	Expires    Instant `json:"e"`
}

// ticketKept is how long an expired ticket is kept, so that a second use gets the right error.
const ticketKept = 24 * time.Hour

// NextExpiry implements [Entity].
func (t *Ticket) NextExpiry() time.Time { return t.EndsAt() }

// EndsAt implements [Entity].
func (t *Ticket) EndsAt() time.Time { return t.Expires.Add(ticketKept).Time() }

// WireID returns the id that clients see.
func (t *Ticket) WireID() string { return PrefixTicket + t.ID.ID }

// UserID returns the wire id of the ticket's user.
func (t *Ticket) UserID() string { return PrefixUser + t.User }

// Status returns the status on the wire: pending, accepted, revoked or expired.
func (t *Ticket) Status(now Instant) string {
	switch {
	case t.Revoked != 0:
		return "revoked"
	case t.Used != 0:
		return "accepted"
	case t.Expires <= now:
		return "expired"
	}
	return "pending"
}

// NumberRecord holds, over all users, the messages to a number and the wrong codes that were tried
// to verify it.
type NumberRecord struct {
	Base
	Log ratelimit.Log `json:"l"`
	End Instant       `json:"e"`
	// From holds hashes of the addresses that caused messages in this hour.
	From []string `json:"a,omitempty"`
	// Wrong logs the wrong codes.
	Wrong ratelimit.Log `json:"w,omitempty"`
	// Credited is the last UTC day, in days since 1970, whose verified message allows others.
	Credited int64 `json:"d,omitempty"`
	// Sent are the last messages that the network accepted, oldest first. A report that one did not
	// arrive names the number and the time.
	Sent []SentSMS `json:"s,omitempty"`
}

// SentSMS is a message that was handed to the network.
type SentSMS struct {
	SMS string  `json:"i"` // the id of its record
	At  Instant `json:"c"` // of the decision, just before the network accepted it
}

// NextExpiry implements [Entity].
func (s *NumberRecord) NextExpiry() time.Time { return s.EndsAt() }

// EndsAt implements [Entity].
func (s *NumberRecord) EndsAt() time.Time { return s.End.Time() }

// Nonce keeps the answer of a handshake until the app's server fetches it, once.
type Nonce struct {
	Base
	Sealed  []byte  `json:"s"`
	Expires Instant `json:"e"`
}

// NextExpiry implements [Entity].
func (n *Nonce) NextExpiry() time.Time { return n.EndsAt() }

// EndsAt implements [Entity]: long ago for a nonce that a restore invalidated.
func (n *Nonce) EndsAt() time.Time { return max(n.Expires, 1).Time() }

// Encode returns an entity's stored form.
func Encode(e Entity) ([]byte, error) { return json.Marshal(e) }

// UnreadableError is the error of a record that does not decode, or whose sealed text does not
// open.
type UnreadableError struct {
	Record store.Key
	Reason error
}

// Error returns the reason, without the record's key.
func (e *UnreadableError) Error() string { return e.Reason.Error() }

// Unwrap returns the reason.
func (e *UnreadableError) Unwrap() error { return e.Reason }

// SealedText is the stored form of a text that operations see open: the ciphertext, bound to its
// place.
type SealedText struct {
	Cipher []byte
	Holds  string // the text that Cipher holds
}

// IsZero reports whether there is no ciphertext.
func (t SealedText) IsZero() bool { return len(t.Cipher) == 0 }

// MarshalJSON writes the ciphertext.
func (t SealedText) MarshalJSON() ([]byte, error) { return json.Marshal(t.Cipher) }

// UnmarshalJSON reads the ciphertext.
func (t *SealedText) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.Cipher) }

// sealing opens or seals one text: owner is its place, open the text as operations see it.
type sealing func(owner string, open *string, at *SealedText) error

// Sealer is a record with sealed texts; VisitSealed calls do for each.
type Sealer interface{ VisitSealed(do sealing) error }

// CleanupKept is how long the cleanup leaves expired data: longer than every window in which it
// could matter.
const CleanupKept = 24 * time.Hour

// NonceLife is the time in which an app's server must fetch the answer of a handshake.
const NonceLife = time.Minute
