package directory

import (
	"context"
	"fmt"
)

// walkBatch is how many users a walk reads at a time: those of one request to DynamoDB.
const walkBatch = 100

// walk yields the users of a list who match a filter, which only their records tell.
type walk struct {
	service *Service
	filter  *Filter
	from    refs
	read    int
	found   []ref
}

// walk returns the users of lists who match a filter.
func (s *Service) walk(f *Filter, from refs) refs {
	if !f.byRecord() {
		return from
	}
	return &walk{service: s, filter: f, from: from}
}

// next implements [refs]. The error is that of [tooMany] after [MostWalked] users.
func (w *walk) next(ctx context.Context, n int) ([]ref, error) {
	for len(w.found) < n {
		batch, err := w.from.next(ctx, walkBatch)
		if err != nil {
			return nil, err
		}
		if len(batch) == 0 {
			break
		}
		if w.read += len(batch); w.read > MostWalked {
			const sentence = "More than %d users would be read. Narrow the filter with created_at_after, created_at_before or starting_after."
			return nil, tooMany(w.filter.broadest(), fmt.Sprintf(sentence, MostWalked))
		}
		ids := make([]string, len(batch))
		for i, r := range batch {
			ids[i] = r.id
		}
		users, err := w.service.read(ctx, w.filter, ids)
		if err != nil {
			return nil, err
		}
		w.found = append(w.found, refsOf(users)...)
	}
	page := w.found[:min(n, len(w.found))]
	w.found = w.found[len(page):]
	return page, nil
}

// countWalked returns the number of users who match a filter that only their records tell.
func (s *Service) countWalked(ctx context.Context, f *Filter) (int, error) {
	found, err := s.open(ctx, &Query{Filter: *f}, nil)
	if err != nil {
		return 0, err
	}
	total := 0
	for {
		part, err := found.next(ctx, walkBatch)
		if err != nil || len(part) == 0 {
			return total, err
		}
		total += len(part)
	}
}
