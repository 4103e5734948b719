package tx

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"sort"
	"strconv"

	"github.com/countersign-mfa/countersign/internal/store"
)

// quotaParts is how many counters share a large quota. DynamoDB carries out 1,000 updates of one
// item a second; eight parts leave room for several texts and used codes of one second.
const quotaParts = 8

// NoLimit is the Max of a counter that only counts.
const NoLimit = math.MaxInt64

// A Quota is an increment of a counter that many users share. It is reserved before the commit and
// given back when the commit fails, because transactions that change one item conflict in DynamoDB.
// A process that ends in between leaves it reserved, so no more than Max is ever used.
//
// Up to eight counters share Max. The first one is named Counter, and others are used as Max grows.
type Quota struct {
	store.Increment
	// Step orders the quotas of an operation, narrow limits first: what a narrow limit refuses then
	// holds nothing of a wide one, not even for a moment.
	Step Step
	// Share is the limit of a counter before the next one is used; 0 means that one counter has all
	// of Max. An increment that fits into no single counter is refused, so Share is large compared
	// with By.
	Share int64
	// Spread is an id; its hash chooses the counter that is tried first.
	Spread string
	// Changed says that Max had another value earlier in the counter's period.
	Changed bool
}

// Step is when a quota is reserved. Those of one step are reserved together.
type Step int

// The steps, from the narrowest limit to the widest.
const (
	OfAddress Step = iota
	OfBlock
	OfCountry
	OfInstance
)

// PartsOf returns the names of all counters that may share a quota.
func PartsOf(counter string) []string {
	names := make([]string, quotaParts)
	for i := range names {
		names[i] = partName(counter, i)
	}
	return names
}

func partName(counter string, part int) string {
	if part == 0 {
		return counter
	}
	return counter + "/" + strconv.Itoa(part)
}

// limit returns the limit of one part. The limits of all parts sum up to most; those that are 0 are
// not used. Each of them grows with most and never falls, so processes that disagree about most
// never exceed the larger one.
func (q *Quota) limit(part int, most int64) int64 {
	share := q.Share
	if share == 0 {
		share = math.MaxInt64 / quotaParts
	}
	if rest := most - quotaParts*share; rest >= 0 {
		limit := share + rest/quotaParts
		if int64(part) < rest%quotaParts {
			limit++
		}
		return limit
	}
	return min(max(most-int64(part)*share, 0), share)
}

// first returns the part that is tried first.
func (q *Quota) first() int {
	used := 1
	for used < quotaParts && q.limit(used, q.Max) > 0 {
		used++
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(q.Spread))
	return int(h.Sum32() % uint32(used)) //nolint:gosec // 1 to 8
}

func (q *Quota) increment(part int, most int64) store.Increment {
	inc := q.Increment
	inc.Counter = partName(q.Counter, part)
	switch {
	case q.Max == NoLimit:
	case most < 0:
		inc.Max = math.MinInt64 // no sum is within it
	default:
		inc.Max = q.limit(part, most)
	}
	return inc
}

// room returns the first part, from the given one on, that has room for the quota by the sums of
// all parts.
func (q *Quota) room(from int, most int64, sums []int64) (part int, ok bool) {
	for n := range quotaParts {
		part := (from + n) % quotaParts
		if !store.Exceeds(sums[part], q.increment(part, most)) {
			return part, true
		}
	}
	return 0, false
}

// bounded returns the largest limit, at most Max, with which the parts stay within Max in all, or
// -1 when they exceed it. A part may be above its limit since Max was larger.
func (q *Quota) bounded(sums []int64) int64 {
	within := func(most int64) bool {
		left := q.Max
		for part, sum := range sums {
			left -= max(sum, q.limit(part, most))
		}
		return left >= 0
	}
	if q.Max == NoLimit || within(q.Max) {
		return q.Max
	}
	return int64(sort.Search(int(q.Max), func(most int) bool { return !within(int64(most)) })) - 1
}

// reserve reserves the staged quotas, step by step, and returns what it added. When no part of a
// quota has room it gives everything back, and the error is [*store.LimitReachedError] with the
// quota's Counter.
func (t *Tx) reserve() (held []store.Increment, err error) {
	for step := OfAddress; step <= OfInstance; step++ {
		var quotas []*Quota
		for i := range t.Quotas {
			if t.Quotas[i].Step == step {
				quotas = append(quotas, &t.Quotas[i])
			}
		}
		added, err := t.reserveTogether(quotas)
		if err != nil {
			t.giveBack(held)
			return nil, err
		}
		held = append(held, added...)
	}
	return held, nil
}

// reserveTogether reserves quotas in one request. When a part is full and its quota has room in
// another part, it sends another request. A round fails only when another call has just taken the
// room, so more rounds are rare; the context ends them at the latest.
func (t *Tx) reserveTogether(quotas []*Quota) (increments []store.Increment, err error) {
	increments = make([]store.Increment, len(quotas))
	for i, q := range quotas {
		if increments[i], err = t.firstPart(q); err != nil {
			return nil, err
		}
	}
	for len(increments) > 0 {
		err := t.Engine.Store.Reserve(t.Ctx, increments...)
		full, ok := asLimitReached(err)
		if !ok && err != nil {
			return nil, fmt.Errorf("reserve: %w", err)
		}
		if !ok {
			return increments, nil
		}
		for i, q := range quotas {
			if increments[i].Counter != full {
				continue
			}
			if increments[i], err = t.partWithRoom(q); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// firstPart returns the increment of the part that is tried first.
func (t *Tx) firstPart(q *Quota) (store.Increment, error) {
	if !q.Changed {
		return q.increment(q.first(), q.Max), nil
	}
	return t.partWithRoom(q)
}

// partWithRoom reads the sums of a quota and returns the increment of a part that has room.
func (t *Tx) partWithRoom(q *Quota) (store.Increment, error) {
	full := &store.LimitReachedError{Counter: q.Counter}
	if q.Share == 0 && !q.Changed {
		return store.Increment{}, full // one part has all of Max
	}
	sums, err := t.Engine.Store.Sums(t.Ctx, PartsOf(q.Counter)...)
	if err != nil {
		return store.Increment{}, fmt.Errorf("read a quota: %w", err)
	}
	most := q.Max
	if q.Changed {
		most = q.bounded(sums)
	}
	part, ok := q.room(q.first(), most, sums)
	if !ok {
		return store.Increment{}, full
	}
	return q.increment(part, most), nil
}

// giveBack takes what was reserved for a commit that was not stored off the counters. A failure is
// not reported: the reservation then stays until its period ends, and no limit is exceeded.
func (t *Tx) giveBack(held []store.Increment) {
	for i := range held {
		held[i].By, held[i].Max = -held[i].By, NoLimit
	}
	if len(held) > 0 {
		// A client that went away meanwhile must not use up a limit of all users.
		_ = t.Engine.Store.Reserve(context.WithoutCancel(t.Ctx), held...)
	}
}

// settle adds the quotas of Later, without limits. A failure is not reported, because the operation
// has succeeded.
func (t *Tx) settle() {
	increments := make([]store.Increment, len(t.Later))
	for i := range t.Later {
		q := &t.Later[i]
		increments[i] = q.increment(q.first(), q.Max)
		increments[i].Max = NoLimit
	}
	if len(increments) > 0 {
		_ = t.Engine.Store.Reserve(t.Ctx, increments...)
	}
}

// notStored reports whether a commit that failed certainly stored nothing.
func notStored(err error) bool {
	return errors.Is(err, store.ErrConflict) || errors.Is(err, store.ErrThrottled) || errors.Is(err, store.ErrMalformed) || errors.As(err, new(*store.LimitReachedError))
}

// QuotaSums returns the sums of quotas, over all parts, in order.
func (s *Engine) QuotaSums(ctx context.Context, counters ...string) ([]int64, error) {
	var names []string
	for _, c := range counters {
		names = append(names, PartsOf(c)...)
	}
	parts, err := s.Store.Sums(ctx, names...)
	if err != nil {
		return nil, fmt.Errorf("read quotas: %w", err)
	}
	sums := make([]int64, len(counters))
	for i, n := range parts {
		sums[i/quotaParts] += n
	}
	return sums, nil
}
