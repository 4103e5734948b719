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
	FormerHash []byte `json:"fh,omitempty"` // start of the hash of the token before the last sign-in
	// Created is false for a development browser that has not started a sign-in yet.
	Created    bool      `json:"cr,omitempty"`
	SignIn     *SignIn   `json:"si,omitempty"`
	Sessions   []Session `json:"ss,omitempty"`
	LastActive string    `json:"la,omitempty"`
	// KnownUsers holds keyed hashes of the users whose second factor was proved on this client.
	KnownUsers []string `json:"kn,omitempty"`
	Agent      string   `json:"ag,omitempty"` // when a user last had the device remembered
	CreatedAt  Instant  `json:"c"`
	UpdatedAt  Instant  `json:"u"`
	Expires    Instant  `json:"e"`
}

// AnonymousLife is the life of a client without a session, counted from the start of its last
// sign-in. It is short because anyone can create such clients.
const AnonymousLife = 24 * time.Hour

// ClientLife is the life of a client's token, counted from the client's creation. Browsers keep the
// cookie as long.
const ClientLife = 365 * 24 * time.Hour

// Session is one user signed in on one client.
type Session struct {
	ID         string          `json:"i"`
	FirstAt    Instant         `json:"f1"`           // when the first factor was last proved
	SecondAt   Instant         `json:"f2,omitempty"` // when a second factor was last proved
	FirstBy    Strategy        `json:"b1,omitempty"` // how the first factor was proved
	SecondBy   Strategy        `json:"b2,omitempty"` // how the second factor was proved
	AloneAt    Instant         `json:"al,omitempty"` // see [authority.Session]
	Enrolled   bool            `json:"en,omitempty"` // see [authority.Session]
	Remembered bool            `json:"rm,omitempty"` // see [authority.Session]
	Pending    bool            `json:"p,omitempty"`  // the setup-mfa task is open
	Verify     *Reverification `json:"rv,omitempty"`
	LastActive Instant         `json:"la"`
	Agent      string          `json:"ua,omitempty"`
	Network    string          `json:"nw,omitempty"` // at the last sign-in or touch: a /24 or /48
	Origin     string          `json:"or,omitempty"` // at the last sign-in or touch
	CreatedAt  Instant         `json:"c"`
	UpdatedAt  Instant         `json:"u"`
	Expires    Instant         `json:"e"`
	// Status is set on the copy in an answer that ended the session; a stored session is alive.
	Status SessionStatus `json:"-"`
}

// SessionLife is the longest life of a session, with or without activity.
const SessionLife = 7 * 24 * time.Hour

// SessionStatus is a session's status on the wire.
type SessionStatus string

// The statuses that occur.
const (
	SessionActive  SessionStatus = "active"
	SessionPending SessionStatus = "pending"
	SessionEnded   SessionStatus = "ended"
	SessionRemoved SessionStatus = "removed"
	SessionRevoked SessionStatus = "revoked"
)

// Key implements [Entity].
func (c *Client) Key() store.Key { return store.Key{Kind: store.KindClient, ID: c.ID} }

// StoredVersion implements [Entity].
func (c *Client) StoredVersion() uint64 { return c.version }

// Touch sets the time of the last change.
func (c *Client) Touch(now Instant) { c.UpdatedAt = c.UpdatedAt.After(now) }

// SetKey implements [Entity].
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

// WireID returns the id that clients see.
func (c *Client) WireID() string { return prefixClient + c.ID }

// NextExpiry implements [Entity].
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

// KnownUsers limits the list of users whose second factor was proved on a client.
const KnownUsers = 20

// DeviceTagLen is the length of a known user's hash: 80 bits tell the users of a client apart.
const DeviceTagLen = 16

// Session returns a session of the client, or nil.
func (c *Client) Session(id string) *Session {
	for i := range c.Sessions {
		if c.Sessions[i].ID == id {
			return &c.Sessions[i]
		}
	}
	return nil
}

// Drop removes a session and returns a copy with its final status.
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

// RemoveExpired removes expired sessions and an expired sign-in.
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

// User returns the id of the session's user, without prefix.
func (s *Session) User() string {
	n, _ := ParseSession(s.ID)
	return n.User
}

// NonceStart returns the start of the nonce, which tells the session from the user's others.
func (s *Session) NonceStart() string {
	n, _ := ParseSession(s.ID)
	return n.Nonce[:8]
}

// Touch sets the time of the last change.
func (s *Session) Touch(now Instant) { s.UpdatedAt = s.UpdatedAt.After(now) }

// ClientWireID returns the wire id of the session's client.
func (s *Session) ClientWireID() string {
	n, _ := ParseSession(s.ID)
	return prefixClient + n.Client
}

// EndsAt implements [Entity].
func (c *Client) EndsAt() time.Time { return c.Expires.Time() }
