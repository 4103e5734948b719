package store

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"
)

// Limits of one commit: the narrowest of all implementations, so that what works in development
// works in production. DynamoDB accepts 100 items in a transaction, 2,048 bytes in a partition key
// and 400 KB in an item.
const (
	// MaxParts is the largest number of writes, their entries and increments together.
	MaxParts = 100
	// MaxNameLength is the largest length in bytes of a kind and an id together, of a counter's name,
	// and of an entry's list, rank, kind and id together with three bytes that separate them.
	MaxNameLength = 1024
	// MaxEncodedLength is the largest length in bytes of a kind and an id together, of a counter's
	// name and of a list, each in the form of a URL's query: most bytes other than ASCII letters and
	// digits count three times.
	MaxEncodedLength = 2047
	// MaxDataLength is the largest length in bytes of a record's data.
	MaxDataLength = 384 << 10
	// MaxNoteLength is the largest length in bytes of a write's note.
	MaxNoteLength = 256
	// MaxTotalLength is the largest length in bytes of a commit's names and data together. DynamoDB
	// accepts 4 MB in a transaction; index keys and attribute names need up to 2 KB an item.
	MaxTotalLength = 4<<20 - MaxParts*2<<10
)

// ErrMalformed is returned by Commit and Entries, wrapped, for arguments that no store can take.
// The caller has a bug; nothing was stored.
var ErrMalformed = errors.New("malformed request to the store")

// Validate returns an error that wraps [ErrMalformed] for a commit that no store can apply. Each
// key and counter must occur once, and each entry once in its write. Kinds, counters and lists need
// a name; kinds, lists and ranks have no NUL byte. No record may end before it expires. A deletion
// has no note and adds no entry. The limits of this package hold. The error names no id, because
// ids may be personal data.
func Validate(writes []Write, increments []Increment) error {
	if n := Parts(writes, increments); n > MaxParts {
		return fmt.Errorf("%w: %d parts", ErrMalformed, n)
	}
	total := 0
	for i := range writes {
		if err := validateWrite(&writes[i]); err != nil {
			return err
		}
		total += writeLength(&writes[i])
		for j := range i {
			if writes[j].Key == writes[i].Key {
				return fmt.Errorf("%w: a %s occurs twice", ErrMalformed, writes[i].Key.Kind)
			}
		}
	}
	for i := range increments {
		if n := len(increments[i].Counter); n == 0 || tooLong(increments[i].Counter) {
			return fmt.Errorf("%w: the name of a counter has %d bytes", ErrMalformed, n)
		}
		for j := range i {
			if increments[j].Counter == increments[i].Counter {
				return fmt.Errorf("%w: a counter occurs twice", ErrMalformed)
			}
		}
		total += len(increments[i].Counter)
	}
	if total > MaxTotalLength {
		return fmt.Errorf("%w: %d bytes", ErrMalformed, total)
	}
	return nil
}

// tooLong reports whether a name has more bytes than a store can take, plain or encoded.
func tooLong(name string) bool {
	return len(name) > MaxNameLength || len(url.QueryEscape(name)) > MaxEncodedLength
}

// Parts returns the number of parts of a commit, which is at most [MaxParts].
func Parts(writes []Write, increments []Increment) int {
	n := len(writes) + len(increments)
	for i := range writes {
		n += len(writes[i].Add) + len(writes[i].Remove)
	}
	return n
}

// writeLength returns what a write adds to [MaxTotalLength].
func writeLength(w *Write) int {
	n := len(w.Key.Kind) + len(w.Key.ID) + len(w.Data) + len(w.Note)
	for _, e := range w.Add {
		n += entryLength(w, e)
	}
	for _, e := range w.Remove {
		n += entryLength(w, e)
	}
	return n
}

func validateWrite(w *Write) error {
	kind := string(w.Key.Kind)
	switch {
	case kind == "" || strings.ContainsRune(kind, 0):
		return fmt.Errorf("%w: %q is no kind", ErrMalformed, kind)
	case tooLong(kind + w.Key.ID):
		return fmt.Errorf("%w: the id of a %s has %d bytes", ErrMalformed, kind, len(w.Key.ID))
	case len(w.Data) > MaxDataLength:
		return fmt.Errorf("%w: the data of a %s has %d bytes", ErrMalformed, kind, len(w.Data))
	case !w.Ends.IsZero() && (w.Expires.IsZero() || w.Ends.Before(w.Expires)):
		return fmt.Errorf("%w: a %s ends before anything in it expires", ErrMalformed, kind)
	case len(w.Note) > MaxNoteLength || !utf8.ValidString(w.Note) || w.Delete && w.Note != "":
		return fmt.Errorf("%w: the note about a %s is too long, no UTF-8 or about a deletion", ErrMalformed, kind)
	}
	return validateEntries(w)
}

// LatestFirst sorts records by Expires, latest first. It keeps the first limit of them and those
// that expire with the last one, as [Store.Latest] answers.
func LatestFirst(records []Record, limit int) []Record {
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(b.Expires.Compare(a.Expires), strings.Compare(b.Key.ID, a.Key.ID))
	})
	n := min(max(limit, 0), len(records))
	for n > 0 && n < len(records) && records[n].Expires.Equal(records[n-1].Expires) {
		n++
	}
	return records[:n]
}

// Exceeds reports whether an increment must be refused when its counter stands at sum. A sum beyond
// the range of its type exceeds every limit.
func Exceeds(sum int64, inc Increment) bool {
	if inc.By > 0 && sum > math.MaxInt64-inc.By {
		return true
	}
	return sum+inc.By > inc.Max
}
