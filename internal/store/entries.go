package store

import (
	"fmt"
	"strings"
)

// Entry is a place of a record in a sorted list. A list orders its entries by Rank and then by the
// record's kind and id, all as bytes. A record may be in a list several times, with other ranks.
// List and Rank have no NUL byte, and List is not empty.
type Entry struct{ List, Rank string }

// Listed is an entry of a list as [Store.Entries] returns it: the record's key and its rank.
type Listed struct {
	Key  Key
	Rank string
}

// Position is a place in a list or in a kind, after one of its elements. The empty position is the
// beginning. Only the method that returned or reads a position knows its form.
type Position string

// separator is between the parts of a position. No rank and no kind contains it, so positions sort
// as bytes in the order of their list.
const separator = "\x00"

// Position returns the place after the entry, for [Range.After].
func (l Listed) Position() Position {
	return Position(l.Rank + separator + string(l.Key.Kind) + separator + l.Key.ID)
}

// ParsePosition returns the entry of a position that [Listed.Position] made. It is for stores,
// which keep an entry under its position.
func ParsePosition(p string) (l Listed, ok bool) {
	rank, key, ok := strings.Cut(p, separator)
	kind, id, ok2 := strings.Cut(key, separator)
	return Listed{Key{Kind(kind), id}, rank}, ok && ok2
}

// Order is the direction in which [Store.Entries] reads a list.
type Order int

// The orders of a list.
const (
	Ascending Order = iota
	Descending
)

// Range is a part of a sorted list.
type Range struct {
	List string
	// From and To limit the ranks: From <= Rank < To. An empty To is no limit.
	From, To string
	// After is the position of the last entry of the page before; empty for the first page. It need
	// not be the position of an entry that still exists.
	After Position
	Order Order
	// Limit is the largest number of entries in the answer.
	Limit int
}

// Validate returns an error that wraps [ErrMalformed] for a range that no list can have.
func (r Range) Validate() error {
	switch {
	case r.List == "":
		return fmt.Errorf("%w: a range names no list", ErrMalformed)
	case strings.Contains(r.List+r.From+r.To, separator):
		return fmt.Errorf("%w: a range has a NUL byte", ErrMalformed)
	case tooLong(r.List), len(r.From) > MaxNameLength, len(r.To) > MaxNameLength, len(r.After)+len(separator) > MaxNameLength:
		return fmt.Errorf("%w: a range is too long", ErrMalformed)
	}
	return nil
}

// Bounds returns the positions of the range: from <= position < to. An empty to is no limit. some
// is false if no position is in between. It is for stores.
func (r Range) Bounds() (from, to string, some bool) {
	from, to = r.From, r.To
	switch after := string(r.After); {
	case after == "":
	case r.Order == Ascending:
		from = max(from, after+separator) // the next string in the order of bytes
	case to == "" || after < to:
		to = after
	}
	return from, to, r.Limit > 0 && (to == "" || from < to)
}

// validateEntries checks the entries that a write adds and removes.
func validateEntries(w *Write) error {
	if w.Delete && len(w.Add) > 0 {
		return fmt.Errorf("%w: a deleted %s is put into a list", ErrMalformed, w.Key.Kind)
	}
	if len(w.Add)+len(w.Remove) == 0 {
		return nil
	}
	entries := append(append(make([]Entry, 0, len(w.Add)+len(w.Remove)), w.Add...), w.Remove...)
	seen := make(map[Entry]bool, len(entries))
	for _, e := range entries {
		switch {
		case e.List == "" || strings.Contains(e.List+e.Rank, separator):
			return fmt.Errorf("%w: an entry of a %s has no list or a NUL byte", ErrMalformed, w.Key.Kind)
		case entryLength(w, e) > MaxNameLength, tooLong(e.List):
			return fmt.Errorf("%w: an entry of a %s has %d bytes", ErrMalformed, w.Key.Kind, entryLength(w, e))
		case seen[e]:
			return fmt.Errorf("%w: an entry of a %s occurs twice", ErrMalformed, w.Key.Kind)
		}
		seen[e] = true
	}
	return nil
}

// entryLength returns the length in bytes of an entry's names, with what separates them.
func entryLength(w *Write, e Entry) int {
	return len(e.List) + len(e.Rank) + len(w.Key.Kind) + len(w.Key.ID) + 3*len(separator)
}
