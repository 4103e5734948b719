package boltstore

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/countersign-mfa/countersign/internal/store"
)

// formatVersion is the version of the files that this package writes. It takes along files of
// formatWithoutEntries, which have neither entries nor a journal.
const (
	formatVersion        = "2"
	formatWithoutEntries = "1"
)

var (
	bucketFormat      = []byte("format")
	bucketExpires     = []byte("expires")
	bucketCounters    = []byte("counters")
	bucketCountersDue = []byte("counters-due")
	bucketEntries     = []byte("entries")
	bucketJournal     = []byte("journal")
	keyVersion        = []byte("version")

	// indexes are the buckets of every store, besides the one for its format.
	indexes = [][]byte{bucketExpires, bucketCounters, bucketCountersDue, bucketEntries, bucketJournal}
)

// An instant is a time in whole seconds as the file stores it; 0 means never.
type instant uint64

func instantOf(t time.Time) instant {
	if t.IsZero() {
		return 0
	}
	return instant(t.Unix()) ^ 1<<63 //nolint:gosec // keeps the order; time reverses it
}

func (i instant) time() time.Time {
	if i == 0 {
		return time.Time{}
	}
	return time.Unix(int64(i^1<<63), 0).UTC() //nolint:gosec // see instantOf
}

// firstNotBefore returns the smallest instant that is not before t.
func firstNotBefore(t time.Time) instant {
	i := instantOf(t)
	if t.Nanosecond() > 0 {
		i++
	}
	return i
}

func bucketOf(kind store.Kind) []byte { return append([]byte("kind:"), kind...) }

func recordKey(id string) []byte { return append([]byte{'.'}, id...) }

func recordID(key []byte) string { return string(key[1:]) }

const headerLength = 16

// A header is the beginning of a value: version or sum, then the expiry.
type header struct {
	number  uint64
	expires instant
}

func (h header) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, h.number)
	return binary.BigEndian.AppendUint64(b, uint64(h.expires))
}

// parseHeader splits a value. The header of a missing value (nil) is zero.
func parseHeader(value []byte) (h header, data []byte, err error) {
	if value == nil {
		return header{}, nil, nil
	}
	if len(value) < headerLength {
		return header{}, nil, damaged("a value has %d bytes", len(value))
	}
	h.number = binary.BigEndian.Uint64(value)
	h.expires = instant(binary.BigEndian.Uint64(value[8:]))
	return h, value[headerLength:], nil
}

// expiresKey returns a record's key in the index of expiries.
func expiresKey(i instant, key store.Key) []byte {
	b := make([]byte, 0, 8+len(key.Kind)+1+len(key.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(i))
	b = append(b, key.Kind...)
	b = append(b, 0)
	return append(b, key.ID...)
}

func parseExpiresKey(b []byte) (instant, store.Key, error) {
	if len(b) > 8 {
		if kind, id, ok := bytes.Cut(b[8:], []byte{0}); ok {
			return instant(binary.BigEndian.Uint64(b)), store.Key{Kind: store.Kind(kind), ID: string(id)}, nil
		}
	}
	return 0, store.Key{}, damaged("an expiry has %d bytes", len(b))
}

// entryKey returns the key of an entry: its list and its position there, which may be that of a
// bound.
func entryKey(list, position string) []byte {
	b := make([]byte, 0, len(list)+1+len(position))
	b = append(b, list...)
	b = append(b, 0)
	return append(b, position...)
}

// dueKey returns a counter's key in the index of counters.
func dueKey(i instant, counter []byte) []byte {
	return append(binary.BigEndian.AppendUint64(nil, uint64(i)), counter...)
}
