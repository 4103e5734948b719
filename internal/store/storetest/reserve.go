package storetest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/countersign-mfa/countersign/internal/store"
)

var reserveCases = []testCase{
	{"reservations add up to the limit and not beyond", func(f *fixture) {
		f.reserve(increment("r", 2, 5))
		f.reserve(increment("r", 3, 5))
		f.reserveBeyond("r", increment("r", 1, 5))
		f.wantSums([]string{"r"}, 5)
	}},
	{"a refused reservation leaves nothing, and the first full counter is named", func(f *fixture) {
		f.reserve(increment("full", 1, 1))
		f.reserveBeyond("full", increment("first", 1, 2), increment("free", 1, math.MaxInt64), increment("full", 1, 1), increment("last", 1, 2))
		f.wantSums([]string{"first", "free", "full", "last"}, 0, 0, 1, 0)
	}},
	{"the first reservation may be refused", func(f *fixture) {
		f.reserveBeyond("r", increment("r", 6, 5))
		f.reserveBeyond("r", increment("r", 1, 0))
		f.wantSums([]string{"r"}, 0)
	}},
	{"a negative reservation gives back, below 0 as well", func(f *fixture) {
		f.reserve(increment("r", 1, 5))
		f.reserve(increment("r", -3, math.MaxInt64))
		f.wantSums([]string{"r"}, -2)
		f.reserve(increment("r", 7, 5))
		f.reserveBeyond("r", increment("r", 1, 5))
	}},
	{"nothing is reserved without an increment", func(f *fixture) { f.reserve() }},
	{"a malformed reservation is refused", func(f *fixture) {
		for _, wrong := range [][]store.Increment{{increment("", 1, 1)}, {increment("r", 1, 9), increment("r", 1, 9)}} {
			if err := f.store.Reserve(f.ctx, wrong...); !errors.Is(err, store.ErrMalformed) {
				f.Errorf("reserve %+v: got error %v, want %v", wrong, err, store.ErrMalformed)
			}
		}
		f.wantSums([]string{"r"}, 0)
	}},
	{"an ended context is an error", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		if err := f.store.Reserve(ctx, increment("r", 1, 9)); !errors.Is(err, context.Canceled) && !errors.Is(err, store.ErrUnavailable) {
			f.Errorf("got error %v, want that of the context", err)
		}
	}},
	{"callers that meet at a counter never conflict", func(f *fixture) {
		outcomes := f.together(func(i int) error {
			return f.store.Reserve(f.ctx, increment(fmt.Sprint("own", i), 1, 1), increment("all", 1, racers/2))
		})
		f.wantOutcomes(outcomes, racers/2, func(err error) bool { return errors.As(err, new(*store.LimitReachedError)) })
		var own []string
		for i := range racers {
			own = append(own, fmt.Sprint("own", i))
		}
		sums, err := f.store.Sums(f.ctx, own...)
		if err != nil {
			f.Fatal(err)
		}
		if kept := len(slices.DeleteFunc(sums, func(n int64) bool { return n == 0 })); kept != racers/2 {
			f.Errorf("%d callers kept their own counter, want the %d that were not refused", kept, racers/2)
		}
	}},
}

func (f *fixture) reserve(increments ...store.Increment) {
	f.Helper()
	if err := f.store.Reserve(f.ctx, increments...); err != nil {
		f.Fatalf("reserve: %v", err)
	}
}

// reserveBeyond reserves increments that must be refused because of counter.
func (f *fixture) reserveBeyond(counter string, increments ...store.Increment) {
	f.Helper()
	err := f.store.Reserve(f.ctx, increments...)
	if full, ok := errors.AsType[*store.LimitReachedError](err); !ok || full.Counter != counter {
		f.Fatalf("reserve: got error %v, want one that names %q", err, counter)
	}
}
