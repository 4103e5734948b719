package listing

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/identifier"
	"github.com/countersign-mfa/countersign/internal/domain/typed"
	"github.com/countersign-mfa/countersign/internal/store"
)

// Field is a part of a user's profile whose words are found, by its name in lists.
type Field string

// The fields.
const (
	Email    Field = "e"
	Username Field = "u"
	Name     Field = "n"
)

// MaxWordLength is the largest length in characters of a word in a search. Longer words of users
// are found by their beginnings.
const MaxWordLength = 100

// wordsInText is the largest number of words of one address, username or name that are found.
const wordsInText = 8

// A Term is a text of a user that a search finds by its beginning.
type Term struct {
	Field Field
	Text  string
}

// list returns the list of the terms of a field with the same first letter.
func (t Term) list() string {
	_, n := utf8.DecodeRuneInString(t.Text)
	return "word:" + string(t.Field) + ":" + t.Text[:n]
}

// Begins returns the range of the entries whose terms begin with a text, which is not empty.
func (t Term) Begins() store.Range {
	return store.Range{List: t.list(), From: t.Text, To: t.Text + string(utf8.MaxRune)}
}

// Terms returns the terms of a user, at most [MaxTerms]. A text is found from each of its words on:
// jane.doe@example.com by jane.doe, doe@exa and example.com. The username and the names come first,
// then whole addresses, then their parts.
func Terms(l *account.Listing) []Term {
	var terms []Term
	add := func(f Field, texts ...string) {
		for _, text := range texts {
			if t := (Term{f, text}); len(terms) < MaxTerms && !slices.Contains(terms, t) {
				terms = append(terms, t)
			}
		}
	}
	add(Username, tails(l.Username)...)
	add(Name, tails(l.FirstName)...)
	add(Name, tails(l.LastName)...)
	var parts []string
	for _, address := range l.Emails {
		for _, form := range []string{address, identifier.Shown(address)} { // the same if it is ASCII
			if whole := tails(form); len(whole) > 0 {
				add(Email, whole[0])
				parts = append(parts, withoutTopLevel(whole[1:])...)
			}
		}
	}
	add(Email, parts...)
	return terms
}

// withoutTopLevel leaves out the tail of an address that is only a top-level domain: all users of a
// country would have it.
func withoutTopLevel(tails []string) []string {
	return slices.DeleteFunc(tails, func(t string) bool { return !strings.ContainsAny(t, ".@") })
}

// tails returns the ends of a text that begin with a word, as a search compares them: each to the
// next blank and cut to [MaxWordLength].
func tails(text string) []string {
	var found []string
	for _, part := range strings.Fields(identifier.Folded(text)) {
		inside := false
		for i, r := range part {
			if isWord(r) && !inside && len(found) < wordsInText {
				found = append(found, first(part[i:], MaxWordLength))
			}
			inside = isWord(r)
		}
	}
	return found
}

// first returns the first characters of a text.
func first(text string, n int) string {
	for i := range text {
		if n--; n < 0 {
			return text[:i]
		}
	}
	return text
}

// isWord reports whether a character is a part of words: a letter, a digit, or a mark on one.
func isWord(r rune) bool { return unicode.In(r, unicode.L, unicode.N, unicode.M) }

// Split returns the words of a search as [Terms] has them. Signs before a word mean nothing, nor do
// invisible characters. A search with a part of signs alone has no words: to ignore the part would
// find more users.
func Split(search string) []string {
	var words []string
	for _, part := range strings.Fields(identifier.Folded(typed.Visible(search))) {
		word := strings.TrimLeftFunc(part, func(r rune) bool { return !isWord(r) })
		if word == "" {
			return nil
		}
		if !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}
