package tx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/countersign-mfa/countersign/internal/store"
)

// drawQuota draws a quota of a limit that one counter, some or all share.
func drawQuota(t *rapid.T) Quota {
	return Quota{
		Increment: store.Increment{Counter: "q", By: 1, Max: rapid.Int64Range(0, 2000).Draw(t, "limit"), Expires: time.Unix(4e9, 0)},
		Step:      OfInstance, Share: rapid.SampledFrom([]int64{0, 1, 7, 100}).Draw(t, "share"), Spread: rapid.StringN(1, 3, -1).Draw(t, "spread"),
	}
}

// TestThePartsOfALimit: the limits of the parts sum up to the whole limit, and none falls when the
// limit grows.
func TestThePartsOfALimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawQuota(t)
		sum := int64(0)
		for part := range quotaParts {
			sum += q.limit(part, q.Max)
			if before := q.limit(part, q.Max-1); q.Max > 0 && before > q.limit(part, q.Max) {
				t.Fatalf("part %d has %d of %d and %d of %d", part, before, q.Max-1, q.limit(part, q.Max), q.Max)
			}
		}
		if sum != q.Max {
			t.Fatalf("the parts have %d in all, want %d", sum, q.Max)
		}
		if q.limit(q.first(), q.Max) == 0 && q.Max > 0 {
			t.Fatalf("the part %d, which is tried first, has no room", q.first())
		}
	})
}

// tester is a test or one run of a property.
type tester interface {
	Context() context.Context
	Fatalf(format string, args ...any)
	Fatal(args ...any)
}

// reserve reserves quotas as a process with its own settings does, and reports whether it could.
func reserve(t tester, s store.Store, quotas ...Quota) bool {
	tx := &Tx{Engine: &Engine{Store: s}, Ctx: t.Context(), Quotas: quotas}
	_, err := tx.reserve()
	if _, full := asLimitReached(err); err != nil && !full {
		t.Fatalf("reserve: %v", err)
	}
	return err == nil
}

func used(t tester, s store.Store, counter string) int64 {
	sums, err := (&Engine{Store: s}).QuotaSums(t.Context(), counter)
	if err != nil {
		t.Fatal(err)
	}
	return sums[0]
}

// TestAQuotaIsUsedUpExactly: callers at once use up a limit to the last unit, in however many
// parts, and not one more.
func TestAQuotaIsUsedUpExactly(t *testing.T) {
	for _, limit := range []int64{0, 1, 3, 50, 190} {
		for _, share := range []int64{0, 1, 10, 100} {
			s := store.NewMemory()
			var done sync.WaitGroup
			var mu sync.Mutex
			passed := int64(0)
			for i := range 200 {
				done.Go(func() {
					q := Quota{Increment: store.Increment{Counter: "q", By: 1, Max: limit}, Share: share, Spread: fmt.Sprint(i)}
					if reserve(t, s, q) {
						mu.Lock()
						passed++
						mu.Unlock()
					}
				})
			}
			done.Wait()
			if passed != limit || used(t, s, "q") != limit {
				t.Errorf("%d callers passed a limit of %d in shares of %d, and %d is used", passed, limit, share, used(t, s, "q"))
			}
		}
	}
}

// TestALimitThatChanges: processes with different limits, of which each is or was that of the
// settings, never pass the largest one. With the parts read first, what is used never grows beyond
// the limit that holds now.
func TestALimitThatChanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := store.NewMemory()
		largest := int64(0)
		share := rapid.SampledFrom([]int64{1, 7, 100}).Draw(t, "share")
		for range rapid.IntRange(1, 6).Draw(t, "changes") {
			q := drawQuota(t)
			q.Share, q.By = share, rapid.Int64Range(1, 9).Draw(t, "by")
			q.Changed = rapid.Bool().Draw(t, "changed")
			largest = max(largest, q.Max)
			before := used(t, s, "q")
			for n := range rapid.IntRange(0, 300).Draw(t, "calls") {
				q.Spread = fmt.Sprint(n)
				reserve(t, s, q)
			}
			after := used(t, s, "q")
			if q.Changed && after > max(before, q.Max) {
				t.Fatalf("%d is used of the limit %d, and %d was before", after, q.Max, before)
			}
			if after > largest {
				t.Fatalf("%d is used, and the largest limit was %d", after, largest)
			}
		}
	})
}

// TestARefusedQuotaHoldsNothing: a quota that is refused gives back the narrower ones, and never
// holds a wider one.
func TestARefusedQuotaHoldsNothing(t *testing.T) {
	s := store.NewMemory()
	quota := func(step Step, counter string, limit int64) Quota {
		return Quota{Increment: store.Increment{Counter: counter, By: 1, Max: limit}, Step: step, Spread: "x"}
	}
	wide := &watched{Store: s}
	if reserve(t, wide, quota(OfInstance, "wide", 9), quota(OfAddress, "narrow", 9), quota(OfCountry, "full", 0)) {
		t.Error("a full quota passes")
	}
	if slices.Contains(wide.reserved, "wide") {
		t.Error("the wide quota was held")
	}
	for _, counter := range []string{"narrow", "full", "wide"} {
		if n := used(t, s, counter); n != 0 {
			t.Errorf("%d of %s is used", n, counter)
		}
	}
}

// watched is a store that notes what is reserved.
type watched struct {
	store.Store
	reserved []string
}

func (w *watched) Reserve(ctx context.Context, increments ...store.Increment) error {
	for _, inc := range increments {
		w.reserved = append(w.reserved, inc.Counter)
	}
	return w.Store.Reserve(ctx, increments...)
}

// TestQuotasOfACommitThatFails: a commit that stored nothing gives its quotas back. One whose
// answer is lost keeps them, because it may be stored.
func TestQuotasOfACommitThatFails(t *testing.T) {
	for name, tc := range map[string]struct {
		fault store.Fault
		want  int64
	}{
		"a conflict": {store.ConflictCommit(2), 0}, "a lost answer": {store.LoseCommit(2), 1}, "no answer": {store.FailCommit(2), 1},
	} {
		s := store.NewMemory()
		faulty := store.NewFaulty(s)
		faulty.Inject(tc.fault)
		tx := &Tx{
			Engine: &Engine{Store: faulty}, Ctx: t.Context(), Increments: []store.Increment{{Counter: "own", By: 1, Max: 1}},
			Quotas: []Quota{{Increment: store.Increment{Counter: "q", By: 1, Max: 9}}},
		}
		if err := tx.reserveAndWrite(); err == nil || faulty.Pending() != 0 {
			t.Errorf("%s: the commit did not fail (%v)", name, err)
		}
		if n := used(t, s, "q"); n != tc.want {
			t.Errorf("%s: %d is used, want %d", name, n, tc.want)
		}
	}
}

// leaving is a store whose commits are throttled, while the client of the request goes away.
type leaving struct {
	store.Store
	leave func()
}

func (l leaving) Commit(context.Context, []store.Write, ...store.Increment) error {
	l.leave()
	return fmt.Errorf("commit: %w", store.ErrThrottled)
}

func (l leaving) Reserve(ctx context.Context, increments ...store.Increment) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.Store.Reserve(ctx, increments...)
}

// TestAThrottledCommitGivesQuotasBack: a throttled commit stored nothing, so it uses up no limit of
// all users, also when its client went away meanwhile.
func TestAThrottledCommitGivesQuotasBack(t *testing.T) {
	s := store.NewMemory()
	ctx, leave := context.WithCancel(t.Context())
	tx := &Tx{
		Engine: &Engine{Store: leaving{s, leave}}, Ctx: ctx, Increments: []store.Increment{{Counter: "own", By: 1, Max: 1}},
		Quotas: []Quota{{Increment: store.Increment{Counter: "q", By: 1, Max: 9}}},
	}
	if err := tx.reserveAndWrite(); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a throttled commit gives %v", err)
	}
	if n := used(t, s, "q"); n != 0 {
		t.Errorf("%d is used", n)
	}
}
