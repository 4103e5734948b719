package store

import (
	"context"
	"errors"
	"time"
)

// Kind names a family of records. The text is part of the stored key.
type Kind string

// The kinds of records. See docs/develop/store.md for what each holds.
const (
	KindUser       Kind = "user"
	KindClient     Kind = "client"
	KindClaim      Kind = "claim"
	KindTicket     Kind = "ticket"
	KindNumber     Kind = "number"
	KindNonce      Kind = "nonce"
	KindSettings   Kind = "settings"
	KindSigningKey Kind = "signingkey"
	KindKeyring    Kind = "keyring"
	KindAudit      Kind = "audit"
	KindSMS        Kind = "text"
	KindEvent      Kind = "event"
	KindDelivery   Kind = "delivery"
)

// Key names one record: its kind and an id that is unique within the kind.
type Key struct {
	Kind Kind
	ID   string
}

// Record is one record as a [Store] keeps it. Data is opaque to the store.
type Record struct {
	Key Key
	// Version is the version that was read; 0 means that there is no such record.
	Version uint64
	Data    []byte
	// Expires is the earliest instant, in whole seconds, at which something in the record
	// runs out; the zero time means never. [Store.Expired] finds records by it. It never decides
	// whether something is still valid.
	Expires time.Time
	// Ends is the instant, in whole seconds and not before Expires, from which nothing in the record
	// counts; the zero time means never. A store may delete the record by itself some time after Ends,
	// and for no other reason. A store that deletes nothing by itself need not keep it.
	Ends time.Time
}

// Write replaces, creates or deletes one record on the condition that it is still at
// Record.Version (0: that it does not exist). A successful write stores the next version.
type Write struct {
	Record
	Delete bool
}

// Increment adds By to a counter on the condition that the sum stays within Max. A negative By gives back.
// A counter belongs to one period, which the name contains; it may be forgotten after Expires.
type Increment struct {
	Counter string
	By      int64
	Max     int64
	Expires time.Time
}

// ErrConflict is what [Store.Commit] returns, alone or wrapped, when at least one write's record is no longer at the
// Version that the write names. Nothing was stored.
var ErrConflict = errors.New("record changed since it was read")

// ErrUnavailable is what a [Store] returns, alone or wrapped, when it is overloaded or cannot be reached
// and the same call may succeed later. After a Commit the outcome may be unknown.
var ErrUnavailable = errors.New("store unavailable")

// LimitReachedError is what [Store.Commit] returns when an Increment would exceed its limit. Nothing was stored.
type LimitReachedError struct{ Counter string }

func (e *LimitReachedError) Error() string { return "budget exhausted" }

// Store keeps records. Implementations are safe for concurrent use and pass the conformance suite
// Of package store. Every method may return an error that wraps [ErrUnavailable] or the context's.
type Store interface {
	// Get reads records in one strongly consistent round trip, in the order of keys.
	// A missing record has Version 0. The caller may keep and change Data.
	Get(ctx context.Context, keys ...Key) ([]Record, error)

	// Commit applies all writes and increments, or nothing, in one round trip. It returns only when they are durable.
	// Each key may occur once. Errors: [ErrConflict], [*LimitReachedError].
	// A Commit whose own answer was lost underway and that is found to have been applied is a success.
	Commit(ctx context.Context, writes []Write, increments ...Increment) error

	// Expired returns the keys of up to limit records of a kind whose Expires is set and lies before the given time: those
	// with the earliest, in no particular order. Counters are removed by the store itself.
	Expired(ctx context.Context, kind Kind, before time.Time, limit int) ([]Key, error)

	// Latest returns the limit records of a kind whose Expires is set, lies before the given time and is the latest, the latest first, and in
	// reverse order of ids those with one Expires. The others that expire with the last of them are there too, so that
	// the next page begins before its Expires. It and Expired may be behind the last commits by moments.
	Latest(ctx context.Context, kind Kind, before time.Time, limit int) ([]Record, error)

	// Sums returns the values of counters, in their order; 0 for one that is unknown or forgotten.
	Sums(ctx context.Context, counters ...string) ([]int64, error)

	// List returns up to limit records of a kind with an id greater than after, in the order of ids. It may
	// cost as much as the kind is large: only administration uses it.
	List(ctx context.Context, kind Kind, after string, limit int) ([]Record, error)
}
