package account

import (
	"fmt"
	"slices"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// Client is one browser or device. It owns sessions and at most one sign-in in progress.
type Client struct {
	ID      string `json:"-"`
	version uint64

	TokenHash  []byte `json:"h"`
	FormerHash []byte `json:"fh,omitempty"` // start of the hash of the token before the last sign-in: see lost_session.go
	// Created is false for a development browser that has not started a sign-in yet.
	Created    bool      `json:"cr,omitempty"`
	SignIn     *SignIn   `json:"si,omitempty"`
	Sessions   []Session `json:"ss,omitempty"`
	LastActive string    `json:"la,omitempty"`
	// KnownUsers are marks of the users whose second factor was proved on this client.
	KnownUsers []string `json:"kn,omitempty"`
	CreatedAt  Instant  `json:"c"`
	UpdatedAt  Instant  `json:"u"`
	Expires    Instant  `json:"e"`
}

// AnonymousLife is how long the token of a client is good for on which nobody has signed in, counted from its last sign-in that was begun. Anybody may
// make such clients.
const AnonymousLife = 24 * time.Hour

// ClientLife is how long a client's token is good for, counted from when the client was made. A browser keeps the cookie as long.
const ClientLife = 365 * 24 * time.Hour

// Session is one user being signed in on one client.
type Session struct {
	ID         string          `json:"i"`
	FirstAt    Instant         `json:"f1"`           // when the first factor was last proved
	SecondAt   Instant         `json:"f2,omitempty"` // when a second factor was last proved
	FirstBy    Strategy        `json:"b1,omitempty"` // how the first factor was proved
	SecondBy   Strategy        `json:"b2,omitempty"` // how the second factor was proved
	AloneAt    Instant         `json:"al,omitempty"` // see [authority.Session]
	Enrolled   bool            `json:"en,omitempty"` // see [authority.Session]
	Pending    bool            `json:"p,omitempty"`  // the setup-mfa task is open
	Verify     *Reverification `json:"rv,omitempty"`
	LastActive Instant         `json:"la"`
	Agent      string          `json:"ua,omitempty"`
	CreatedAt  Instant         `json:"c"`
	UpdatedAt  Instant         `json:"u"`
	Expires    Instant         `json:"e"`
	// Status is set on the copy in an answer that ended the session; a stored session is alive.
	Status SessionStatus `json:"-"`
}

// SessionLife is the longest life of a session, activity or not.
const SessionLife = 7 * 24 * time.Hour

// SessionStatus is a status of the wire protocol.
type SessionStatus string

// The statuses that occur.
const (
	SessionActive  SessionStatus = "active"
	SessionPending SessionStatus = "pending"
	SessionEnded   SessionStatus = "ended"
	SessionRemoved SessionStatus = "removed"
	SessionRevoked SessionStatus = "revoked"
)

func (c *Client) Key() store.Key { return store.Key{Kind: store.KindClient, ID: c.ID} }

func (c *Client) StoredVersion() uint64 { return c.version }

func (c *Client) Touch(now Instant) { c.UpdatedAt = c.UpdatedAt.After(now) }

func (c *Client) SetKey(k store.Key, v uint64) {
	c.ID, c.version = k.ID, v
	if si := c.SignIn; si != nil && si.Plain != "" {
		si.Identifier, si.Plain = si.Plain, ""
	}
}

// VisitSealed implements [Sealer].
func (c *Client) VisitSealed(do sealing) error {
	if c.SignIn == nil {
		return nil
	}
	if err := do("client/"+c.ID+"/identifier/"+c.SignIn.ID, &c.SignIn.Identifier, &c.SignIn.Sealed); err != nil {
		return fmt.Errorf("identifier: %w", err)
	}
	return nil
}

// WireID is the id that clients see.
func (c *Client) WireID() string { return prefixClient + c.ID }

func (c *Client) NextExpiry() time.Time {
	first := c.Expires
	if c.SignIn != nil {
		first = min(first, c.SignIn.Expires)
	}
	for _, s := range c.Sessions {
		first = min(first, s.Expires)
	}
	return first.Time()
}

// KnownUsers bounds the list of users that passed a second factor here.
const KnownUsers = 20

// DeviceTagLen is enough of a keyed hash to tell a few users apart: 80 bits.
const DeviceTagLen = 16

func (c *Client) Session(id string) *Session {
	for i := range c.Sessions {
		if c.Sessions[i].ID == id {
			return &c.Sessions[i]
		}
	}
	return nil
}

// Drop removes a session and returns a copy that says why.
func (c *Client) Drop(id string, why SessionStatus, now Instant) *Session {
	s := c.Session(id)
	if s == nil {
		return nil
	}
	gone := *s
	gone.Status, gone.UpdatedAt = why, gone.UpdatedAt.After(now)
	c.Sessions = slices.DeleteFunc(c.Sessions, func(s Session) bool { return s.ID == id })
	if c.LastActive == id {
		c.LastActive = ""
		if n := len(c.Sessions); n > 0 {
			c.LastActive = c.Sessions[n-1].ID
		}
	}
	c.Touch(now)
	return &gone
}

// RemoveExpired removes what has run out.
func (c *Client) RemoveExpired(now Instant) {
	if c.SignIn != nil && c.SignIn.Expires <= now {
		c.SignIn = nil
	}
	for _, s := range slices.Clone(c.Sessions) {
		if s.Expires <= now {
			c.Drop(s.ID, SessionEnded, now)
		}
	}
}

// User is the id of the session's user, without prefix.
func (s *Session) User() string {
	n, _ := ParseSession(s.ID)
	return n.User
}

// NonceStart is enough of the nonce to tell the session from the user's others.
func (s *Session) NonceStart() string {
	n, _ := ParseSession(s.ID)
	return n.Nonce[:8]
}

func (s *Session) Touch(now Instant) { s.UpdatedAt = s.UpdatedAt.After(now) }

// ClientWireID is the id, as clients see it, of the client that the session is on.
func (s *Session) ClientWireID() string {
	n, _ := ParseSession(s.ID)
	return prefixClient + n.Client
}

func (c *Client) EndsAt() time.Time { return c.Expires.Time() }
