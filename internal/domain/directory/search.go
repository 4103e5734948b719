package directory

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/account"
	"github.com/countersign-mfa/countersign/internal/domain/apierr"
	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
)

// wordRange is a range of a list in which the users with a word are.
type wordRange struct{ store.Range }

// has reports whether an entry is in the range.
func (r wordRange) has(e store.Entry) bool {
	return e.List == r.List && e.Rank >= r.From && e.Rank < r.To
}

// begins returns where the users are whose fields have a word that begins with the given one.
func (t *Text) begins(word string) []wordRange {
	var ranges []wordRange
	for _, f := range t.Fields {
		ranges = append(ranges, wordRange{listing.Term{Field: f, Text: word}.Begins()})
	}
	return ranges
}

// ranges returns where the users with a word are. Of a longer end of a number, the list of its last
// four digits has others too.
func (t *Text) ranges(word string, digest listing.Digest) []wordRange {
	ranges := t.begins(word)
	if t.Digits && lastDigits(word) {
		ranges = append(ranges, wordRange{listing.Digits(word[len(word)-listing.LastDigits:], digest).Range(listing.Period{})})
	}
	return ranges
}

// longEnd reports whether a text has an end of a number that is longer than the lists tell.
func (t *Text) longEnd() bool {
	return t.Digits && slices.ContainsFunc(t.words, func(w string) bool { return lastDigits(w) && len(w) > listing.LastDigits })
}

// wordSearch is a word with the users that have it.
type wordSearch struct {
	param string
	found map[string]account.Instant
	// broad says that more users have the word than were read.
	broad bool
}

// search returns the users who have all words of a filter. whole says that the filter has no other
// part that only their records can tell.
func (s *Service) search(ctx context.Context, f *Filter) (found []ref, whole bool, err error) {
	words, err := s.lookUp(ctx, f.Texts)
	if err != nil {
		return nil, false, err
	}
	var least *wordSearch
	whole = f.Banned == nil && !f.byFactors() && !f.byRecord() && f.MFADue == nil && f.SignedIn == (listing.Period{}) && !slices.ContainsFunc(f.Texts, func(t Text) bool { return t.longEnd() })
	for i := range words {
		w := &words[i]
		whole = whole && !w.broad
		if !w.broad && (least == nil || len(w.found) < len(least.found)) {
			least = w
		}
	}
	if least == nil {
		return nil, false, tooMany(words[0].param, fmt.Sprintf("More than %d users match. Give more letters.", MostFound))
	}
	for id, at := range least.found {
		if within(at, f.Created) && inAll(words, id) {
			found = append(found, ref{id, at})
		}
	}
	return found, whole, nil
}

// tooMany returns the error for a filter that has too many users.
func tooMany(param, sentence string) error {
	return apierr.New(apierr.FormParamValueInvalid).Param(param).With("reason", "too_many_users").Explain(sentence)
}

// inAll reports whether a user has all words whose users are all known.
func inAll(words []wordSearch, id string) bool {
	for i := range words {
		if _, ok := words[i].found[id]; !ok && !words[i].broad {
			return false
		}
	}
	return true
}

// lookUp reads the users of each word of the texts, at once.
func (s *Service) lookUp(ctx context.Context, texts []Text) ([]wordSearch, error) {
	var words []wordSearch
	var ranges [][]wordRange
	for i := range texts {
		for _, w := range texts[i].words {
			words = append(words, wordSearch{param: texts[i].Param, found: map[string]account.Instant{}})
			ranges = append(ranges, texts[i].ranges(w, s.Digest))
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range words {
		group.Go(func() error { return s.readWord(ctx, &words[i], ranges[i]) })
	}
	return words, group.Wait()
}

// readWord reads the users of a word until they are too many.
func (s *Service) readWord(ctx context.Context, w *wordSearch, ranges []wordRange) error {
	for _, r := range ranges {
		r.Limit = MostFound + 1
		listed, err := s.Store.Entries(ctx, r.Range)
		if err != nil {
			return fmt.Errorf("read a list of words: %w", err)
		}
		for _, l := range listed {
			w.found[l.Key.ID] = listing.CreatedAt(l.Rank)
		}
		if w.broad = len(listed) > MostFound || len(w.found) > MostFound; w.broad {
			return nil
		}
	}
	return nil
}

// spans returns the spans that have exactly the users of a filter that is not narrow.
func (s *Service) spans(ctx context.Context, f *Filter) ([]listing.Span, error) {
	switch {
	case f.byFactors():
		return s.strandedSpans(ctx, f)
	case f.marked:
		return listing.Marked(), nil
	case f.Banned == nil:
		return listing.Users(), nil
	case *f.Banned:
		return listing.Banned(), nil
	}
	return listing.Unbanned(), nil
}

// mostSignatures is the largest number of factor signatures that are looked at. There are few: an
// app, and the countries whose numbers a user has.
const mostSignatures = 2000

// strandedSpans returns a span for each factor signature that matches.
func (s *Service) strandedSpans(ctx context.Context, f *Filter) ([]listing.Span, error) {
	set, err := s.Settings(ctx)
	if err != nil {
		return nil, err
	}
	var spans []listing.Span
	signature := ""
	for range mostSignatures {
		listed, err := s.Store.Entries(ctx, listing.NextFactors(signature))
		if err != nil {
			return nil, fmt.Errorf("read factors: %w", err)
		}
		if len(listed) == 0 {
			return spans, nil
		}
		signature = listing.Signature(listed[0].Rank)
		now := account.StrandedWith(signature, &set)
		if (f.Stranded == nil || now) && (f.Without == nil || !now && account.StrandedWith(signature, f.Without)) {
			spans = append(spans, listing.Factors(signature))
		}
	}
	return nil, refuse(f.broadest(), "The users have too many different sets of second factors.")
}
