package account

import (
	"cmp"
	"time"
)

// Purpose is what a code may be used for. A code works for no other purpose.
type Purpose string

// The purposes.
const (
	VerifyNumber       Purpose = "verify-number"
	SignInFirstFactor  Purpose = "sign-in-first-factor"
	SignInSecondFactor Purpose = "sign-in-second-factor"
	ReverifyFirst      Purpose = "reverify-first-factor"
	ReverifySecond     Purpose = "reverify-second-factor"
	VerifyByBackend    Purpose = "backend-verification"
	Notice             Purpose = "notice" // of an SMS that reports a change
)

// Code is a code that was sent and not yet used. Only a keyed hash is stored, over everything that
// the code is bound to. A resend repeats the code within [RepeatedFor].
type Code struct {
	ID       string `json:"i"`
	Phone    string `json:"p"`
	Tag      []byte `json:"t"`
	Attempts int    `json:"a,omitempty"`
	Tries    int    `json:"l,omitempty"` // how many wrong ones end it; 0, in older records, is five
	// Issued is when the code was made, and SentAt when its last message left. Issued is 0 in older
	// records, whose codes no resend can repeat.
	Issued  Instant `json:"is,omitempty"`
	SentAt  Instant `json:"s"`
	Expires Instant `json:"e"`
	// Refused says that the network refused the message of SentAt. AcceptedBefore is when it last
	// accepted an earlier one with this code, or 0.
	Refused        bool    `json:"rf,omitempty"`
	AcceptedBefore Instant `json:"b,omitempty"`
	// Former is the code that this one replaced. It works too until it expires.
	Former *Code `json:"o,omitempty"`
	// SMS is the id of the message's record. CountedUnverified and Charged tell which counters the
	// message raised.
	SMS               string `json:"x,omitempty"`
	CountedUnverified bool   `json:"w,omitempty"`
	Charged           bool   `json:"m,omitempty"`
	// Credit is set if the code, once used, allows other messages: see package sms.
	Credit bool `json:"cr,omitempty"`
	// Generation is the user's when the code was sent. A code that proves a factor is invalid in a
	// later generation.
	Generation uint32  `json:"g,omitempty"`
	Accepted   Instant `json:"v,omitempty"` // by the Backend API; other codes are removed then
}

// The life of a code, after SP 800-63B-4 section 3.1.3.2.
const (
	CodeLife    = 10 * time.Minute
	ResendAfter = 30 * time.Second
	// RepeatedFor is how long a resend repeats a code. A later one would leave too little of its life.
	RepeatedFor = CodeLife / 2
	// LiveCodes is how many codes of a verification are right at a moment at most: the present one,
	// and the one that it replaced after RepeatedFor.
	LiveCodes = 2
)

// WireID returns the id of the verification that clients see.
func (c *Code) WireID() string { return prefixCode + c.ID }

// Failed reports whether no tries are left.
func (c *Code) Failed() bool { return c.Attempts >= cmp.Or(c.Tries, DefaultPolicy().Tries) }

// Status returns the status on the wire: unverified, verified, expired, or failed (no tries left).
func (c *Code) Status(now Instant) string {
	switch {
	case c.Accepted != 0:
		return "verified"
	case c.Failed():
		return "failed"
	case c.Expires <= now:
		return "expired"
	}
	return "unverified"
}
