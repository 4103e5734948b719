// Package listing says in which sorted lists of the store a user stands, so that users are found
// and counted without reading them all. The lists are:
//
//	users:<0 to f>          users who are not banned, over 16 lists by a hash of the id
//	banned                  banned users
//	word:<field>:<letter>   users by the words of a field, one list for each first letter
//	digits:<hash>           users by a keyed hash of the last four digits of a number
//	factors                 users with a second factor, by what they can prove
//	marked                  users who are marked as required to have a second factor and have none
//
// A rank ends in the time of the user's creation, after [separator], so each range of a list is
// sorted by it. The entries change in the commit of the user's record. Nothing else about a user is
// in an entry: see docs/develop/store.md.
package listing

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Limits of the entries of one user. The commits that make, change and delete a user have to hold
// all of them.
const (
	// MaxTerms is the largest number of words of a user that are found.
	MaxTerms = 20
	// maxNumbers is the largest number of phone numbers of a user that are found by their last
	// digits.
	maxNumbers = 10
	// MaxEntries is the largest number of entries of a user, who is not in both of the lists factors
	// and marked.
	MaxEntries = 2 + MaxTerms + maxNumbers
)

// shards is the number of lists and counters that all users are spread over.
const shards = 16

// separator ends a word or a signature in a rank. It sorts before every character of a word.
const separator = "\x01"

// LastDigits is how many digits of a phone number are found.
const LastDigits = 4

// Digest returns a keyed hash.
type Digest func(parts ...string) string

// Entries returns the entries of a user, none of them twice; none for a nil listing.
func Entries(id string, l *account.Listing, digest Digest) []store.Entry {
	if l == nil {
		return nil
	}
	at := Time(l.CreatedAt)
	entries := []store.Entry{{List: usersOf(id), Rank: at}}
	if l.Banned {
		entries[0].List = banned
	}
	if l.Factors != "" {
		entries = append(entries, store.Entry{List: factors, Rank: l.Factors + separator + at})
	}
	if l.Marked {
		entries = append(entries, store.Entry{List: marked, Rank: at})
	}
	for _, t := range Terms(l) {
		entries = append(entries, store.Entry{List: t.list(), Rank: t.Text + separator + at})
	}
	for _, list := range digitLists(l.Numbers, digest) {
		entries = append(entries, store.Entry{List: list, Rank: at})
	}
	return entries
}

// Change returns the entries to add and to remove when a user changes.
func Change(id string, before, after *account.Listing, digest Digest) (add, remove []store.Entry) {
	old, now := Entries(id, before, digest), Entries(id, after, digest)
	in := func(list []store.Entry) func(store.Entry) bool {
		return func(e store.Entry) bool { return slices.Contains(list, e) }
	}
	return slices.DeleteFunc(slices.Clone(now), in(old)), slices.DeleteFunc(slices.Clone(old), in(now))
}

const (
	banned  = "banned"
	factors = "factors"
	marked  = "marked"
)

// usersOf returns the list of a user who is not banned.
func usersOf(id string) string { return "users:" + shardOf(id) }

func shardOf(id string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return fmt.Sprintf("%x", h.Sum32()%shards)
}

// Counter returns the counter of all users that counts a user.
func Counter(id string) string { return counterOf(shardOf(id)) }

func counterOf(shard string) string { return "users:" + shard }

// Counters returns the counters whose sum is the number of users.
func Counters() []string {
	var all []string
	for n := range shards {
		all = append(all, counterOf(fmt.Sprintf("%x", n)))
	}
	return all
}

// maxTime is the latest time that a rank can hold, about the year 10889.
const maxTime = account.Instant(1)<<48 - 1

// timeDigits is the length of a time in a rank.
const timeDigits = 12

// Time returns a time as the end of a rank: its milliseconds as 12 hexadecimal digits.
func Time(at account.Instant) string {
	return fmt.Sprintf("%0*x", timeDigits, int64(min(max(at, 0), maxTime)))
}

// CreatedAt returns the time of a user's creation from the rank of an entry, or 0 if the rank has
// none.
func CreatedAt(rank string) account.Instant {
	at, err := strconv.ParseInt(rank[max(0, len(rank)-timeDigits):], 16, 64)
	if err != nil {
		return 0
	}
	return account.Instant(at)
}

// A Span is the part of a list whose ranks begin with a prefix, sorted by the times of creation.
type Span struct{ List, Prefix string }

// Users returns the spans that have every user.
func Users() []Span { return append(Unbanned(), Banned()...) }

// Unbanned returns the spans with the users who are not banned.
func Unbanned() []Span {
	var spans []Span
	for n := range shards {
		spans = append(spans, Span{List: fmt.Sprintf("users:%x", n)})
	}
	return spans
}

// Banned returns the span of the banned users.
func Banned() []Span { return []Span{{List: banned}} }

// Marked returns the span of the users who are marked as required to have a second factor and have
// none.
func Marked() []Span { return []Span{{List: marked}} }

// Digits returns the span of the users with a number that ends in four digits.
func Digits(last string, digest Digest) Span { return Span{List: digitList(last, digest)} }

func digitList(last string, digest Digest) string { return "digits:" + digest("last-digits", last) }

// digitLists returns the lists of a user's numbers, each once.
func digitLists(numbers []string, digest Digest) []string {
	var lists []string
	for _, n := range numbers {
		if len(n) < LastDigits {
			continue
		}
		list := digitList(n[len(n)-LastDigits:], digest)
		if len(lists) < maxNumbers && !slices.Contains(lists, list) {
			lists = append(lists, list)
		}
	}
	return lists
}

// Factors returns the span of the users with a factor signature.
func Factors(signature string) Span { return Span{List: factors, Prefix: signature + separator} }

// NextFactors returns the range whose first entry has the least signature after the given one, and
// is empty if there is none. Begin with "".
func NextFactors(signature string) store.Range {
	r := store.Range{List: factors, Limit: 1}
	if signature != "" {
		r.From = signature + separator + "~" // after all times
	}
	return r
}

// Signature returns the factor signature in the rank of an entry of [NextFactors].
func Signature(rank string) string {
	signature, _, _ := strings.Cut(rank, separator)
	return signature
}

// Period is after one time and before another one. Zero is no limit.
type Period struct{ After, Before account.Instant }

// Range returns the range of a span with the users of a period.
func (s Span) Range(p Period) store.Range {
	r := store.Range{List: s.List, From: s.Prefix, To: s.Prefix + "~"}
	switch {
	case p.After >= maxTime:
		r.From = r.To
	case p.After != 0:
		r.From = s.Prefix + Time(p.After+1)
	}
	if p.Before != 0 {
		r.To = s.Prefix + Time(p.Before)
	}
	return r
}

// Forever is the end of the counters of users, which no store forgets: later than every clock.
var Forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
