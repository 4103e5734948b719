package mfa

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/ratelimit"
)

// entity is a record in its decoded form. The JSON of these types is the stored form; a golden test freezes it.
type entity interface {
	key() Key
	setKey(Key, uint64)
	storedVersion() uint64
	// expires is when the first thing in the record runs out; the zero time means never.
	expires() time.Time
	// ends is when the whole record is dead, so that the cleanup deletes it; the zero time means never.
	ends() time.Time
}

// base is what the small records have in common.
type base struct {
	id      Key
	version uint64
}

func (b *base) key() Key               { return b.id }
func (b *base) setKey(k Key, v uint64) { b.id, b.version = k, v }
func (b *base) storedVersion() uint64  { return b.version }
func (b *base) expires() time.Time     { return time.Time{} }
func (b *base) ends() time.Time        { return time.Time{} }

// Claim makes an identifier unique over all users: its key is the identifier's keyed hash. One without a user counts the wrong passwords
// for an identifier that nobody holds, so that neither the answers nor what they cost say that there is no such account.
type Claim struct {
	base
	User     string         `json:"u,omitempty"`
	Failures FailureCounter `json:"b1,omitzero"`
	Expires  Instant        `json:"e,omitempty"`
}

// unclaimedKept is how long the wrong passwords for an identifier that nobody holds are remembered.
const unclaimedKept = failureWindow

func (c *Claim) expires() time.Time { return c.ends() }

// ends is never while the claim has a user.
func (c *Claim) ends() time.Time {
	if c.User != "" {
		return time.Time{}
	}
	return c.Expires.Time()
}

// Ticket is a sign-in token of the Backend API. It stands for the first factor only.
type Ticket struct {
	base
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

func (t *Ticket) expires() time.Time { return t.ends() }
func (t *Ticket) ends() time.Time    { return t.Expires.Add(ticketKept).Time() }

// WireID is the id that clients see.
func (t *Ticket) WireID() string { return prefixTicket + t.id.ID }

// UserID is the id of the ticket's user as clients see it.
func (t *Ticket) UserID() string { return prefixUser + t.User }

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

// numberRecord is the record of what was sent to one number, and of the wrong codes that were tried to verify it, over all users.
type numberRecord struct {
	base
	Log ratelimit.Log `json:"l"`
	End Instant       `json:"e"`
	// From are marks of the addresses that had messages sent in this hour.
	From []string `json:"a,omitempty"`
	// Wrong are the wrong codes.
	Wrong ratelimit.Log `json:"w,omitempty"`
	// Credited is the last UTC day, in days since 1970, of which a message makes room for others.
	Credited int64 `json:"d,omitempty"`
}

func (s *numberRecord) expires() time.Time { return s.ends() }
func (s *numberRecord) ends() time.Time    { return s.End.Time() }

// Nonce keeps the answer of a handshake until the app's server fetches it, once.
type Nonce struct {
	base
	Sealed  []byte  `json:"s"`
	Expires Instant `json:"e"`
}

func (n *Nonce) expires() time.Time { return n.ends() }

// ends is long ago for a nonce that a restore made void.
func (n *Nonce) ends() time.Time { return max(n.Expires, 1).Time() }

// newEntity returns an empty record of a kind.
func newEntity(kind Kind) entity {
	switch kind {
	case KindUser:
		return &User{}
	case KindClient:
		return &Client{}
	case KindClaim:
		return &Claim{}
	case KindTicket:
		return &Ticket{}
	case KindNumber:
		return &numberRecord{}
	case KindNonce:
		return &Nonce{}
	case KindAudit:
		return &auditPage{}
	case KindSMS:
		return &SMSRecord{}
	case KindSettings:
		return &Settings{}
	case KindEvent:
		return &eventRecord{}
	case KindDelivery:
		return &deliveryRecord{}
	case KindSigningKey:
		return &signingKeys{}
	}
	panic("mfa: unknown kind " + string(kind))
}

func encode(e entity) ([]byte, error) { return json.Marshal(e) }

// unreadableError is what reading a record ends with that has another form, or holds sealed text that does not open.
type unreadableError struct {
	record Key
	reason error
}

func (e *unreadableError) Error() string { return e.reason.Error() }
func (e *unreadableError) Unwrap() error { return e.reason }

// decode makes a record what the operations work on. foreign is as in [decode]. What is sealed in it and does not open is an error: whoever moved it
// gets nothing.
func (s *Service) decode(r Record) (e entity, foreign []byte, err error) {
	e = newEntity(r.Key.Kind)
	if r.Version != 0 {
		if foreign, err = decode(r.Data, e); err != nil {
			return nil, nil, &unreadableError{record: r.Key, reason: fmt.Errorf("decode %s record: %w", r.Key.Kind, err)}
		}
	}
	e.setKey(r.Key, r.Version)
	if holder, ok := e.(sealer); ok {
		if err := holder.sealed(s.open); err != nil {
			return nil, nil, &unreadableError{record: r.Key, reason: fmt.Errorf("open %s record: %w", r.Key.Kind, err)}
		}
	}
	return e, foreign, nil
}

// encode makes it what the store keeps.
func (s *Service) encode(e entity, foreign []byte) ([]byte, error) {
	if holder, ok := e.(sealer); ok {
		if err := holder.sealed(s.seal); err != nil {
			return nil, fmt.Errorf("seal %s record: %w", e.key().Kind, err)
		}
	}
	data, err := encodeOver(e, foreign)
	if err != nil {
		return nil, fmt.Errorf("encode %s record: %w", e.key().Kind, err)
	}
	return data, nil
}
