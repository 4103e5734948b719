package store

import (
	"context"
	"errors"
	"fmt"
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
	KindAttempts   Kind = "attempts"
	KindStatistics Kind = "statistics"
	KindFeed       Kind = "feed"
	KindMigration  Kind = "migration"
)

// Key names one record by its kind and an id that is unique within the kind.
type Key struct {
	Kind Kind
	ID   string
}

// Record is one record as a [Store] keeps it. Data is opaque to the store.
type Record struct {
	Key Key
	// Version is the version that was read; 0 means that the record does not exist.
	Version uint64
	Data    []byte
	// Expires is the earliest instant, in whole seconds, at which a part of the record expires; zero
	// means never. [Store.Expired] finds records by it. It never decides whether anything is still
	// valid.
	Expires time.Time
	// Ends is the instant from which nothing in the record counts; zero means never. It has whole
	// seconds and is not before Expires. A store may delete the record some time after Ends, and for
	// no other reason. A store that deletes nothing by itself need not keep it.
	Ends time.Time
}

// Write replaces, creates or deletes one record if it still has Record.Version (0: if it does not
// exist). A successful write stores the next version.
type Write struct {
	Record
	Delete bool
	// Add and Remove change the record's entries in sorted lists, in the same commit. The writer
	// knows the entries of the version that it read; the store does not. To add an entry that exists,
	// or to remove one that does not, changes nothing. Each counts as a part of the commit. A deletion
	// adds none.
	Add, Remove []Entry
	// Note is a short text about this write for the feed: what statistics count. The feed gets
	// nothing if it is empty. It is UTF-8, and a deletion has none.
	Note string
}

// Noted is a note as the feed of a store passes it on. The feed of a table is its stream, which
// calls a function. Other stores keep a journal, in the order of the commits.
type Noted struct {
	// Sequence is a whole number in decimal digits, greater than those of all earlier notes of the
	// same journal or shard of a stream.
	Sequence string
	Text     string
}

// Increment adds By to a counter if the sum stays within Max. A negative By gives back. A counter
// belongs to one period, which is part of its name. The store may forget it after Expires.
type Increment struct {
	Counter string
	By      int64
	Max     int64
	Expires time.Time
}

// ErrConflict is returned by [Store.Commit], alone or wrapped, when a record no longer has the
// Version that its write names. Nothing was stored.
var ErrConflict = errors.New("record changed since it was read")

// ErrUnavailable is returned by a [Store], alone or wrapped, when it is overloaded or cannot be
// reached and the same call may succeed later. After a Commit the outcome may be unknown.
var ErrUnavailable = errors.New("store unavailable")

// ErrThrottled is returned by [Store.Commit], alone or wrapped, when the store is overloaded and
// certainly stored nothing. It wraps [ErrUnavailable].
var ErrThrottled = fmt.Errorf("throttled: %w", ErrUnavailable)

// LimitReachedError is returned by [Store.Commit] and [Store.Reserve] when an Increment would
// exceed its limit. Nothing was stored.
type LimitReachedError struct{ Counter string }

func (e *LimitReachedError) Error() string { return "counter is at its limit" }

// Store keeps records. Implementations are safe for concurrent use and pass the conformance suite
// of package storetest. Every method may return an error that wraps [ErrUnavailable] or the
// context's.
type Store interface {
	// Get reads records in one strongly consistent round trip, in the order of keys. Each is as it
	// was at a moment during the call. The moments differ, so one Get may see a part of a commit: only
	// the condition of a later commit shows that records belong together. A missing record has Version
	// 0. The caller may keep and change Data.
	Get(ctx context.Context, keys ...Key) ([]Record, error)

	// Commit applies all writes and increments, or nothing, in one round trip. It returns only when
	// they are durable. Each key may occur once. Errors: [ErrConflict], [*LimitReachedError]. A Commit
	// that was applied although its answer was lost is a success, if the store can tell.
	Commit(ctx context.Context, writes []Write, increments ...Increment) error

	// Reserve adds each increment by itself, so calls that meet at a counter never conflict. When
	// one would exceed its limit, the others are taken back, and the error is [*LimitReachedError] of
	// the first one; others may see them until then. After any other error each increment is stored
	// or not: one that adds perhaps twice, one that gives back at most once. Callers change a counter
	// by Reserve always or never.
	Reserve(ctx context.Context, increments ...Increment) error

	// Expired returns the keys of up to limit records of a kind whose Expires is set and before the
	// given time. The earliest come first. The store removes expired counters itself.
	Expired(ctx context.Context, kind Kind, before time.Time, limit int) ([]Key, error)

	// Latest returns the limit records of a kind with the latest Expires that is set and before the
	// given time. The latest come first; records with equal Expires are in reverse order of ids. All
	// records that expire with the last one are included, so that the next page begins before its
	// Expires. Latest and Expired may lag behind the last commits by moments.
	Latest(ctx context.Context, kind Kind, before time.Time, limit int) ([]Record, error)

	// Sums returns the values of counters, in order; 0 for one that is unknown or forgotten.
	Sums(ctx context.Context, counters ...string) ([]int64, error)

	// List returns up to limit records of a kind after a position, and the position after the last of
	// them. The next position is empty at the end. A page may have fewer records, or none, although
	// more follow. All pages together have every record once, in an order of the store's own, and
	// cost as much as reading the whole table once. Only administration uses it.
	List(ctx context.Context, kind Kind, after Position, limit int) (records []Record, next Position, err error)

	// Entries returns the entries of a range in its order. A page with fewer entries than the limit is
	// the last. Entries may lag behind the last commits by moments, and may name a record that is
	// gone. It returns an error that wraps [ErrMalformed] for a range that [Range.Validate] refuses.
	Entries(ctx context.Context, r Range) ([]Listed, error)
}
