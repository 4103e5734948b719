package account

import (
	"encoding/json"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Entity is a record in its decoded form. The JSON of these types is the stored form; a golden test freezes it.
type Entity interface {
	Key() store.Key
	SetKey(store.Key, uint64)
	StoredVersion() uint64
	// NextExpiry is when the first thing in the record runs out; the zero time means never.
	NextExpiry() time.Time
	// EndsAt is when the whole record is dead, so that the cleanup deletes it; the zero time means never.
	EndsAt() time.Time
}

// Base is what the small records have in common.
type Base struct {
	ID      store.Key `json:"-"`
	Version uint64    `json:"-"`
}

func (b *Base) Key() store.Key { return b.ID }

func (b *Base) SetKey(k store.Key, v uint64) { b.ID, b.Version = k, v }

func (b *Base) StoredVersion() uint64 { return b.Version }

func (b *Base) NextExpiry() time.Time { return time.Time{} }

func (b *Base) EndsAt() time.Time { return time.Time{} }

// Claim makes an identifier unique over all users: its key is the identifier's keyed hash. One without a user counts the wrong passwords
// for an identifier that nobody holds, so that neither the answers nor what they cost say that there is no such account.
type Claim struct {
	Base
	User     string         `json:"u,omitempty"`
	Failures FailureCounter `json:"b1,omitzero"`
	Expires  Instant        `json:"e,omitempty"`
}

// UnclaimedKept is how long the wrong passwords for an identifier that nobody holds are remembered.
const UnclaimedKept = failureWindow

func (c *Claim) NextExpiry() time.Time { return c.EndsAt() }

// EndsAt is never while the claim has a user.
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

// ticketKept is how long a dead ticket is remembered, so that its second use gets an honest answer.
const ticketKept = 24 * time.Hour

func (t *Ticket) NextExpiry() time.Time { return t.EndsAt() }

func (t *Ticket) EndsAt() time.Time { return t.Expires.Add(ticketKept).Time() }

// WireID is the id that clients see.
func (t *Ticket) WireID() string { return PrefixTicket + t.ID.ID }

// UserID is the id of the ticket's user as clients see it.
func (t *Ticket) UserID() string { return PrefixUser + t.User }

// Status is a status of the wire protocol: pending, accepted, revoked or expired.
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

// NumberRecord is the record of what was sent to one number, and of the wrong codes that were tried to verify it, over all users.
type NumberRecord struct {
	Base
	Log ratelimit.Log `json:"l"`
	End Instant       `json:"e"`
	// From are marks of the addresses that had messages sent in this hour.
	From []string `json:"a,omitempty"`
	// Wrong are the wrong codes.
	Wrong ratelimit.Log `json:"w,omitempty"`
	// Credited is the last UTC day, in days since 1970, of which a message makes room for others.
	Credited int64 `json:"d,omitempty"`
}

func (s *NumberRecord) NextExpiry() time.Time { return s.EndsAt() }

func (s *NumberRecord) EndsAt() time.Time { return s.End.Time() }

// Nonce keeps the answer of a handshake until the app's server fetches it, once.
type Nonce struct {
	Base
	Sealed  []byte  `json:"s"`
	Expires Instant `json:"e"`
}

func (n *Nonce) NextExpiry() time.Time { return n.EndsAt() }

// EndsAt is long ago for a nonce that a restore made void.
func (n *Nonce) EndsAt() time.Time { return max(n.Expires, 1).Time() }

// NewEntity returns an empty record of a kind.
func NewEntity(kind store.Kind) Entity {
	switch kind {
	case store.KindUser:
		return &User{}
	case store.KindClient:
		return &Client{}
	case store.KindClaim:
		return &Claim{}
	case store.KindTicket:
		return &Ticket{}
	case store.KindNumber:
		return &NumberRecord{}
	case store.KindNonce:
		return &Nonce{}
	case store.KindAudit:
		return &AuditPage{}
	case store.KindSMS:
		return &SMSRecord{}
	case store.KindSettings:
		return &Settings{}
	case store.KindEvent:
		return &EventRecord{}
	case store.KindDelivery:
		return &DeliveryRecord{}
	case store.KindSigningKey:
		return &SigningKeys{}
	}
	panic("mfa: unknown kind " + string(kind))
}

func Encode(e Entity) ([]byte, error) { return json.Marshal(e) }

// UnreadableError is what reading a record ends with that has another form, or holds sealed text that does not open.
type UnreadableError struct {
	Record store.Key
	Reason error
}

func (e *UnreadableError) Error() string { return e.Reason.Error() }

func (e *UnreadableError) Unwrap() error { return e.Reason }

// SealedText is the stored form of a text that the operations see open: the ciphertext, bound to the place that holds it.
type SealedText struct {
	Cipher []byte
	Holds  string // what was found in cipher, or put into it
}

// IsZero says that nothing is sealed yet.
func (t SealedText) IsZero() bool { return len(t.Cipher) == 0 }

// MarshalJSON writes the ciphertext.
func (t SealedText) MarshalJSON() ([]byte, error) { return json.Marshal(t.Cipher) }

// UnmarshalJSON reads the ciphertext.
func (t *SealedText) UnmarshalJSON(data []byte) error { return json.Unmarshal(data, &t.Cipher) }

// A sealing does something with one sealed text: owner is its place, open the text as the operations see it.
type sealing func(owner string, open *string, at *SealedText) error

// Sealer is a record that holds sealed texts; sealed visits them all.
type Sealer interface{ VisitSealed(do sealing) error }

// CleanupKept is how long what has run out stays, beyond every window in which it could matter (I-11).
const CleanupKept = 24 * time.Hour

// NonceLife is how long an app's server may take to fetch the answer of a handshake.
const NonceLife = time.Minute
