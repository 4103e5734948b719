package directory

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/countersign-mfa/countersign/internal/domain/listing"
	"github.com/countersign-mfa/countersign/internal/store"
)

// sorted is a slice of users in the order of a query.
type sorted struct{ left []ref }

// newSorted sorts users and leaves out those up to a place.
func newSorted(found []ref, order store.Order, after *ref) *sorted {
	compare := comparing(order)
	slices.SortFunc(found, compare)
	if after != nil {
		n, there := slices.BinarySearchFunc(found, *after, compare)
		if there {
			n++
		}
		found = found[n:]
	}
	return &sorted{found}
}

func (s *sorted) next(_ context.Context, n int) ([]ref, error) {
	n = min(n, len(s.left))
	page := s.left[:n]
	s.left = s.left[n:]
	return page, nil
}

// comparing returns the comparison of users by creation, and of users of the same moment by id.
func comparing(order store.Order) func(a, b ref) int {
	return func(a, b ref) int {
		if order == store.Descending {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id))
	}
}

// merge reads several lists, each sorted by creation, as one.
type merge struct {
	store   store.Store
	heads   []*head
	compare func(a, b ref) int
}

// head is what was read of a list.
type head struct {
	rest   store.Range
	buffer []ref
	end    bool
}

// newMerge returns the users of a query in the given spans, beginning after a place.
func newMerge(from store.Store, spans []listing.Span, q *Query, after *ref) *merge {
	m := &merge{store: from, compare: comparing(q.Order)}
	for _, span := range spans {
		r := span.Range(q.Created)
		r.Order = q.Order
		if after != nil {
			r.After = store.Listed{Key: store.Key{Kind: store.KindUser, ID: after.id}, Rank: span.Prefix + listing.Time(after.at)}.Position()
		}
		m.heads = append(m.heads, &head{rest: r})
	}
	return m
}

// spare is how many entries more than its share are read of each of several lists.
const spare = 16

func (m *merge) next(ctx context.Context, n int) ([]ref, error) {
	var page []ref
	for len(page) < n {
		if err := m.refill(ctx, n-len(page)); err != nil {
			return nil, err
		}
		first := m.first()
		if first == nil {
			return page, nil
		}
		page = append(page, first.buffer[0])
		first.buffer = first.buffer[1:]
	}
	return page, nil
}

// first returns the list with the next user, or nil at the end of all.
func (m *merge) first() *head {
	var first *head
	for _, h := range m.heads {
		if len(h.buffer) > 0 && (first == nil || m.compare(h.buffer[0], first.buffer[0]) < 0) {
			first = h
		}
	}
	return first
}

// refill reads on in the lists whose buffers are empty, at once. n users are still wanted of all
// lists.
func (m *merge) refill(ctx context.Context, n int) error {
	limit := n
	if len(m.heads) > 1 {
		limit = n/len(m.heads) + spare
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, h := range m.heads {
		if len(h.buffer) > 0 || h.end {
			continue
		}
		h.rest.Limit = limit
		group.Go(func() error { return h.read(ctx, m.store) })
	}
	return group.Wait()
}

func (h *head) read(ctx context.Context, from store.Store) error {
	listed, err := from.Entries(ctx, h.rest)
	if err != nil {
		return fmt.Errorf("read a list of users: %w", err)
	}
	h.end = len(listed) < h.rest.Limit
	for _, l := range listed {
		h.buffer = append(h.buffer, refOf(l))
	}
	if len(listed) > 0 {
		h.rest.After = listed[len(listed)-1].Position()
	}
	return nil
}

func refOf(l store.Listed) ref { return ref{l.Key.ID, listing.CreatedAt(l.Rank)} }

// countSpans counts the users of spans, at most [MostWalked]. It reads the lists in parts, and no
// further once they have more users together.
func (s *Service) countSpans(ctx context.Context, spans []listing.Span, f *Filter) (int, error) {
	var total atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, span := range spans {
		group.Go(func() error {
			r := span.Range(f.Created)
			r.Limit = MostWalked/atOnce + spare
			for total.Load() <= MostWalked {
				listed, err := s.Store.Entries(ctx, r)
				if err != nil {
					return fmt.Errorf("count a list of users: %w", err)
				}
				total.Add(int64(len(listed)))
				if len(listed) < r.Limit {
					return nil
				}
				r.After = listed[len(listed)-1].Position()
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	if total.Load() > MostWalked {
		return 0, refuse(f.broadest(), fmt.Sprintf("More than %d users match. Narrow the filter.", MostWalked))
	}
	return int(total.Load()), nil
}

// atOnce is how many lists are read at the same time.
const atOnce = 16
